//! Announced QR codes: what the page can draw.

use crate::common::{Saved, TestClient, eventually, server};
use fake_whatsapp::Error;
use serde_json::{Value, json};

/// The text with another ADV secret, as if the client had drawn a new one.
fn another(qr: &str) -> String {
    let mut parts: Vec<_> = qr.split(',').collect();
    parts[3] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    parts.join(",")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_is_kept_while_the_socket_waits() {
    let server = server().await;
    let client = TestClient::start(&server, Saved::new()).await;
    let qr = client.qr().await;
    assert_eq!(server.pairings().await[0].qr, None);

    let other = another(&qr);
    server.announce(&other, None).await.expect("announce");
    assert_eq!(server.pairings().await[0].qr.as_ref(), Some(&other));
    server
        .announce(&format!(" {qr}\n"), None)
        .await
        .expect("again");
    assert_eq!(server.pairings().await[0].qr.as_ref(), Some(&qr));

    let saved = client.stop().await;
    eventually("the socket is gone", || async {
        server.pairings().await.is_empty()
    })
    .await;
    let gone = server.announce(&qr, None).await;
    assert!(matches!(gone, Err(Error::NotFound(_))), "{gone:?}");

    let client = TestClient::start(&server, saved).await;
    let qr = client.qr().await;
    assert_eq!(server.pairings().await[0].qr, None);
    server.announce(&qr, None).await.expect("announce");
    server.scan(&qr, None, None).await.expect("scan");
    client.connected(1).await;
    assert!(server.pairings().await.is_empty());
    let linked = server.announce(&qr, None).await;
    assert!(matches!(linked, Err(Error::NotFound(_))), "{linked:?}");
    assert!(server.violations().await.is_empty());
    client.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_it_can_be_drawn_and_scanned() {
    let server = server().await;
    let http = reqwest::Client::new();
    let post = |path: &str, body: Value| {
        let request = http.post(format!("{}{path}", server.control_url()));
        async move { request.json(&body).send().await.expect("post").status() }
    };
    let pairings = async || -> Value {
        let answer = http.get(format!("{}/api/pairings", server.control_url()));
        let answer = answer.send().await.expect("get");
        answer.json().await.expect("json")
    };
    let (first, second) = (
        TestClient::start(&server, Saved::new()).await,
        TestClient::start(&server, Saved::new()).await,
    );
    let (qr, _) = (first.qr().await, second.qr().await);

    assert_eq!(post("/api/announce", json!({"qr": "nonsense"})).await, 400);
    let mut stranger: Vec<_> = qr.split(',').collect();
    stranger[0] = "2@somebody-else";
    let stranger = stranger.join(",");
    assert_eq!(post("/api/announce", json!({"qr": stranger})).await, 404);
    for waiting in pairings().await.as_array().expect("list") {
        assert_eq!(waiting.get("qr"), Some(&Value::Null));
    }

    assert_eq!(post("/api/announce", json!({"qr": qr})).await, 204);
    let mut texts = Vec::new();
    for waiting in pairings().await.as_array().expect("list") {
        texts.extend(waiting["qr"].as_str().map(str::to_owned));
    }
    assert_eq!(texts, [qr]);

    let drawn = http.get(format!("{}/api/qr.svg", server.control_url()));
    let drawn = drawn.query(&[("text", &texts[0])]).send().await;
    let drawn = drawn.expect("get").text().await.expect("svg");
    assert!(drawn.contains("<svg"));
    assert_eq!(post("/api/scan", json!({"qr": texts[0]})).await, 200);
    first.connected(1).await;
    assert_eq!(pairings().await.as_array().map(Vec::len), Some(1));
    first.stop().await;
    second.stop().await;
    server.shutdown().await;
}
