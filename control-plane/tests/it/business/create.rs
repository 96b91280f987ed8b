//! Creating an instance, and what it is to the instance routes.

use axum::http::StatusCode;
use pombal_domain::{ConnectionState, ShardId};
use serde_json::{Value, json};

use super::rig::Rig;
use crate::app::{GLOBAL_KEY, TestApp};

const TOKEN: &str = "EAAG-some-graph-token";

fn body() -> Value {
    json!({
        "instanceName": "shop",
        "integration": "WHATSAPP-BUSINESS",
        "token": TOKEN,
        "number": "106540352242922",
        "businessId": "102290129340398",
    })
}

fn without(field: &str) -> Value {
    let mut body = body();
    body.as_object_mut().unwrap().remove(field);
    body
}

#[tokio::test]
async fn an_instance_is_open_from_birth_and_nobody_is_to_connect_it() {
    let rig = Rig::start().await;
    let create = rig.app.post("/instance/create").global();
    let answer = create.json(&body()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let instance = &answer.body["instance"];
    assert_eq!(instance["integration"], "WHATSAPP-BUSINESS");
    assert_eq!(instance["status"], "open");
    assert_eq!(
        instance["webhookWaBusiness"],
        "http://gateway.test/webhook/meta"
    );
    // The verify token is the operator's own.
    assert_eq!(instance["accessTokenWaBusiness"], "");
    assert_eq!(answer.body["hash"], TOKEN);
    let row = rig.app.stores.row("shop").await;
    assert_eq!(row.observed.state, ConnectionState::Open);
    assert!(!row.needs_connector());
    let content = rig.app.stores.registry.shard_content(ShardId(0)).await;
    assert!(content.unwrap().instances.is_empty());
    let commands = rig
        .app
        .commands
        .receive(10, std::time::Duration::ZERO)
        .await;
    assert_eq!(commands.unwrap(), [], "no shard has work by it");
    // What is kept of the token is sealed.
    let sealed = String::from_utf8_lossy(&row.token_sealed).into_owned();
    assert!(!sealed.contains("EAAG"));
}

#[tokio::test]
async fn token_and_number_are_required_and_a_number_is_nobody_elses() {
    let rig = Rig::start().await;
    for (body, text) in [
        (without("token"), "token is required"),
        (without("number"), "number is required"),
    ] {
        let answer = rig.app.post("/instance/create").global().json(&body).await;
        answer.assert_bad_request(&json!([text]));
    }
    let mut odd = body();
    odd["number"] = json!("12/../34");
    let answer = rig.app.post("/instance/create").global().json(&odd).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    rig.instance("first", "106540352242922").await;
    let answer = rig
        .app
        .post("/instance/create")
        .global()
        .json(&body())
        .await;
    answer.assert_error(403, "Forbidden", &json!(["This number is already in use."]));
}

#[tokio::test]
async fn the_graph_token_is_the_key_of_its_instance_only() {
    let rig = Rig::start().await;
    let (a, b) = (
        rig.instance("a", "111").await,
        rig.instance("b", "222").await,
    );
    let state = |token: String| {
        rig.app
            .get("/instance/connectionState/a")
            .key(&token)
            .send()
    };
    let answer = state(a.token.clone()).await;
    assert_eq!(answer.body["instance"]["state"], "open");
    state(b.token).await.assert_unauthorized();
    let rows = rig.app.get("/instance/fetchInstances").key(&a.token).send();
    let row = &rows.await.body[0];
    assert_eq!(row["number"], "111");
    assert_eq!(row["businessId"], "9111");
    assert_eq!(row["token"], a.token);
    let found = rig.app.get("/instance/fetchInstances?number=222").global();
    assert_eq!(found.send().await.body[0]["name"], "b");
}

#[tokio::test]
async fn there_is_nothing_to_connect_restart_or_log_out() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let open = json!({ "instance": { "instanceName": "a", "state": "open" } });
    let connect = rig.app.get("/instance/connect/a").key(&number.token);
    connect.send().await.assert_ok(200, &open);
    let restart = rig.app.post("/instance/restart/a").key(&number.token);
    restart.send().await.assert_ok(200, &open);
    let logout = rig.app.delete("/instance/logout/a").key(&number.token);
    let refused = json!(["Method not available on WhatsApp Business API"]);
    logout.send().await.assert_bad_request(&refused);
    let presence = json!({ "presence": "available" });
    let answer = rig
        .post(&number, "/instance/setPresence/a", &presence)
        .await;
    answer.assert_bad_request(&refused);
    let shard = rig.app.post("/admin/instances/a/move").global();
    shard
        .json(&json!({ "shard": 0 }))
        .await
        .assert_bad_request(&refused);
    let commands = rig
        .app
        .commands
        .receive(10, std::time::Duration::ZERO)
        .await;
    assert_eq!(commands.unwrap(), []);
}

#[tokio::test]
async fn a_deleted_instance_gives_its_number_and_its_token_back() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let delete = rig.app.delete("/instance/delete/a").key(&number.token);
    let answer = delete.send().await;
    assert_eq!(answer.body["status"], "SUCCESS");
    let state = rig
        .app
        .get("/instance/connectionState/a")
        .key(&number.token);
    state.send().await.assert_unauthorized();
    rig.instance("b", "111").await;
}

#[tokio::test]
async fn without_a_channel_there_are_no_such_instances() {
    let app = TestApp::start().await;
    let answer = app
        .post("/instance/create")
        .key(GLOBAL_KEY)
        .json(&body())
        .await;
    answer.assert_bad_request(&json!(["Invalid integration"]));
}

#[tokio::test]
async fn a_new_token_is_one_of_metas() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let path = "/instance/rotateToken/a";
    let answer = rig.post(&number, path, &json!({})).await;
    answer.assert_bad_request(&json!(["token is required"]));
    let fresh = fake_graph::Number {
        token: "EAAG-fresh-token".to_owned(),
        ..number.clone()
    };
    rig.graph.add_number(fresh.clone());
    let answer = rig
        .post(&number, path, &json!({ "token": fresh.token }))
        .await;
    assert_eq!(answer.body["hash"], fresh.token);
    let text = json!({ "number": "5511999990001", "text": "oi" });
    let answer = rig.post(&number, "/message/sendText/a", &text).await;
    answer.assert_unauthorized();
    let answer = rig.post(&fresh, "/message/sendText/a", &text).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
}
