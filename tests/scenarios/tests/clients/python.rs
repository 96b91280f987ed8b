//! The client for Python.

use pombal_scenarios::{API_KEY, PATIENCE, PublishedClient, World, eventually};
use serde_json::{Value, json};

const PHONE: &str = "5511987650311";
const FRIEND: &str = "5511987650312";

/// What a program that uses the client gets back.
async fn ok(client: &PublishedClient, call: &str, arguments: Value) -> Value {
    let told = client
        .run(json!({ "call": call, "arguments": arguments }))
        .await;
    assert!(told["error"].is_null(), "{call}: {told}");
    told["answer"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_in_python_manages_an_instance() {
    let world = World::embedded(|options| options).await;
    let client = PublishedClient::python(&world.url(), API_KEY);
    let config = json!({
        "$": "models.instance.InstanceConfig",
        "instanceName": "snake",
        "integration": "WHATSAPP-BAILEYS",
        "qrcode": true,
        "readMessages": true,
    });
    let config = json!({ "config": config });
    let created = ok(&client, "instances.create_instance", config).await;
    assert_eq!(created["instance"]["instanceName"], "snake");
    let token = created["hash"].as_str().unwrap();
    let of_it = || json!({ "instance_id": "snake", "instance_token": token });

    let code = eventually("the client is shown a code", PATIENCE, async || {
        let shown = ok(&client, "instance_operations.connect", of_it()).await;
        shown["code"].as_str().map(str::to_owned)
    })
    .await;
    let owner = Some("Owner of snake");
    world
        .whatsapp
        .scan(&code, Some(PHONE), owner)
        .await
        .unwrap();
    eventually("the client sees it open", PATIENCE, async || {
        let call = "instance_operations.get_connection_state";
        let state = ok(&client, call, of_it()).await;
        (state["instance"]["state"] == "open").then_some(())
    })
    .await;
    let rows = ok(&client, "instances.fetch_instances", json!({})).await;
    assert_eq!(rows[0]["name"], "snake");

    let mut websocket = of_it();
    websocket["config"] = json!({
        "$": "models.websocket.WebSocketConfig",
        "enabled": true,
        "events": ["MESSAGES_UPSERT"],
    });
    ok(&client, "websocket.set_websocket", websocket).await;
    let found = ok(&client, "websocket.find_websocket", of_it()).await;
    assert_eq!(found["enabled"], true, "{found}");

    let friend = world.whatsapp.add_contact(FRIEND, "Friend", false);
    friend.await.unwrap();
    let mut presence = of_it();
    presence["presence"] = json!({
        "$": "models.presence.PresenceStatus",
        "value": "available",
    });
    ok(&client, "instance_operations.set_presence", presence).await;

    let mut text = of_it();
    text["message"] = json!({
        "$": "models.message.TextMessage",
        "number": FRIEND,
        "text": "from Python",
    });
    let sent = ok(&client, "messages.send_text", text).await;
    assert_eq!(sent["key"]["remoteJid"], format!("{FRIEND}@s.whatsapp.net"));

    ok(&client, "instance_operations.restart", of_it()).await;
    world.wait_for_state("snake", "open").await;
    ok(&client, "instance_operations.logout", of_it()).await;
    ok(&client, "instance_operations.delete", of_it()).await;
    errors_are_told_apart(&client).await;
    world.assert_no_violations().await;
}

/// The client has an exception for each of these.
async fn errors_are_told_apart(client: &PublishedClient) {
    for (key, kind) in [
        (API_KEY, "EvolutionNotFoundError"),
        ("no-key-of-anybody", "EvolutionAuthenticationError"),
    ] {
        let arguments = json!({ "instance_id": "snake", "instance_token": key });
        let asked = json!({ "call": "instance_operations.connect", "arguments": arguments });
        let told = client.run(asked).await;
        assert_eq!(told["kind"], kind, "{told}");
    }
}
