//! The control API over HTTP, as its users see it.

use crate::common::{Saved, TestClient, server};
use serde_json::{Value, json};

const ANA: &str = "5511999990001";
const CONTACT: &str = "5511888880001";

#[tokio::test(flavor = "multi_thread")]
async fn contract() {
    let server = server().await;
    let http = reqwest::Client::new();
    let url = |path: &str| format!("{}{path}", server.control_url());
    let get = async |path: &str| -> Value {
        http.get(url(path))
            .send()
            .await
            .expect("get")
            .json()
            .await
            .expect("json")
    };
    let post = async |path: &str, body: Value| -> (u16, Value) {
        let answer = http.post(url(path)).json(&body).send().await.expect("post");
        (answer.status().as_u16(), answer.json().await.expect("json"))
    };
    let page = http
        .get(url("/"))
        .send()
        .await
        .expect("page")
        .text()
        .await
        .expect("html");
    assert!(page.contains("/api/scan"));
    let qr = http
        .get(url("/api/qr.svg?text=hello"))
        .send()
        .await
        .expect("qr");
    assert!(qr.text().await.expect("svg").contains("<svg"));
    assert_eq!(get("/api/pairings").await, json!([]));
    let root = get("/api/noise-root").await["key"].clone();
    assert_eq!(root.as_str().expect("hex").len(), 64);

    let client = TestClient::start(&server, Saved::new()).await;
    let qr = client.qr().await;
    let waiting = get("/api/pairings").await;
    assert_eq!(waiting[0]["device"], "rust");
    assert!(qr.starts_with(waiting[0]["qr_prefix"].as_str().expect("prefix")));
    assert!(waiting[0]["waiting_ms"].is_u64());
    let (status, linked) = post("/api/scan", json!({"qr": qr, "phone": ANA, "name": "Ana"})).await;
    assert_eq!(status, 200);
    assert_eq!(linked["phone"], ANA);
    assert_eq!(linked["name"], "Ana");
    assert_eq!(linked["jid"], format!("{ANA}:1@s.whatsapp.net"));
    assert!(linked["lid"].as_str().expect("lid").ends_with(":1@lid"));
    assert_eq!(post("/api/scan", json!({"qr": qr})).await.0, 404);
    assert_eq!(post("/api/scan", json!({"qr": "nonsense"})).await.0, 400);
    assert_eq!(
        post(
            "/api/enter-code",
            json!({"phone": ANA, "code": "ABCD-1234"})
        )
        .await
        .0,
        404
    );
    client.connected(1).await;

    let contact = json!({"phone": CONTACT, "name": "Caio", "echo": true});
    assert_eq!(post("/api/contacts", contact).await.0, 200);
    let path = format!("/api/contacts/{CONTACT}/send");
    let (_, sent) = post(&path, json!({"to": ANA, "text": "hi", "id": "FIXED"})).await;
    assert_eq!(sent, json!({"id": "FIXED"}));
    client.texts(1, |text| text == "hi").await;
    let inbox = get(&format!("/api/contacts/{ANA}/inbox")).await;
    assert_eq!(inbox[0]["text"], "hi");
    assert_eq!(inbox[0]["from"], CONTACT);
    assert_eq!(inbox[0]["from_me"], false);
    assert!(inbox[0]["at_ms"].is_u64());

    let seen = get(&format!("/api/seen?phone={ANA}&kind=login&after=0")).await;
    assert_eq!(seen["items"][0]["kind"], "login");
    assert_eq!(seen["items"][0]["device"], 1);
    let next = seen["next"].as_u64().expect("next");
    let later = get(&format!("/api/seen?kind=login&after={next}")).await;
    assert_eq!(later["items"], json!([]));

    let device = &get("/api/devices").await[0];
    assert_eq!(device["connected"], true);
    let drop = format!("/api/devices/{ANA}/drop");
    assert_eq!(post(&drop, json!({"how": "eof"})).await.1["dropped"], 1);
    client.connected(2).await;
    assert_eq!(post("/api/absent", json!({"phone": CONTACT})).await.0, 200);
    let rule = json!({"phone": null, "code": 403, "times": null});
    assert_eq!(post("/api/refuse", rule).await.0, 200);
    let rule =
        json!({"stage": "login", "how": "failure", "reason": 402, "code": 101, "expire": 60});
    assert_eq!(post("/api/trouble", rule).await.0, 200);
    let impossible = json!({"stage": "accepted", "how": "close"});
    assert_eq!(post("/api/trouble", impossible).await.0, 400);
    assert!(
        http.delete(url("/api/refuse"))
            .send()
            .await
            .expect("delete")
            .status()
            .is_success()
    );
    assert_eq!(
        post("/api/silence", json!({"phone": ANA, "on": false}))
            .await
            .0,
        200
    );
    let (_, config) = post("/api/config", json!({"login_delay_ms": 5})).await;
    assert_eq!(
        (&config["login_delay_ms"], &config["silent"]),
        (&json!(5), &json!(false))
    );
    assert_eq!(get("/api/config").await, config);
    let reset = json!({"phone": ANA, "how": "reset"});
    assert_eq!(post("/api/end", reset).await.1["ended"], 1);
    client.connected(3).await;
    let logout = http
        .post(url(&format!("/api/devices/{ANA}/logout")))
        .send()
        .await;
    assert!(logout.expect("logout").status().is_success());
    assert_eq!(get("/api/devices").await, json!([]));
    assert_eq!(get("/api/violations").await, json!([]));
    client.stop().await;
    server.shutdown().await;
}
