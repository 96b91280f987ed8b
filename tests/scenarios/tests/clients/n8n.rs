//! The node of n8n.

use pombal_scenarios::{API_KEY, PATIENCE, PublishedClient, World, eventually};
use serde_json::{Value, json};

const PHONE: &str = "5511987650301";
const FRIEND: &str = "5511987650302";

/// The node, as a person sets it up in a form.
struct Node(PublishedClient);

impl Node {
    async fn run(&self, resource: &str, operation: &str, mut form: Value) -> Value {
        form["resource"] = json!(resource);
        form["operation"] = json!(operation);
        self.0.run(json!({ "parameters": form })).await
    }

    /// What the node hands on of a success.
    async fn ok(&self, resource: &str, operation: &str, form: Value) -> Value {
        let told = self.run(resource, operation, form).await;
        assert_eq!(told["json"]["success"], true, "{operation}: {told}");
        told["json"]["data"].clone()
    }

    async fn instance(&self, operation: &str, form: Value) -> Value {
        self.ok("instances-api", operation, form).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_of_n8n_manages_an_instance() {
    let world = World::embedded(|options| options).await;
    let node = Node(PublishedClient::n8n(&world.url(), API_KEY));
    let named = || json!({ "instanceName": "flow" });

    let hook = json!({
        "webhookUrl": world.hooks.url("flow"),
        "webhookByEvents": false,
        "webhookEvents": ["CONNECTION_UPDATE", "SEND_MESSAGE"],
    });
    let options = json!({ "webhook": { "webhookSettings": hook } });
    let form = json!({
        "instanceName": "flow",
        "token": "",
        "number": "",
        "options_Create_instance": options,
    });
    let created = node.instance("instance-basic", form).await;
    assert_eq!(created["instance"]["instanceName"], "flow");
    let token = created["hash"].as_str().unwrap();

    // From here on with the instance's own key.
    let node = Node(node.0.with_key(token));
    let code = eventually("the node is shown a code", PATIENCE, async || {
        let shown = node.instance("instance-connect", named()).await;
        shown["code"].as_str().map(str::to_owned)
    })
    .await;
    let owner = Some("Owner of flow");
    world
        .whatsapp
        .scan(&code, Some(PHONE), owner)
        .await
        .unwrap();
    world.wait_for_state("flow", "open").await;
    let found = node.instance("fetch-instances", named()).await;
    let [row] = &found.as_array().unwrap()[..] else {
        panic!("{found}");
    };
    assert_eq!(
        (&row["name"], &row["connectionStatus"]),
        (&json!("flow"), &json!("open"))
    );
    assert_eq!(row["token"], token);

    let settings = json!({
        "instanceName": "flow",
        "rejectCall": true,
        "msgCall": "Later",
        "groupsIgnore": true,
        "alwaysOnline": false,
        "readMessages": false,
        "syncFullHistory": false,
        "readStatus": false,
    });
    node.instance("instance-settings", settings).await;
    let kept = world.api().get("/settings/find/flow").await.ok();
    assert_eq!(
        (&kept["rejectCall"], &kept["msgCall"]),
        (&json!(true), &json!("Later"))
    );
    let presence = json!({ "instanceName": "flow", "presence": "unavailable" });
    node.instance("set-presence", presence).await;
    let none = json!({ "instanceName": "flow", "resourceForProxy": "findProxy" });
    assert_eq!(node.instance("set-proxy", none).await, Value::Null);

    let text = json!({
        "instanceName": "flow",
        "remoteJid": FRIEND,
        "messageText": "from a workflow",
        "options_message": { "delay": 1 },
    });
    let friend = world.whatsapp.add_contact(FRIEND, "Friend", false);
    friend.await.unwrap();
    let sent = node.ok("messages-api", "send-text", text).await;
    let id = sent["key"]["id"].as_str().unwrap();
    eventually("the webhook of the text", PATIENCE, async || {
        let hooks = world.hooks.hooks("flow");
        let is_it = |body: &Value| body["data"]["key"]["id"] == id;
        hooks.iter().any(|hook| is_it(&hook.body)).then_some(())
    })
    .await;
    webhooks_by_form(&node).await;

    node.instance("restart-instance", named()).await;
    world.wait_for_state("flow", "open").await;
    node.instance("logout-instance", named()).await;
    world.wait_for_state("flow", "close").await;
    node.instance("delete-instance", named()).await;
    let gone = node.run("instances-api", "instance-connect", named()).await;
    assert!(gone["error"]["description"].is_string(), "{gone}");
    world.assert_no_violations().await;
}

/// The node's names for two of the webhook's settings, and the text that it puts for no address.
async fn webhooks_by_form(node: &Node) {
    let form = |enabled: bool| {
        json!({
            "instanceName": "flow",
            "resourceForWebhook": "setWebhook",
            "enabled": enabled,
            "webhookUrl": if enabled { "https://hooks.example.test/flow" } else { "" },
            "webhookByEvents": true,
            "webhookBase64": true,
            "webhookEvents": ["QRCODE_UPDATED"],
        })
    };
    node.ok("events-api", "webhook", form(true)).await;
    let find = json!({ "instanceName": "flow", "resourceForWebhook": "findWebhook" });
    let found = node.ok("events-api", "webhook", find.clone()).await;
    assert_eq!(found["webhookByEvents"], true, "{found}");
    assert_eq!(found["webhookBase64"], true, "{found}");
    assert_eq!(found["events"], json!(["QRCODE_UPDATED"]));
    node.ok("events-api", "webhook", form(false)).await;
    let found = node.ok("events-api", "webhook", find).await;
    assert_eq!(found["enabled"], false, "{found}");
}
