//! Receipts in chats of two.

use crate::common::{TestClient, paired, server};
use crate::people::{
    ANA, BIA, CAIO, contact, marker, notice, receipt, receipt_types, rest, said, settled,
};
use fake_whatsapp::ProfileChange;
use wacore::types::events::Event;
use wacore::types::presence::ReceiptType;
use whatsapp_rust::Jid;

fn no_read_receipts() -> ProfileChange {
    ProfileChange {
        privacy: vec![("readreceipts".into(), "none".into())],
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_in_use_delivers_and_another_is_inactive() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    // Phones would say "delivered" as well.
    let mut config = server.config().await;
    config.phones_without_receipts = true;
    server.set_config(config).await;
    rest(&bia, &server, BIA).await;
    let first = ana.send(BIA, "one").await;
    let from = receipt(&ana, &first, ReceiptType::Inactive).await;
    assert_eq!((from.user.as_str(), from.device), (BIA, 1));
    bia.client.presence().set_available().await.expect("here");
    said(&server, BIA, "available").await;
    let second = ana.send(BIA, "two").await;
    let from = receipt(&ana, &second, ReceiptType::Delivered).await;
    assert_eq!((from.user.as_str(), from.device), (BIA, 1));
    settled(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

/// Bia with two companions, and three messages of Ana that both have.
async fn three_for_two(ana: &TestClient, bias: [&TestClient; 2]) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(ana.send(BIA, &format!("m{n}")).await);
    }
    for bia in bias {
        bia.texts(3, |text| text.starts_with('m')).await;
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_is_told_to_the_sender_and_to_own_devices() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    let (other, _) = paired(&server, BIA, "Bia").await;
    let ids = three_for_two(&ana, [&bia, &other]).await;
    let read: Vec<&str> = ids.iter().map(String::as_str).collect();
    bia.client
        .mark_as_read(&Jid::pn(ANA), None, &read)
        .await
        .expect("read");
    for id in &ids {
        receipt(&ana, id, ReceiptType::Read).await;
        receipt(&other, id, ReceiptType::Read).await;
    }
    // One receipt carries them all.
    let batches = ana.collect(|event| match event {
        Event::Receipt(receipt) if receipt.r#type == ReceiptType::Read => {
            Some(receipt.message_ids.len())
        }
        _ => None,
    });
    assert_eq!(batches, [3]);
    let shown = notice(&server, ANA, |notice| {
        notice.kind == "receipt" && notice.state == "read"
    })
    .await;
    assert_eq!((shown.from.as_str(), shown.ids.len()), (BIA, 3));
    bia.client
        .mark_as_played(&Jid::pn(ANA), None, &read[..1])
        .await
        .expect("played");
    receipt(&ana, &ids[0], ReceiptType::Played).await;
    settled(&server).await;
    for client in [ana, bia, other] {
        client.stop().await;
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_tell_tells_own_devices_only() {
    let server = server().await;
    contact(&server, CAIO, "Caio").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    let (other, _) = paired(&server, BIA, "Bia").await;
    server
        .change_profile(BIA, no_read_receipts())
        .await
        .expect("privacy");
    let ids = three_for_two(&ana, [&bia, &other]).await;
    bia.client
        .mark_as_read(&Jid::pn(ANA), None, &[&ids[0]])
        .await
        .expect("read");
    receipt(&other, &ids[0], ReceiptType::ReadSelf).await;
    marker(&server, CAIO, &ana, ANA).await;
    assert!(!receipt_types(&ana, &ids[0]).contains(&ReceiptType::Read));
    // It works both ways: who does not tell is not told.
    let id = bia.send(ANA, "back").await;
    ana.texts(1, |text| text == "back").await;
    ana.client
        .mark_as_read(&Jid::pn(BIA), None, &[&id])
        .await
        .expect("read");
    notice(&server, ANA, |notice| {
        notice.state == "read-self" && notice.ids.contains(&id)
    })
    .await;
    marker(&server, CAIO, &bia, BIA).await;
    assert!(!receipt_types(&bia, &id).contains(&ReceiptType::Read));
    settled(&server).await;
    for client in [ana, bia, other] {
        client.stop().await;
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn phones_see_what_became_of_their_messages() {
    let server = server().await;
    contact(&server, CAIO, "Caio").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    rest(&ana, &server, ANA).await;
    let id = server
        .send_from_phone(CAIO, ANA, "hello", None)
        .await
        .expect("send");
    ana.texts(1, |text| text == "hello").await;
    notice(&server, CAIO, |notice| {
        notice.state == "inactive" && notice.ids.contains(&id)
    })
    .await;
    ana.client
        .mark_as_read(&Jid::pn(CAIO), None, &[&id])
        .await
        .expect("read");
    let read = notice(&server, CAIO, |notice| notice.state == "read").await;
    assert_eq!((read.from.as_str(), read.ids), (ANA, vec![id]));
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}
