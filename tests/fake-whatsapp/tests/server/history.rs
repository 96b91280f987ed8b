//! History sync: a new companion learns the chats of its phone.

use std::collections::{HashMap, HashSet};

use fake_whatsapp::{Config, FakeWhatsApp, Options};
use wacore::types::events::Event;
use whatsapp_rust::waproto::whatsapp as wa;
use whatsapp_rust::waproto::whatsapp::history_sync::HistorySyncType;

use crate::common::{Saved, TestClient, all_answered, eventually, paired, server, server_with};

const ANA: &str = "5511999990001";
const CONTACT: &str = "5511888880001";

/// Links a client that reads history.
async fn linked(server: &FakeWhatsApp) -> TestClient {
    let client = TestClient::start_with_history(server, Saved::new()).await;
    let qr = client.qr().await;
    server
        .scan(&qr, Some(ANA), Some("Ana"))
        .await
        .expect("scan");
    client.connected(1).await;
    client
}

/// The chunks in the phone's order: the client reads them at the same time.
async fn chunks(client: &TestClient, count: usize) -> Vec<wa::HistorySync> {
    let mut chunks = client
        .wait_count("history", count, |event| match event {
            Event::HistorySync(lazy) => Some(lazy.get().expect("readable").clone()),
            _ => None,
        })
        .await;
    chunks.sort_by_key(|chunk| chunk.chunk_order);
    chunks
}

fn texts(chunks: &[wa::HistorySync]) -> HashMap<String, Vec<String>> {
    let mut texts: HashMap<String, Vec<String>> = HashMap::new();
    for chat in chunks.iter().flat_map(|chunk| &chunk.conversations) {
        let known = texts.entry(chat.id.clone()).or_default();
        for message in &chat.messages {
            let message = &message.message.message;
            known.push(message.conversation.clone().expect("text"));
        }
    }
    texts
}

/// The companions have sent the receipt of each chunk.
async fn receipts(server: &FakeWhatsApp, count: usize) {
    eventually("the receipts", || async {
        let receipts = server.seen(Some(ANA), Some("receipt"), 0).await.items;
        let mut ids = HashSet::new();
        for item in &receipts {
            if item.details["type"] == "hist_sync" {
                ids.insert(item.details["ids"].to_string());
            }
        }
        ids.len() == count
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_companion_learns_chats_names_and_lids() {
    let server = server().await;
    server
        .add_contact(CONTACT, "Caio", false)
        .await
        .expect("contact");
    server.seed_history(ANA, 3, 400).await.expect("seed");
    let say = async |from: &str, to: &str, text: &str| {
        let sent = server.send_from_phone(from, to, text, None).await;
        sent.expect("send");
    };
    say(CONTACT, ANA, "from Caio").await;
    say(ANA, CONTACT, "to Caio").await;
    let client = linked(&server).await;
    // 3 × 380 messages are left for chunks of 500.
    let got = chunks(&client, 5).await;
    let kinds: Vec<_> = got.iter().map(|chunk| chunk.sync_type).collect();
    let recent = HistorySyncType::RECENT;
    let first = [
        HistorySyncType::INITIAL_BOOTSTRAP,
        HistorySyncType::PUSH_NAME,
        recent,
        recent,
        recent,
    ];
    assert_eq!(kinds, first);
    let progress: Vec<_> = got.iter().map(|chunk| chunk.progress).collect();
    assert_eq!(progress, [None, None, Some(33), Some(66), Some(100)]);
    let texts = texts(&got);
    assert_eq!(texts.len(), 4);
    let caio = &texts[&format!("{CONTACT}@s.whatsapp.net")];
    assert_eq!(caio, &["to Caio", "from Caio"]);
    for (chat, texts) in texts.iter().filter(|(chat, _)| !chat.starts_with(CONTACT)) {
        let all: HashSet<_> = texts.iter().collect();
        assert_eq!((texts.len(), all.len()), (400, 400), "{chat}");
        assert_eq!(texts[0], "old 400");
    }
    let names: Vec<_> = got[1]
        .pushnames
        .iter()
        .filter_map(|name| name.pushname.as_deref())
        .collect();
    assert_eq!(names.len(), 5);
    assert!(names.contains(&"Caio"));
    assert_eq!(got[0].phone_number_to_lid_mappings.len(), 5);
    receipts(&server, 5).await;
    all_answered(&server).await;

    // The second login brings no history, and messages go on.
    let saved = client.stop().await;
    let client = TestClient::start_with_history(&server, saved).await;
    client.connected(1).await;
    say(CONTACT, ANA, "after").await;
    client.texts(1, |text| text == "after").await;
    assert_eq!(server.seen(None, Some("history"), 0).await.items.len(), 5);
    client.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_can_come_inline_or_not_at_all() {
    let config = Config {
        history_inline: true,
        ..Config::default()
    };
    let server = server_with(Options {
        config,
        ..Options::default()
    })
    .await;
    server.seed_history(ANA, 2, 5).await.expect("seed");
    let client = linked(&server).await;
    let got = chunks(&client, 3).await;
    assert_eq!(texts(&got).len(), 2);
    let downloads = server.seen(None, Some("media-download"), 0).await.items;
    assert_eq!(downloads.len(), 2, "the first chunk is no file");
    receipts(&server, 3).await;
    client.stop().await;

    let config = Config {
        without_history: true,
        ..Config::default()
    };
    server.set_config(config).await;
    let before = server.seen(None, Some("history"), 0).await.items.len();
    let (client, _) = paired(&server, ANA, "Ana").await;
    client
        .send(ANA, "a message to be sure that the login is over")
        .await;
    eventually("the message", || async {
        !server.inbox(ANA).await.expect("inbox").is_empty()
    })
    .await;
    let after = server.seen(None, Some("history"), 0).await.items.len();
    assert_eq!(before, after);
    all_answered(&server).await;
    client.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_interest_says_that_it_has_it() {
    let server = server().await;
    server.seed_history(ANA, 2, 30).await.expect("seed");
    let (client, _) = paired(&server, ANA, "Ana").await;
    receipts(&server, 3).await;
    let queued = || async { server.devices().await[0].queued == 0 };
    eventually("nothing waits", queued).await;
    all_answered(&server).await;
    client.stop().await;
    server.shutdown().await;
}
