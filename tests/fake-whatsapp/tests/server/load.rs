//! How much the server routes. Run in release: `cargo test --release -- --ignored --nocapture`.

use std::time::Instant;

use crate::common::{TestClient, eventually, paired, server, server_with};
use fake_whatsapp::{FakeWhatsApp, Options};

const PAIRS: usize = 4;
const MESSAGES: usize = 500;
const WANTED_PER_SECOND: f64 = 500.0;

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

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures; only meaningful in release"]
async fn holds_hundreds_of_clients() {
    const CLIENTS: usize = 300;
    let server = server().await;
    let started = Instant::now();
    let mut clients = Vec::new();
    for n in 0..CLIENTS / 10 {
        let batch = (0..10).map(async |i| {
            let phone = format!("551177{:07}", n * 10 + i);
            paired(&server, &phone, "Many").await.0
        });
        clients.extend(futures::future::join_all(batch).await);
    }
    eprintln!(
        "{CLIENTS} clients paired and connected in {:?}",
        started.elapsed()
    );
    assert!(
        server
            .devices()
            .await
            .iter()
            .filter(|device| device.connected)
            .count()
            == CLIENTS
    );
    assert!(server.violations().await.is_empty());
    for client in clients {
        client.stop().await;
    }
    server.shutdown().await;
}
