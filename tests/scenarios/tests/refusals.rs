//! Bad input: the contract's answer, and nothing changed.

use pombal_scenarios::{Api, World};
use serde_json::{Value, json};

fn unauthorized() -> Value {
    json!({ "status": 401, "error": "Unauthorized", "response": { "message": "Unauthorized" } })
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_gets_the_contracts_answer_and_changes_nothing() {
    let world = World::start().await;
    let a = world.create("a").await;
    let b = world.create("b").await;
    let before = world.api().get("/instance/fetchInstances").await.ok();
    let api = world.api();
    let url = &world.url();
    let wrong = Api::with_key(url, "not-the-key");
    let as_b = Api::with_key(url, &b.token);
    let as_a = Api::with_key(url, &a.token);

    // Keys come first: who has none learns nothing about what exists.
    for path in [
        "/instance/connectionState/a",
        "/instance/connectionState/ghost",
    ] {
        for api in [&wrong, &as_b] {
            let answer = api.get(path).await;
            assert_eq!(
                (answer.status, answer.body),
                (401, unauthorized()),
                "{path}"
            );
        }
    }
    assert_eq!(as_a.get("/instance/connectionState/a").await.status, 200);
    let as_token = as_a
        .post("/instance/create", json!({ "instanceName": "c" }))
        .await;
    assert_eq!(as_token.status, 401);
    assert_eq!(as_b.delete("/instance/delete/a").await.status, 401);
    // The instance comes from the path alone.
    let sneaky = as_b
        .get("/instance/connectionState/b?instanceName=a")
        .await
        .ok();
    assert_eq!(sneaky["instance"]["instanceName"], "b");

    let ghost = api.get("/instance/connectionState/ghost").await;
    assert_eq!(
        (ghost.status, ghost.body),
        (
            404,
            json!({ "status": 404, "error": "Not Found", "response": {
                "message": ["The \"ghost\" instance does not exist"] } })
        )
    );
    let twice = api
        .post(
            "/instance/create",
            json!({ "instanceName": "a", "integration": "WHATSAPP-BAILEYS" }),
        )
        .await;
    assert_eq!(
        (twice.status, twice.body),
        (
            403,
            json!({ "status": 403, "error": "Forbidden", "response": {
                "message": ["This name \"a\" is already in use."] } })
        )
    );
    let huge = "x".repeat(1024 * 1024);
    for (path, body, status) in [
        ("/instance/create", "{ not json".to_owned(), 400),
        ("/instance/create", json!({}).to_string(), 400),
        (
            "/instance/create",
            json!({ "instanceName": "c", "integration": "NOPE" }).to_string(),
            400,
        ),
        (
            "/message/sendText/a",
            json!({ "text": "hi" }).to_string(),
            400,
        ),
        (
            "/message/sendText/a",
            json!({ "number": "5511999990001" }).to_string(),
            400,
        ),
        (
            "/message/sendText/a",
            json!({ "number": "nobody", "text": "hi" }).to_string(),
            400,
        ),
        (
            "/webhook/set/a",
            json!({ "webhook": { "enabled": true } }).to_string(),
            400,
        ),
    ] {
        let answer = api.post_raw(path, &body).await;
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.body);
        assert_eq!(answer.body["status"], status, "{path} {body}");
        assert!(
            !answer.body["response"]["message"].is_null(),
            "{path} {body}"
        );
    }
    let long = api
        .post("/instance/create", json!({ "instanceName": huge }))
        .await;
    assert!(matches!(long.status, 400 | 413), "{}", long.status);
    assert_eq!(long.body["status"], long.status);
    let missing = api
        .post("/message/sendText/a", json!({ "text": "hi" }))
        .await;
    assert_eq!(
        missing.body["response"]["message"],
        json!([["instance requires property \"number\""]])
    );
    let closed = api
        .post(
            "/message/sendText/a",
            json!({ "number": "5511999990001", "text": "hi" }),
        )
        .await;
    assert_eq!(closed.status, 400);
    assert_eq!(
        closed.body["response"]["message"],
        json!(["Connection Closed"])
    );

    assert_eq!(api.get("/instance/fetchInstances").await.ok(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_not_on_whatsapp_is_refused() {
    let world = World::start().await;
    world.open("a", "5511999990061").await;
    let body = json!({ "number": "5511900000000", "text": "hi" });
    let answer = world.api().post("/message/sendText/a", body).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.body["response"]["message"],
        json!([{ "exists": false, "jid": "5511900000000@s.whatsapp.net", "number": "5511900000000" }])
    );
    world.assert_no_violations().await;
}
