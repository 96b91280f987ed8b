//! Helpers for tests about people: who they are, and what clients saw of them.

use crate::common::{PATIENCE, Saved, TestClient, eventually, never_saw};
use fake_whatsapp::{FakeWhatsApp, Notice};
use wacore::request::InfoQuery;
use wacore::types::events::Event;
use wacore::types::presence::ReceiptType;
use wacore_binary::{Node, NodeContent};
use whatsapp_rust::{IqError, Jid, Server};

pub(crate) const ANA: &str = "5511999990001";
pub(crate) const BIA: &str = "5511999990002";
pub(crate) const CAIO: &str = "5511888880001";
pub(crate) const DUDA: &str = "5511888880002";

/// The LID of an account, from the LID of one of its devices.
pub(crate) fn lid(device: &str) -> Jid {
    device.parse::<Jid>().expect("LID").to_non_ad()
}

/// A client says that it is in use as soon as it knows its name. Waits for that, and puts the
/// client away.
pub(crate) async fn rest(client: &TestClient, server: &FakeWhatsApp, phone: &str) {
    said(server, phone, "available").await;
    client
        .client
        .presence()
        .set_unavailable()
        .await
        .expect("away");
    said(server, phone, "unavailable").await;
}

/// Waits until a companion of an account has said something about its presence.
pub(crate) async fn said(server: &FakeWhatsApp, phone: &str, what: &str) {
    eventually(what, || async {
        let seen = server.seen(Some(phone), Some("presence"), 0).await.items;
        seen.last().is_some_and(|item| item.details["type"] == what)
    })
    .await;
}

/// Adds a phone that answers nothing.
pub(crate) async fn contact(server: &FakeWhatsApp, phone: &str, name: &str) {
    server
        .add_contact(phone, name, false)
        .await
        .expect("contact");
}

/// Stops a client and waits until the server knows.
pub(crate) async fn leave(client: TestClient, server: &FakeWhatsApp, phone: &str) -> Saved {
    let saved = client.stop().await;
    eventually("away", || async {
        let devices = server.devices().await;
        !devices
            .iter()
            .any(|device| device.phone == phone && device.connected)
    })
    .await;
    saved
}

/// How many stanzas wait for the first companion of an account.
pub(crate) async fn queued(server: &FakeWhatsApp, phone: &str) -> usize {
    let devices = server.devices().await;
    devices
        .iter()
        .find(|device| device.phone == phone)
        .map_or(0, |device| device.queued)
}

/// A phone writes, and the client has it: what the server sent before has arrived too.
pub(crate) async fn marker(server: &FakeWhatsApp, from: &str, client: &TestClient, to: &str) {
    let text = format!("marker {:?}", std::time::Instant::now());
    server
        .send_from_phone(from, to, &text, None)
        .await
        .expect("send");
    client.texts(1, |got| got == text).await;
}

/// The types of the receipts for one message, in order.
pub(crate) fn receipt_types(client: &TestClient, id: &str) -> Vec<ReceiptType> {
    client.collect(|event| match event {
        Event::Receipt(receipt) if receipt.message_ids.iter().any(|known| known == id) => {
            Some(receipt.r#type.clone())
        }
        _ => None,
    })
}

/// Waits for a receipt of one type. Returns whom it came from.
pub(crate) async fn receipt(client: &TestClient, id: &str, kind: ReceiptType) -> Jid {
    client
        .wait_for("a receipt", |event| match event {
            Event::Receipt(receipt)
                if receipt.message_ids.iter().any(|known| known == id)
                    && receipt.r#type == kind =>
            {
                Some(receipt.source.chat.clone())
            }
            _ => None,
        })
        .await
}

/// Waits until a phone showed something, and returns it.
pub(crate) async fn notice(
    server: &FakeWhatsApp,
    phone: &str,
    what: impl Fn(&Notice) -> bool,
) -> Notice {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let notices = server.notices(phone).await.expect("notices");
        if let Some(found) = notices.iter().find(|notice| what(notice)) {
            return found.clone();
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "the phone showed only {notices:?}"
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Nothing is left to do, and no request went unanswered.
pub(crate) async fn settled(server: &FakeWhatsApp) {
    eventually("empty queues", || async {
        let devices = server.devices().await;
        devices
            .iter()
            .all(|device| device.queued == 0 || !device.connected)
    })
    .await;
    never_saw(
        server,
        ["iq-unhandled", "stanza-unhandled", "message-undecryptable"],
    )
    .await;
}

/// Sends a request with a content of the test's own. Returns the answer.
pub(crate) async fn ask(
    client: &TestClient,
    xmlns: &str,
    set: bool,
    content: Vec<Node>,
) -> Result<Node, u16> {
    let to = Jid::new("", Server::Pn);
    let content = Some(NodeContent::Nodes(content));
    let query = if set {
        InfoQuery::set(xmlns, to, content)
    } else {
        InfoQuery::get(xmlns, to, content)
    };
    match client.client.send_iq(query).await {
        Ok(answer) => Ok(answer.to_owned_node()),
        Err(IqError::ServerError { code, .. }) => Err(code),
        Err(error) => panic!("{xmlns}: {error}"),
    }
}
