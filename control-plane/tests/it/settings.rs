//! `POST /settings/set/{name}`, `GET /settings/find/{name}` and `POST /verify-creds`.

use pombal_domain::{Op, Settings};
use serde_json::{Value, json};

use crate::app::{Answer, GLOBAL_KEY, TestApp};
use crate::connector::{FakeConnector, open, project};

async fn post(app: &TestApp, path: &str, key: &str, body: Value) -> Answer {
    app.post(path).key(key).json(&body).await
}

fn off() -> Value {
    json!({
        "rejectCall": false, "groupsIgnore": false, "alwaysOnline": false,
        "readMessages": false, "readStatus": false, "syncFullHistory": false,
    })
}

#[tokio::test]
async fn set_answers_with_the_settings_and_tells_the_owner() {
    let app = TestApp::start().await;
    let token = app.create("b1").await;
    let row = app.stores.row("b1").await;
    project(&app.stores.registry, &row, open(&row)).await;
    let connector = FakeConnector::start(&app, |_, _| (None, None));
    let mut body = off();
    body["rejectCall"] = json!(true);
    body["msgCall"] = json!("I can't talk");
    let set = post(&app, "/settings/set/b1", &token, body.clone()).await;
    body["wavoipToken"] = json!("");
    let wanted = json!({ "settings": { "instanceName": "b1", "settings": body } });
    set.assert_ok(201, &wanted);
    let find = app.get("/settings/find/b1").key(&token).send().await;
    find.assert_ok(200, &body);

    // Snake case, nested, and as forms send booleans; the text stays.
    let nested = json!({ "settings": {
        "reject_call": "false", "groups_ignore": true, "always_online": false,
        "read_messages": false, "read_status": false, "sync_full_history": false,
    }});
    let set = post(&app, "/settings/set/b1", &token, nested).await;
    assert_eq!(set.status, 201);
    let row = app.stores.row("b1").await;
    let wanted = Settings {
        groups_ignore: true,
        msg_call: "I can't talk".to_owned(),
        ..Settings::default()
    };
    assert_eq!(row.settings, wanted);
    let deadline = tokio::time::Instant::now() + crate::app::LONG;
    while connector.seen().len() < 2 {
        assert!(tokio::time::Instant::now() < deadline, "both nudges arrive");
        tokio::task::yield_now().await;
    }
    assert_eq!(connector.seen(), [Op::Reconcile, Op::Reconcile]);
}

#[tokio::test]
async fn bad_settings_are_refused_and_change_nothing() {
    let app = TestApp::start().await;
    let token = app.create("b1").await;
    let set = |body| post(&app, "/settings/set/b1", &token, body);
    let mut missing = off();
    missing.as_object_mut().unwrap().remove("readStatus");
    set(missing)
        .await
        .assert_bad_request(&json!([["instance requires property \"readStatus\""]]));
    let mut wrong = off();
    wrong["rejectCall"] = json!(1);
    set(wrong)
        .await
        .assert_bad_request(&json!([["rejectCall is not of a type(s) boolean"]]));
    let mut long = off();
    long["msgCall"] = json!("x".repeat(101));
    set(long)
        .await
        .assert_bad_request(&json!([["msgCall does not meet maximum length of 100"]]));
    let row = app.stores.row("b1").await;
    assert_eq!(row.settings, Settings::default());
    let unknown = post(&app, "/settings/set/nobody", GLOBAL_KEY, off()).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn only_the_global_key_is_verified() {
    let app = TestApp::start().await;
    let token = app.create("b1").await;
    let yes = app.post("/verify-creds").global().send().await;
    yes.assert_ok(
        200,
        &json!({ "status": 200, "message": "Credentials are valid" }),
    );
    app.post("/verify-creds")
        .key(&token)
        .send()
        .await
        .assert_unauthorized();
    app.post("/verify-creds").send().await.assert_unauthorized();
}
