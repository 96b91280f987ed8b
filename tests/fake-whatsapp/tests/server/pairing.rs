//! Linking, logging in again, and being refused.

use std::time::Instant;

use crate::common::{Saved, TestClient, eventually, paired, server};

#[tokio::test(flavor = "multi_thread")]
async fn qr_code_links_and_the_client_learns_its_name() {
    let server = server().await;
    let client = TestClient::start(&server, Saved::new()).await;
    let qr = client.qr().await;
    assert!(qr.starts_with(&server.pairings().await[0].qr_prefix));
    let started = Instant::now();
    let linked = server
        .scan(&qr, Some("5511999990001"), Some("Ana"))
        .await
        .expect("scan");
    assert_eq!(linked.jid, "5511999990001:1@s.whatsapp.net");
    assert_eq!(linked.name, "Ana");
    client.connected(1).await;
    eprintln!("connected {:?} after the scan", started.elapsed());
    eprintln!("events: {:?}", client.names());
    assert_eq!(client.push_name(), "Ana");
    let devices = server.devices().await;
    assert!(
        devices[0].connected && devices[0].logins == 1,
        "{devices:?}"
    );
    eventually("prekeys", || async {
        !server.seen(None, Some("prekeys"), 0).await.items.is_empty()
    })
    .await;
    eventually("an empty queue", || async {
        server.devices().await[0].queued == 0
    })
    .await;
    let unhandled = server.seen(None, Some("iq-unhandled"), 0).await.items;
    assert!(unhandled.is_empty(), "{unhandled:?}");
    assert!(server.violations().await.is_empty());
    client.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn saved_session_logs_in_again_with_ik() {
    let server = server().await;
    let (client, _) = paired(&server, "5511999990001", "Ana").await;
    let saved = client.stop().await;
    eventually("the server sees it go", || async {
        !server.devices().await[0].connected
    })
    .await;
    let client = TestClient::start(&server, saved).await;
    client.connected(1).await;
    let handshakes = server
        .seen(Some("5511999990001"), Some("handshake"), 0)
        .await
        .items;
    assert_eq!(
        handshakes.last().expect("handshake").details["pattern"],
        "IK"
    );
    assert_eq!(server.devices().await[0].logins, 2);
    assert!(server.violations().await.is_empty());
    client.stop().await;
    server.shutdown().await;
}
