//! What operators see of the fleet, and tell it.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use pombal_domain::time::UnixMs;
use pombal_domain::{Command, ConnectorId, MoveId, OldOwner, Op, Rvn, ShardId, Transit};
use pombal_store::registry::{ConnectorBeat, Handover};
use serde_json::{Value, json};

use crate::app::TestApp;

fn beat(id: ConnectorId) -> ConnectorBeat {
    ConnectorBeat {
        id,
        rvn: Rvn::random(),
        beat: 0,
        accepting: true,
        instances: 3,
        open: 2,
        started_at: UnixMs(1_795_182_896_007),
        renewed_at: UnixMs(1_795_182_899_007),
    }
}

#[tokio::test]
async fn only_the_global_key_opens_it() {
    let app = TestApp::start().await;
    let token = app.create("b1").await;
    let drain = format!("/admin/connectors/{}/drain", ConnectorId::random());
    for (method, path) in [
        (Method::GET, "/admin/shards"),
        (Method::GET, "/admin/connectors"),
        (Method::POST, &drain),
        (Method::GET, "/admin/instances/b1"),
        (Method::POST, "/admin/instances/b1/move"),
        (Method::POST, "/admin/instances/nobody/move"),
    ] {
        let call = || app.call(method.clone(), path);
        call().send().await.assert_unauthorized();
        call().key("wrong").send().await.assert_unauthorized();
        call().key(&token).send().await.assert_unauthorized();
    }
}

#[tokio::test]
async fn shards_say_who_owns_them_and_how_many_live_there() {
    let app = TestApp::start().await;
    app.create("b1").await;
    let (owner, next) = (ConnectorId::random(), ConnectorId::random());
    let registry = &app.stores.registry;
    let list = async || {
        let listed = app.get("/admin/shards").global().send().await;
        assert_eq!(listed.status, StatusCode::OK);
        listed.body["shards"].clone()
    };
    let nobodys = json!([{
        "shard": 0,
        "owner": null,
        "epoch": 0,
        "since": null,
        "wantedBy": null,
        "instances": 1,
    }]);
    assert_eq!(list().await, nobodys);

    let fresh = registry.shard(ShardId(0)).await.unwrap();
    let taken = registry.take_shard(&fresh, owner, OldOwner::None);
    taken.await.unwrap();
    let taken = registry.shard(ShardId(0)).await.unwrap();
    registry.request_shard(&taken, next).await.unwrap();
    let owned = json!([{
        "shard": 0,
        "owner": owner,
        "epoch": 1,
        "since": taken.since.iso8601(),
        "wantedBy": next,
        "instances": 1,
    }]);
    assert_eq!(list().await, owned);
}

#[tokio::test]
async fn a_connector_is_told_to_drain() {
    let app = TestApp::start().await;
    let (id, registry) = (ConnectorId::random(), &app.stores.registry);
    registry.renew_connector(&beat(id)).await.unwrap();
    let fresh = registry.shard(ShardId(0)).await.unwrap();
    let taken = registry.take_shard(&fresh, id, OldOwner::None);
    taken.await.unwrap();
    let list = async || {
        let listed = app.get("/admin/connectors").global().send().await;
        assert_eq!(listed.status, StatusCode::OK);
        listed.body["connectors"].clone()
    };
    let before = json!([{
        "id": id,
        "accepting": true,
        "drainRequested": false,
        "shards": [0],
        "waitsFor": [],
        "instances": 3,
        "open": 2,
        "startedAt": "2026-11-20T13:54:56.007Z",
        "renewedAt": "2026-11-20T13:54:59.007Z",
    }]);
    assert_eq!(list().await, before);

    let path = format!("/admin/connectors/{id}/drain");
    let asked = app.post(&path).global().send().await;
    assert_eq!(asked.status, StatusCode::ACCEPTED);
    assert_eq!(
        asked.body,
        json!({ "status": "PENDING", "error": false, "connector": id })
    );
    let after = list().await;
    assert_eq!(after[0]["drainRequested"], true);
    assert_eq!(after[0]["accepting"], false);

    for unknown in [ConnectorId::random().to_string(), "nobody".to_owned()] {
        let path = format!("/admin/connectors/{unknown}/drain");
        let text = format!("The \"{unknown}\" connector does not exist");
        let asked = app.post(&path).global().send().await;
        asked.assert_error(404, "Not Found", &json!([text]));
    }
}

/// The commands that wait in a shard's queue, which are taken out of it.
async fn commands(app: &TestApp) -> Vec<Command> {
    let received = app.commands.receive(10, Duration::ZERO).await.unwrap();
    let receipts: Vec<_> = received.iter().map(|m| m.receipt.clone()).collect();
    app.commands.ack(&receipts).await.unwrap();
    let commands = received.iter();
    commands
        .map(|message| serde_json::from_str(&message.body).unwrap())
        .collect()
}

