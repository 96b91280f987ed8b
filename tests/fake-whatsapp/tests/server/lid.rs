//! Chats that are addressed by LID.

use crate::common::{TestClient, eventually, paired, server};
use crate::people::{ANA, BIA, CAIO, contact, leave, lid, receipt, settled};
use fake_whatsapp::{FakeWhatsApp, ProfileChange};
use wacore::types::events::Event;
use wacore::types::message::MessageSource;
use wacore::types::presence::ReceiptType;
use whatsapp_rust::Jid;

/// Where a text came from.
async fn source(client: &TestClient, text: &str) -> MessageSource {
    client
        .wait_for(text, |event| match event {
            Event::Messages(batch) => batch
                .messages
                .iter()
                .find(|inbound| inbound.message.conversation.as_deref() == Some(text))
                .map(|inbound| inbound.info.source.clone()),
            _ => None,
        })
        .await
}

async fn migrate(server: &FakeWhatsApp, phone: &str) {
    let change = ProfileChange {
        lid_migrated: Some(true),
        ..Default::default()
    };
    server.change_profile(phone, change).await.expect("migrate");
}

/// Whether the server has seen the message `id` of an account, addressed to `to`.
async fn was_sent_to(server: &FakeWhatsApp, phone: &str, id: &str, to: &Jid) -> bool {
    let sent = server.seen(Some(phone), Some("message"), 0).await.items;
    sent.iter()
        .any(|item| item.details["id"] == id && item.details["to"] == to.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn both_names_travel_with_a_message_and_its_receipts() {
    let server = server().await;
    let (ana, of_ana) = paired(&server, ANA, "Ana").await;
    let (bia, of_bia) = paired(&server, BIA, "Bia").await;
    let id = ana.send(BIA, "by number").await;
    let by_number = source(&bia, "by number").await;
    assert_eq!(by_number.chat, Jid::pn(ANA));
    let alt = by_number.sender_alt.expect("LID");
    assert_eq!(alt.user, lid(&of_ana.lid).user);
    assert!(receipt(&ana, &id, ReceiptType::Delivered).await.is_pn());
    migrate(&server, ANA).await;
    ana.client.fetch_props().await.expect("props");
    assert!(ana.client.is_lid_migrated().await);
    let id = ana.send(BIA, "by LID").await;
    let to = lid(&of_bia.lid);
    eventually("it is addressed by LID", || {
        was_sent_to(&server, ANA, &id, &to)
    })
    .await;
    let by_lid = source(&bia, "by LID").await;
    assert_eq!(by_lid.chat, lid(&of_ana.lid));
    assert_eq!(by_lid.sender_alt.expect("number").user, ANA);
    let from = receipt(&ana, &id, ReceiptType::Delivered).await;
    assert_eq!(from.to_non_ad(), lid(&of_bia.lid));
    settled(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn migrated_phones_write_by_lid() {
    let server = server().await;
    contact(&server, CAIO, "Caio").await;
    migrate(&server, CAIO).await;
    let (ana, of_ana) = paired(&server, ANA, "Ana").await;
    migrate(&server, ANA).await;
    let saved = leave(ana, &server, ANA).await;
    let ana = TestClient::start(&server, saved).await;
    ana.connected(1).await;
    eventually("migrated", || async { ana.client.is_lid_migrated().await }).await;
    let sent = server
        .send_from_phone(CAIO, ANA, "by LID", None)
        .await
        .expect("send");
    let from = source(&ana, "by LID").await;
    assert!(from.chat.is_lid());
    assert_eq!(from.sender_alt.expect("number").user, CAIO);
    crate::people::notice(&server, CAIO, |notice| notice.ids.contains(&sent)).await;
    let id = ana.send_to(&from.chat, "back").await;
    let from = receipt(&ana, &id, ReceiptType::Delivered).await;
    assert!(from.is_lid(), "{from}");
    // A copy of what the own phone wrote names the chat by LID, and the number beside it.
    server
        .send_from_phone(ANA, CAIO, "typed", None)
        .await
        .expect("send");
    let copy = ana
        .wait_for("the copy", |event| match event {
            Event::Messages(batch) => batch
                .messages
                .iter()
                .find(|inbound| inbound.info.source.is_from_me)
                .map(|inbound| inbound.info.clone()),
            _ => None,
        })
        .await;
    assert_eq!(copy.source.sender.user, lid(&of_ana.lid).user);
    assert!(copy.source.chat.is_lid());
    let number = copy.peer_recipient_pn.clone().expect("number");
    assert_eq!(number.user, CAIO);
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}
