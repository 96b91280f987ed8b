//! What waits for a client that is away, and how it gets it.

use crate::common::{Saved, TestClient, eventually, paired, server, server_with};
use crate::people::{ANA, BIA, CAIO, contact, leave, queued, settled};
use fake_whatsapp::{Config, DropHow, FakeWhatsApp, Options};
use wacore::types::events::Event;

const BACKLOG: usize = 1000;

/// A server that hands out a backlog in batches.
fn batched(offline_batch: usize) -> Options {
    Options {
        config: Config {
            offline_batch,
            ..Config::default()
        },
        ..Options::default()
    }
}

async fn fill(server: &FakeWhatsApp, count: usize) {
    for n in 0..count {
        server
            .send_from_phone(CAIO, ANA, &format!("m{n}"), None)
            .await
            .expect("send");
    }
}

fn numbers(texts: &[String]) -> Vec<usize> {
    texts
        .iter()
        .filter_map(|text| text.strip_prefix('m')?.parse().ok())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_messages_drain_in_order() {
    let server = server_with(batched(200)).await;
    contact(&server, CAIO, "Caio").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let saved = leave(ana, &server, ANA).await;
    fill(&server, BACKLOG).await;
    let ana = TestClient::start(&server, saved).await;
    let got = ana.texts(BACKLOG, |text| text.starts_with('m')).await;
    assert_eq!(numbers(&got), (0..BACKLOG).collect::<Vec<_>>());
    let preview = ana.collect(|event| match event {
        Event::OfflineSyncPreview(preview) => Some((preview.messages, preview.total)),
        _ => None,
    });
    assert_eq!(preview[0].0, 1000);
    assert!(preview[0].1 >= 1000);
    let asked = server.seen(Some(ANA), Some("offline-batch"), 0).await.items;
    assert!(asked.len() >= 5, "batches are asked for: {asked:?}");
    let done = ana
        .wait_for("the end of the backlog", |event| match event {
            Event::OfflineSyncCompleted(done) => Some(done.count),
            _ => None,
        })
        .await;
    assert!(done >= 1000, "the end marker counts what was sent: {done}");
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_that_is_cut_goes_on_without_loss() {
    let server = server_with(batched(20)).await;
    contact(&server, CAIO, "Caio").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let saved = leave(ana, &server, ANA).await;
    fill(&server, 200).await;
    let ana = TestClient::start(&server, saved).await;
    ana.texts(30, |text| text.starts_with('m')).await;
    server
        .drop_sockets(ANA, DropHow::Eof, None)
        .await
        .expect("drop");
    let got = ana.texts(200, |text| text.starts_with('m')).await;
    let mut got = numbers(&got);
    let count = got.len();
    got.sort_unstable();
    got.dedup();
    assert_eq!((got.len(), count), (200, 200), "each once");
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_killed_in_a_drain_gets_the_rest() {
    let server = server_with(batched(20)).await;
    contact(&server, CAIO, "Caio").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let saved = leave(ana, &server, ANA).await;
    // Far more than the client takes in before the kill.
    fill(&server, 1000).await;
    // The client's tasks all live in a runtime of their own, which ends without a word.
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    let (url, store) = (server.ws_url(), saved.0.clone());
    let started = runtime.spawn(async move { TestClient::start_at(&url, saved).await });
    let ana = started.await.expect("client");
    ana.texts(30, |text| text.starts_with('m')).await;
    runtime.shutdown_background();
    let mut got = numbers(&ana.all_texts());
    drop(ana);
    let saved = Saved(store);
    eventually("the server noticed", || async {
        !server.devices().await[0].connected
    })
    .await;
    let left = queued(&server, ANA).await;
    assert!(left > 0, "the kill came in the middle");
    let ana = TestClient::start(&server, saved).await;
    eventually("an empty queue", || async {
        queued(&server, ANA).await == 0
    })
    .await;
    let rest = numbers(&ana.all_texts());
    assert!(rest.is_sorted(), "in order: {rest:?}");
    got.extend(rest);
    got.sort_unstable();
    got.dedup();
    assert_eq!(got.last(), Some(&999));
    // What was delivered and not acknowledged came again, and was not lost.
    let redelivered = server.seen(Some(ANA), Some("offline"), 0).await.items;
    assert_eq!(redelivered.last().expect("login").details["count"], left);
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_does_not_come_again() {
    let server = server().await;
    contact(&server, CAIO, "Caio").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    fill(&server, 5).await;
    ana.texts(5, |text| text.starts_with('m')).await;
    eventually("an empty queue", || async {
        queued(&server, ANA).await == 0
    })
    .await;
    let saved = leave(ana, &server, ANA).await;
    let ana = TestClient::start(&server, saved).await;
    ana.connected(1).await;
    crate::people::marker(&server, CAIO, &ana, ANA).await;
    assert!(numbers(&ana.all_texts()).is_empty());
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_counts_each_class() {
    let server = server().await;
    contact(&server, CAIO, "Caio").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    let id = ana.send(BIA, "hello").await;
    bia.texts(1, |text| text == "hello").await;
    crate::people::marker(&server, CAIO, &ana, ANA).await;
    eventually("an empty queue", || async {
        queued(&server, ANA).await == 0
    })
    .await;
    let saved = leave(ana, &server, ANA).await;
    fill(&server, 2).await;
    let ana_jid = whatsapp_rust::Jid::pn(ANA);
    bia.client
        .mark_as_read(&ana_jid, None, &[&id])
        .await
        .expect("read");
    server.call(CAIO, ANA, false).await.expect("call");
    server.ask_contact_sync(ANA).await.expect("sync");
    eventually("all wait", || async { queued(&server, ANA).await >= 5 }).await;
    let ana = TestClient::start(&server, saved).await;
    let counts = ana
        .wait_for("a preview", |event| match event {
            Event::OfflineSyncPreview(it) => Some((
                it.total,
                it.messages,
                it.receipts,
                it.notifications,
                it.calls,
            )),
            _ => None,
        })
        .await;
    let (total, messages, receipts, notifications, calls) = counts;
    assert_eq!((messages, notifications, calls), (2, 1, 1));
    // A late receipt of delivery may wait with the one for reading.
    assert!(receipts >= 1);
    assert_eq!(total, messages + receipts + notifications + calls);
    settled(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}