#[tokio::test]
async fn an_instance_is_told_to_move() {
    let app = TestApp::start_with(|options| options.shards = 4).await;
    let row = loop {
        // Instances are spread at random; this one has to live on shard 0, whose queue we read.
        app.create("b1").await;
        let row = app.stores.row("b1").await;
        if row.shard == ShardId(0) {
            break row;
        }
        let deleted = app.stores.registry.delete_instance(&row).await;
        deleted.unwrap();
    };
    let whereabouts = async || {
        let found = app.get("/admin/instances/b1").global().send().await;
        assert_eq!(found.status, StatusCode::OK);
        found.body
    };
    let there = json!({ "instance": "b1", "shard": 0, "movingTo": null, "arriving": false });
    assert_eq!(whereabouts().await, there);
    let path = "/admin/instances/b1/move";
    // Again, and elsewhere, as long as it is under way.
    for to in [2, 2, 3] {
        let asked = app.post(path).global().json(&json!({ "shard": to })).await;
        assert_eq!(asked.status, StatusCode::ACCEPTED);
        assert_eq!(
            asked.body,
            json!({ "status": "PENDING", "error": false, "instance": "b1", "shard": to })
        );
        let now = app.stores.row("b1").await;
        assert_eq!((now.shard, now.transit.to), (ShardId(0), Some(ShardId(to))));
        assert_eq!(whereabouts().await["movingTo"], to);
        let nudges = commands(&app).await;
        assert_eq!(nudges.len(), 1);
        assert_eq!((nudges[0].instance, nudges[0].reply), (row.id, false));
        assert!(matches!(nudges[0].op, Op::Reconcile));
    }
    // It has arrived, and that is the end of it.
    let registry = &app.stores.registry;
    let owner = ConnectorId::random();
    let fresh = registry.shard(ShardId(0)).await.unwrap();
    let epoch = registry.take_shard(&fresh, owner, OldOwner::None);
    let epoch = epoch.await.unwrap();
    let now = app.stores.row("b1").await;
    let (attempt, to) = (MoveId::random(), ShardId(3));
    let begun = registry.begin_departure(&now, to, attempt).await;
    begun.unwrap();
    let handover = Handover {
        instance: &now,
        attempt,
        to,
        owner,
        epoch,
    };
    registry.hand_over(handover).await.unwrap();
    assert_eq!(whereabouts().await["arriving"], true);
    let now = app.stores.row("b1").await;
    assert!(registry.arrived(&now, attempt).await.unwrap());
    let there = json!({ "instance": "b1", "shard": 3, "movingTo": null, "arriving": false });
    assert_eq!(whereabouts().await, there);
    let again = app.post(path).global().json(&json!({ "shard": 3 })).await;
    again.assert_bad_request(&json!(["The \"b1\" instance lives on shard 3 already"]));
    assert!(commands(&app).await.is_empty());
}

#[tokio::test]
async fn a_move_that_makes_no_sense_is_refused() {
    let app = TestApp::start().await;
    app.create("b1").await;
    let ask = async |name: &str, body: Value| {
        let path = format!("/admin/instances/{name}/move");
        app.post(&path).global().json(&body).await
    };
    for nobody in ["nobody", "%20", "a%2Fb"] {
        let asked = ask(nobody, json!({ "shard": 0 })).await;
        assert_eq!(asked.status, StatusCode::NOT_FOUND);
    }
    let unknown = ask("nobody", json!({ "shard": 0 })).await;
    let text = "The \"nobody\" instance does not exist";
    unknown.assert_error(404, "Not Found", &json!([text]));
    let found = app.get("/admin/instances/nobody").global().send().await;
    found.assert_error(404, "Not Found", &json!([text]));

    let same = ask("b1", json!({ "shard": 0 })).await;
    same.assert_bad_request(&json!(["The \"b1\" instance lives on shard 0 already"]));
    for shard in [1, 65_535, 65_536, u64::MAX] {
        let asked = ask("b1", json!({ "shard": shard })).await;
        asked.assert_bad_request(&json!([format!("The shard {shard} does not exist")]));
    }
    for shard in [json!(-1), json!(1.5), json!("x"), json!([]), json!(true)] {
        let asked = ask("b1", json!({ "shard": shard })).await;
        asked.assert_bad_request(&json!([["shard is not of a type(s) integer"]]));
    }
    for body in [json!({}), json!({ "shard": null })] {
        let asked = ask("b1", body).await;
        asked.assert_bad_request(&json!([["instance requires property \"shard\""]]));
    }
    let row = app.stores.row("b1").await;
    assert_eq!(row.transit, Transit::default());
    assert!(commands(&app).await.is_empty());

    app.stores.registry.mark_moved(&row).await.unwrap();
    let gone = ask("b1", json!({ "shard": 0 })).await;
    let text = "The \"b1\" instance was moved to another deployment";
    gone.assert_bad_request(&json!([text]));
}
