//! What operators see of the fleet, and tell it.

use axum::http::{Method, StatusCode};
use pombal_domain::time::UnixMs;
use pombal_domain::{ConnectorId, OldOwner, Rvn, ShardId};
use pombal_store::registry::ConnectorBeat;
use serde_json::json;

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
