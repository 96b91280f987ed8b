//! How much the server holds and routes. What measures is run in release:
//! `cargo test --release -- --ignored --nocapture`.

use std::time::Instant;

use crate::common::{TestClient, eventually, paired, server, server_with};
use fake_whatsapp::{FakeWhatsApp, Options};

const PAIRS: usize = 4;
const MESSAGES: usize = 500;
const WANTED_PER_SECOND: f64 = 500.0;
const CLIENTS: usize = 200;
/// Clients that pair at the same time.
const AT_ONCE: usize = 25;
const SENDER: &str = "5511988880001";

async fn pair_up(server: &FakeWhatsApp, n: usize) -> (TestClient, TestClient, String, String) {
    let phone = |side: usize| format!("55118888{side}{n:04}");
    let (from, _) = paired(server, &phone(1), "From").await;
    let (to, _) = paired(server, &phone(2), "To").await;
    (from, to, phone(1), phone(2))
}

/// The clients encrypt and decrypt on the same cores, so this is a lower bound.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures; only meaningful in release"]
async fn routes_hundreds_of_messages_per_second() {
    let dir = tempfile::tempdir().expect("dir");
    let options = Options {
        state_dir: Some(dir.path().to_owned()),
        ..Options::default()
    };
    let server = server_with(options).await;
    let mut pairs = Vec::new();
    for n in 0..PAIRS {
        pairs.push(pair_up(&server, n).await);
    }
    let started = Instant::now();
    let sends = pairs.iter().map(async |(from, _, _, to)| {
        for n in 0..MESSAGES {
            from.send(to, &format!("m{n}")).await;
        }
    });
    futures::future::join_all(sends).await;
    for (_, to, _, _) in &pairs {
        to.texts(MESSAGES, |text| text.starts_with('m')).await;
    }
    let elapsed = started.elapsed().as_secs_f64();
    let rate = (PAIRS * MESSAGES) as f64 / elapsed;
    eprintln!("{rate:.0} messages/s end to end, clients included");
    assert!(server.violations().await.is_empty());
    assert!(rate >= WANTED_PER_SECOND, "{rate:.0} messages/s");
    for (from, to, ..) in pairs {
        from.stop().await;
        to.stop().await;
    }
    eventually("all are gone", || async {
        server
            .devices()
            .await
            .iter()
            .all(|device| !device.connected)
    })
    .await;
    server.shutdown().await;
}

/// The bench `clients` does this with thousands, and measures.
#[tokio::test(flavor = "multi_thread")]
async fn holds_hundreds_of_clients() {
    let server = server().await;
    server
        .add_contact(SENDER, "Sender", false)
        .await
        .expect("contact");
    let mut clients = Vec::new();
    for batch in 0..CLIENTS / AT_ONCE {
        let batch = (0..AT_ONCE).map(async |n| {
            let phone = format!("551177{:07}", batch * AT_ONCE + n);
            let (client, _) = paired(&server, &phone, "Many").await;
            (client, phone)
        });
        clients.extend(futures::future::join_all(batch).await);
    }
    for (_, phone) in &clients {
        server
            .send_from_phone(SENDER, phone, "hello", None)
            .await
            .expect("send");
    }
    for (client, _) in &clients {
        client.texts(1, |text| text == "hello").await;
    }
    let devices = server.devices().await;
    let connected = devices.iter().filter(|device| device.connected).count();
    assert_eq!(connected, CLIENTS);
    futures::future::join_all(clients.into_iter().map(|(client, _)| client.stop())).await;
    server.shutdown().await;
}
