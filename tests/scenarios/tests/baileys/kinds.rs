//! Reactions, edits, deletions and polls between Baileys and a simulated phone.

use fake_whatsapp::{DraftKind, FakeWhatsApp, InboxItem, Options, Watched};
use pombal_scenarios::Baileys;
use serde_json::{Value, json};

const THEIRS: &str = "5511999990351";
const PHONE: &str = "5511999990359";
const PHONE_JID: &str = "5511999990359@s.whatsapp.net";

async fn paired() -> (Watched, Baileys) {
    let whatsapp = Watched::start(Options::default()).await.unwrap();
    whatsapp.add_contact(PHONE, "Phone", false).await.unwrap();
    let baileys = Baileys::pair(&whatsapp, THEIRS, "Theirs").await;
    (whatsapp, baileys)
}

/// The phone's copy of a message.
async fn kept(whatsapp: &FakeWhatsApp, id: &str) -> InboxItem {
    let inbox = whatsapp.inbox(PHONE).await.unwrap();
    let mut items = inbox.into_iter().filter(|item| item.id == id);
    items.next().expect("the phone has the message")
}

/// A person does something with the phone. Returns the message id.
async fn phone_does(whatsapp: &FakeWhatsApp, kind: DraftKind) -> String {
    let sent = whatsapp.send_draft(PHONE, THEIRS, &kind.into(), None).await;
    sent.unwrap()
}

/// Waits until Baileys tells an event about the message `id` that has `part` in it.
async fn wait_for_event(baileys: &Baileys, name: &str, id: &str, part: &str) {
    baileys
        .event(name, |data| {
            let of = |one: &Value| one["key"]["id"] == id && one.to_string().contains(part);
            data.as_array().is_some_and(|all| all.iter().any(of))
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_understands_what_baileys_does_to_messages() {
    let (whatsapp, baileys) = paired().await;
    let text = DraftKind::Text {
        text: "Coming?".to_owned(),
    };
    let asked = phone_does(&whatsapp, text).await;
    let key = baileys.message(&asked).await["key"].clone();
    let react = json!({ "react": { "text": "👍", "key": key } });
    baileys.send(PHONE_JID, react).await;
    assert_eq!(kept(&whatsapp, &asked).await.reactions[THEIRS], "👍");

    let key = baileys.send(PHONE_JID, json!({ "text": "At noon" })).await;
    let id = key["id"].as_str().unwrap();
    let edit = json!({ "text": "At one", "edit": key });
    baileys.send(PHONE_JID, edit).await;
    let edited = kept(&whatsapp, id).await;
    assert_eq!((edited.text.as_str(), edited.edited), ("At one", true));
    baileys.send(PHONE_JID, json!({ "delete": key })).await;
    assert!(kept(&whatsapp, id).await.revoked);

    let poll =
        json!({ "poll": { "name": "Where?", "values": ["Roof", "Loft"], "selectableCount": 1 } });
    let key = baileys.send(PHONE_JID, poll).await;
    let poll = kept(&whatsapp, key["id"].as_str().unwrap()).await;
    assert_eq!(
        (poll.text.as_str(), poll.options),
        ("Where?", vec!["Roof".into(), "Loft".into()])
    );
    baileys.assert_understood(&whatsapp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn baileys_understands_what_a_phone_does_to_messages() {
    let (whatsapp, baileys) = paired().await;
    let id = baileys.send_text(PHONE, "Coming?").await;
    let react = DraftKind::Reaction {
        target: id.clone(),
        text: "👍".to_owned(),
    };
    phone_does(&whatsapp, react).await;
    wait_for_event(&baileys, "messages.reaction", &id, "👍").await;

    let text = DraftKind::Text {
        text: "At noon".to_owned(),
    };
    let said = phone_does(&whatsapp, text).await;
    baileys.message(&said).await;
    let edit = DraftKind::Edit {
        target: said.clone(),
        text: "At one".to_owned(),
    };
    phone_does(&whatsapp, edit).await;
    wait_for_event(&baileys, "messages.update", &said, "At one").await;
    let revoke = DraftKind::Revoke {
        target: said.clone(),
    };
    phone_does(&whatsapp, revoke).await;
    wait_for_event(&baileys, "messages.update", &said, "messageStubType").await;

    let poll = DraftKind::Poll {
        name: "Where?".to_owned(),
        options: vec!["Roof".to_owned(), "Loft".to_owned()],
        selectable: 1,
    };
    let asked = phone_does(&whatsapp, poll).await;
    let poll = baileys.message(&asked).await;
    assert_eq!(
        poll["message"]["pollCreationMessageV3"]["name"], "Where?",
        "{poll}"
    );
    baileys.assert_understood(&whatsapp).await;
}
