//! Who is online, who types, and who may know.

use std::sync::{Arc, Mutex};

use crate::common::{TestClient, eventually, paired, server};
use crate::people::{ANA, BIA, CAIO, contact, leave, notice, rest, said, settled};
use fake_whatsapp::{ProfileChange, Typing};
use wacore::iq::chatstate::ReceivedChatState;
use wacore::types::events::Event;
use wacore::types::presence::ChatPresence;
use whatsapp_rust::{ChatStateEvent, Jid};

/// What the client heard about somebody: online, and last seen.
fn heard(client: &TestClient, of: &str) -> Vec<(bool, bool)> {
    client.collect(|event| match event {
        Event::Presence(presence) if presence.from.user == of => {
            Some((!presence.unavailable, presence.last_seen.is_some()))
        }
        _ => None,
    })
}

async fn heard_last(client: &TestClient, of: &str, what: (bool, bool)) {
    eventually("the presence", || async {
        heard(client, of).last() == Some(&what)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn presence_comes_while_one_is_there_oneself() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    rest(&ana, &server, ANA).await;
    rest(&bia, &server, BIA).await;
    bia.client
        .presence()
        .subscribe(Jid::pn(ANA))
        .await
        .expect("subscribe");
    ana.client.presence().set_available().await.expect("here");
    said(&server, ANA, "available").await;
    assert!(heard(&bia, ANA).is_empty(), "Bia is not there herself");
    bia.client.presence().set_available().await.expect("here");
    heard_last(&bia, ANA, (true, false)).await;
    ana.client.presence().set_unavailable().await.expect("away");
    heard_last(&bia, ANA, (false, true)).await;
    // Who hides when she was last seen is offline without a time.
    ana.client.presence().set_available().await.expect("here");
    heard_last(&bia, ANA, (true, false)).await;
    let hide = ProfileChange {
        privacy: vec![("last".into(), "none".into())],
        ..Default::default()
    };
    server.change_profile(ANA, hide).await.expect("privacy");
    let saved = leave(ana, &server, ANA).await;
    heard_last(&bia, ANA, (false, false)).await;
    // And "online like last seen" hides the rest.
    let hide = ProfileChange {
        privacy: vec![("online".into(), "match_last_seen".into())],
        ..Default::default()
    };
    server.change_profile(ANA, hide).await.expect("privacy");
    let count = heard(&bia, ANA).len();
    let ana = TestClient::start(&server, saved).await;
    ana.connected(1).await;
    eventually("one more", || async { heard(&bia, ANA).len() > count }).await;
    assert_eq!(heard(&bia, ANA).last(), Some(&(false, false)));
    settled(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unsubscribed_and_blocked_people_hear_nothing() {
    let server = server().await;
    contact(&server, CAIO, "Caio").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    said(&server, ANA, "available").await;
    let caio = Jid::pn(CAIO);
    ana.client
        .presence()
        .subscribe(&caio)
        .await
        .expect("subscribe");
    heard_last(&ana, CAIO, (false, false)).await;
    server.set_presence(CAIO, true).await.expect("here");
    heard_last(&ana, CAIO, (true, false)).await;
    server.block(CAIO, ANA, true).await.expect("block");
    server.set_presence(CAIO, false).await.expect("away");
    server.block(CAIO, ANA, false).await.expect("unblock");
    server.set_presence(CAIO, true).await.expect("here");
    let count = heard(&ana, CAIO).len();
    eventually("back again", || async { heard(&ana, CAIO).len() >= 3 }).await;
    assert!(
        heard(&ana, CAIO).iter().skip(1).all(|(online, _)| *online),
        "what happened while she was blocked is not told: {count}"
    );
    ana.client
        .presence()
        .unsubscribe(&caio)
        .await
        .expect("unsubscribe");
    said(&server, ANA, "unsubscribe").await;
    let count = heard(&ana, CAIO).len();
    server.set_presence(CAIO, false).await.expect("away");
    crate::people::marker(&server, CAIO, &ana, ANA).await;
    assert_eq!(heard(&ana, CAIO).len(), count);
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn phones_see_who_comes_goes_and_types() {
    let server = server().await;
    contact(&server, CAIO, "Caio").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    rest(&ana, &server, ANA).await;
    server.set_presence(CAIO, true).await.expect("here");
    server.subscribe_presence(CAIO, ANA).await.expect("watch");
    ana.client.presence().set_available().await.expect("here");
    notice(&server, CAIO, |notice| {
        notice.kind == "presence" && notice.from == ANA && notice.state == "available"
    })
    .await;
    let caio = Jid::pn(CAIO);
    ana.client
        .chatstate()
        .send_composing(&caio)
        .await
        .expect("type");
    ana.client
        .chatstate()
        .send_recording(&caio)
        .await
        .expect("record");
    ana.client
        .chatstate()
        .send_paused(&caio)
        .await
        .expect("pause");
    notice(&server, CAIO, |notice| notice.state == "paused").await;
    let typed: Vec<_> = server
        .notices(CAIO)
        .await
        .expect("notices")
        .into_iter()
        .filter(|notice| notice.kind == "typing")
        .map(|notice| notice.state)
        .collect();
    assert_eq!(typed, ["composing", "recording", "paused"]);
    leave(ana, &server, ANA).await;
    let gone = server.notices(CAIO).await.expect("notices");
    let gone = gone.last().expect("a notice");
    assert_eq!(
        (gone.from.as_str(), gone.state.as_str()),
        (ANA, "unavailable")
    );
    assert!(gone.last_seen.is_some());
    settled(&server).await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn typing_reaches_clients_in_use_only() {
    let server = server().await;
    contact(&server, CAIO, "Caio").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let heard: Arc<Mutex<Vec<(Jid, ReceivedChatState)>>> = Arc::default();
    let log = Arc::clone(&heard);
    let handler = move |event: ChatStateEvent| {
        log.lock().expect("log").push((event.chat, event.state));
    };
    ana.client
        .register_chatstate_handler(Arc::new(handler))
        .await;
    rest(&ana, &server, ANA).await;
    server
        .type_from_phone(CAIO, ANA, Typing::Composing)
        .await
        .expect("type");
    crate::people::marker(&server, CAIO, &ana, ANA).await;
    assert!(heard.lock().expect("log").is_empty(), "not in use");
    ana.client.presence().set_available().await.expect("here");
    said(&server, ANA, "available").await;
    for state in [Typing::Composing, Typing::Recording, Typing::Paused] {
        server
            .type_from_phone(CAIO, ANA, state)
            .await
            .expect("type");
    }
    eventually("three states", || async {
        heard.lock().expect("log").len() >= 3
    })
    .await;
    let states: Vec<_> = heard.lock().expect("log").clone();
    assert!(states.iter().all(|(chat, _)| *chat == Jid::pn(CAIO)));
    let mut names: Vec<_> = states.iter().map(|(_, state)| state.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["idle", "recording_audio", "typing"]);
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn typing_in_a_group_names_who_types() {
    let server = server().await;
    contact(&server, CAIO, "Caio").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    let group = crate::groups::created_by(&ana, &[BIA, CAIO]).await;
    said(&server, BIA, "available").await;
    server.set_presence(CAIO, true).await.expect("here");
    ana.client
        .chatstate()
        .send_recording(&group)
        .await
        .expect("record");
    let shown = notice(&server, CAIO, |notice| notice.kind == "typing").await;
    assert_eq!(
        (shown.from.as_str(), shown.state.as_str()),
        (ANA, "recording")
    );
    assert_eq!(shown.group.as_deref(), Some(group.to_string().as_str()));
    server
        .type_from_phone(CAIO, &group.to_string(), Typing::Composing)
        .await
        .expect("type");
    let source = bia
        .wait_for("Caio types", |event| match event {
            Event::ChatPresence(update) if update.state == ChatPresence::Composing => {
                Some(update.source.clone())
            }
            _ => None,
        })
        .await;
    assert_eq!(source.chat, group);
    assert_ne!(source.sender, group);
    settled(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}
