//! App state, with real clients: settings go between phones and clients, in both directions.

use fake_whatsapp::{Change, FakeWhatsApp, MessageRef, Options};
use serde_json::{Value, json};
use wacore::types::events::Event;
use whatsapp_rust::Jid;

use crate::common::{Saved, TestClient, all_answered, eventually, paired, server, server_with};

const ANA: &str = "5511999990001";
const CONTACT: &str = "5511888880001";

async fn change(server: &FakeWhatsApp, change: Change) {
    server.change_on_phone(ANA, &change).await.expect("change");
}

fn message(id: &str) -> MessageRef {
    MessageRef {
        chat: CONTACT.to_owned(),
        id: id.to_owned(),
        from_me: true,
        participant: None,
    }
}

async fn value(server: &FakeWhatsApp, collection: &str, index: &[&str]) -> Value {
    let view = server.app_state(ANA).await.expect("view");
    view[collection]["values"][json!(index).to_string()].clone()
}

fn jid() -> Jid {
    Jid::pn(CONTACT)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_changes_on_the_phone_reaches_the_client() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let chat = || CONTACT.to_owned();
    let on = true;
    change(
        &server,
        Change::Contact {
            chat: chat(),
            full_name: Some("Caio Dias".to_owned()),
            first_name: Some("Caio".to_owned()),
        },
    )
    .await;
    ana.wait_for("the contact", |event| match event {
        Event::ContactUpdate(update) => {
            (update.action.full_name.as_deref() == Some("Caio Dias")).then_some(())
        }
        _ => None,
    })
    .await;
    let until_ms = Some(1_999_999_999_000);
    let seen = |event: &Event| match event {
        Event::MuteUpdate(update) if update.action.mute_end_timestamp == until_ms => Some("mute"),
        Event::PinUpdate(update) if update.action.pinned == Some(true) => Some("pin"),
        Event::ArchiveUpdate(update) if update.action.archived == Some(true) => Some("archive"),
        Event::MarkChatAsReadUpdate(update) if update.action.read == Some(true) => Some("read"),
        Event::StarUpdate(update) if update.message_id == "M1" && update.from_me => Some("star"),
        Event::DeleteMessageForMeUpdate(update) if update.message_id == "M2" => Some("message"),
        Event::ClearChatUpdate(update) if update.jid == jid() => Some("clear"),
        Event::DeleteChatUpdate(update) if update.jid == jid() => Some("chat"),
        _ => None,
    };
    let (first, second) = (message("M1"), message("M2"));
    // One after the other: a client may skip the news of a collection that it is just reading,
    // and learn of the change with the next one.
    for (name, one) in [
        (
            "mute",
            Change::Mute {
                chat: chat(),
                on,
                until_ms,
            },
        ),
        ("pin", Change::Pin { chat: chat(), on }),
        ("archive", Change::Archive { chat: chat(), on }),
        ("read", Change::Read { chat: chat(), on }),
        ("star", Change::Star { message: first, on }),
        ("message", Change::DeleteMessage { message: second }),
        ("clear", Change::ClearChat { chat: chat() }),
        ("chat", Change::DeleteChat { chat: chat() }),
    ] {
        change(&server, one).await;
        ana.wait_for(name, |event| seen(event).filter(|seen| *seen == name))
            .await;
    }

    let label = || "7".to_owned();
    change(
        &server,
        Change::Label {
            id: label(),
            name: Some("New".to_owned()),
            color: 3,
            deleted: false,
        },
    )
    .await;
    change(
        &server,
        Change::LabelChat {
            label: label(),
            chat: chat(),
            on,
        },
    )
    .await;
    change(
        &server,
        Change::LabelMessage {
            label: label(),
            message: message("M1"),
            on,
        },
    )
    .await;
    ana.wait_for("the label", |event| match event {
        Event::LabelEditUpdate(update) => (update.action.color == Some(3)).then_some(()),
        _ => None,
    })
    .await;
    ana.wait_for("the labelled chat", |event| match event {
        Event::LabelAssociationUpdate(update) => (update.label_id == "7").then_some(()),
        _ => None,
    })
    .await;
    let name = "Ana Maria".to_owned();
    change(&server, Change::PushName { name }).await;
    eventually("the name", || async { ana.push_name() == "Ana Maria" }).await;
    assert_eq!(server.devices().await[0].name, "Ana Maria");
    all_answered(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_changes_is_checked_and_known_to_the_phone() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let actions = ana.client.chat_actions();
    actions.mute_chat(&jid()).await.expect("mute");
    actions.pin_chat(&jid()).await.expect("pin");
    actions.archive_chat(&jid(), None).await.expect("archive");
    actions.unpin_chat(&jid()).await.expect("unpin");
    actions
        .star_message(&jid(), None, "M1", false)
        .await
        .expect("star");
    actions
        .save_contact(&jid(), Some("Caio".to_owned()), None, true)
        .await
        .expect("contact");
    let labels = ana.client.labels();
    labels.create_label("5", "VIP", 2).await.expect("label");
    labels.add_chat_label("5", &jid()).await.expect("chat");
    let chat = jid().to_string();
    let mute = value(&server, "regular_high", &["mute", &chat]).await;
    assert_eq!(mute["mute_action"]["muted"], true);
    let pin = value(&server, "regular_low", &["pin_v1", &chat]).await;
    assert_eq!(pin["pin_action"]["pinned"], false);
    let star = value(&server, "regular_high", &["star", &chat, "M1", "0", "0"]).await;
    assert_eq!(star["star_action"]["starred"], true);
    let contact = value(&server, "critical_unblock_low", &["contact", &chat]).await;
    assert_eq!(contact["contact_action"]["full_name"], "Caio");
    let label = value(&server, "regular", &["label_jid", "5", &chat]).await;
    assert_eq!(label["label_association_action"]["labeled"], true);
    let path = format!("{}/api/contacts/{ANA}/app-state", server.control_url());
    let view: Value = reqwest::get(&path)
        .await
        .expect("get")
        .json()
        .await
        .expect("json");
    assert_eq!(view, server.app_state(ANA).await.expect("view"));
    let on = json!({"change": "pin", "chat": CONTACT, "on": true});
    let answer = reqwest::Client::new().post(&path).json(&on).send().await;
    let answer: Value = answer.expect("post").json().await.expect("json");
    assert_eq!(
        answer,
        json!({"version": view["regular_low"]["version"].as_u64().expect("version") + 1})
    );
    all_answered(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_companion_gets_a_snapshot_and_a_late_one_gets_pages() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let pin = |n: u64, on: bool| Change::Pin {
        chat: (5_511_000_000_000 + n).to_string(),
        on,
    };
    for n in 0..8 {
        change(&server, pin(n, true)).await;
    }
    let pinned = |event: &Event| match event {
        Event::PinUpdate(update) => Some(update.jid.to_string()),
        _ => None,
    };
    let downloads = async || {
        let seen = server.seen(None, Some("media-download"), 0).await.items;
        seen.into_iter()
            .filter(|item| item.details["media"] == "md-app-state")
            .count()
    };
    let (second, _) = paired(&server, ANA, "Ana").await;
    second.wait_count("the snapshot's pins", 8, pinned).await;
    assert!(downloads().await > 0, "a snapshot is a file");

    // More than two pages while it is away.
    let saved = second.stop().await;
    for n in 0..45 {
        change(&server, pin(n, n % 2 == 0)).await;
    }
    let second = TestClient::start(&server, saved).await;
    second.wait_count("all pages", 45, pinned).await;
    // Both go on to write on the same base.
    for client in [&ana, &second] {
        let actions = client.client.chat_actions();
        actions.archive_chat(&jid(), None).await.expect("archive");
        actions.unarchive_chat(&jid(), None).await.expect("archive");
    }
    all_answered(&server).await;
    ana.stop().await;
    second.stop().await;
    server.shutdown().await;
}

/// Pins a chat. The client gives up after five conflicts in a row
/// (`whatsapp-rust/src/client/app_state.rs`); then its user asks again.
async fn pin_at_last(client: &TestClient, chat: &Jid) {
    let actions = client.client.chat_actions();
    for _ in 0..20 {
        let Err(error) = actions.pin_chat(chat).await else {
            return;
        };
        let error = format!("{error:?}");
        assert!(error.contains("still conflicting"), "{error}");
    }
    panic!("twenty times five conflicts");
}

#[tokio::test(flavor = "multi_thread")]
async fn companions_that_write_at_once_do_not_lose_a_change() {
    let server = server().await;
    let (one, _) = paired(&server, ANA, "Ana").await;
    let (two, _) = paired(&server, ANA, "Ana").await;
    let chat = |who: u64, n: u64| Jid::pn((5_511_000_000_000 + 100 * who + n).to_string());
    let write = async |client: &TestClient, who: u64| {
        for n in 0..6 {
            pin_at_last(client, &chat(who, n)).await;
        }
    };
    tokio::join!(write(&one, 1), write(&two, 2));
    for who in [1, 2] {
        for n in 0..6 {
            let index = ["pin_v1", &chat(who, n).to_string()];
            let pin = value(&server, "regular_low", &index).await;
            assert_eq!(pin["pin_action"]["pinned"], true, "{index:?}");
        }
    }
    all_answered(&server).await;
    one.stop().await;
    two.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_asks_for_a_key_that_it_does_not_have() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    server.rotate_app_state_key(ANA, false).await.expect("key");
    let name = "After the change".to_owned();
    change(&server, Change::PushName { name }).await;
    eventually("the name", || async {
        ana.push_name() == "After the change"
    })
    .await;
    // From then on it writes under the new key.
    ana.client
        .chat_actions()
        .mute_chat(&jid())
        .await
        .expect("mute");
    server.rotate_app_state_key(ANA, true).await.expect("key");
    let on = false;
    let chat = CONTACT.to_owned();
    let until_ms = None;
    change(&server, Change::Mute { chat, on, until_ms }).await;
    ana.wait_for("the end of the mute", |event| match event {
        Event::MuteUpdate(update) => (update.action.muted == Some(false)).then_some(()),
        _ => None,
    })
    .await;
    all_answered(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_there_after_a_restart() {
    let dir = tempfile::tempdir().expect("dir");
    let options = || Options {
        state_dir: Some(dir.path().to_owned()),
        ..Options::default()
    };
    let server = server_with(options()).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    ana.client
        .chat_actions()
        .pin_chat(&jid())
        .await
        .expect("pin");
    server.rotate_app_state_key(ANA, true).await.expect("key");
    let chat = CONTACT.to_owned();
    change(&server, Change::Archive { chat, on: true }).await;
    let before = server.app_state(ANA).await.expect("view");
    let saved: Saved = ana.stop().await;
    server.shutdown().await;
    drop(server);
    let server = server_with(options()).await;
    assert_eq!(server.app_state(ANA).await.expect("view"), before);
    let ana = TestClient::start(&server, saved).await;
    ana.connected(1).await;
    let unpinned = ana.client.chat_actions().unpin_chat(&jid()).await;
    unpinned.expect("unpin");
    all_answered(&server).await;
    ana.stop().await;
    server.shutdown().await;
}
