//! Messages between companions, phones and contacts.

use std::collections::HashSet;

use crate::common::{TestClient, eventually, never_saw, paired, server};
use fake_whatsapp::{DropHow, FakeWhatsApp};
use wacore::types::events::Event;
use wacore::types::presence::ReceiptType;
use whatsapp_rust::Jid;

const ANA: &str = "5511999990001";
const BIA: &str = "5511999990002";
const CONTACT: &str = "5511888880001";

async fn delivered(client: &TestClient, id: &str) {
    client
        .wait_for("a delivery receipt", |event| match event {
            Event::Receipt(receipt) if receipt.message_ids.iter().any(|known| known == id) => {
                matches!(
                    receipt.r#type,
                    ReceiptType::Delivered | ReceiptType::Inactive
                )
                .then_some(())
            }
            _ => None,
        })
        .await;
}

pub(crate) async fn settled(server: &FakeWhatsApp) {
    eventually("empty queues", || async {
        server
            .devices()
            .await
            .iter()
            .all(|device| device.queued == 0)
    })
    .await;
    let violations = server.violations().await;
    assert!(violations.is_empty(), "{violations:?}");
    never_saw(server, ["iq-unhandled", "message-undecryptable"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clients_exchange_fifty_messages_each_way() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    let mut ids = Vec::new();
    for n in 0..50 {
        ids.push((
            ana.send(BIA, &format!("a{n}")).await,
            bia.send(ANA, &format!("b{n}")).await,
        ));
    }
    let got: HashSet<_> = bia
        .texts(50, |text| text.starts_with('a'))
        .await
        .into_iter()
        .collect();
    assert_eq!(got.len(), 50);
    let got: HashSet<_> = ana
        .texts(50, |text| text.starts_with('b'))
        .await
        .into_iter()
        .collect();
    assert_eq!(got.len(), 50);
    for (from_ana, from_bia) in &ids {
        delivered(&ana, from_ana).await;
        delivered(&bia, from_bia).await;
    }
    // Both phones have everything too: what came in, and copies of what went out.
    for phone in [ANA, BIA] {
        let inbox = server.inbox(phone).await.expect("inbox");
        assert_eq!(inbox.iter().filter(|item| item.from_me).count(), 50);
        assert_eq!(inbox.iter().filter(|item| !item.from_me).count(), 50);
    }
    settled(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_write_read_and_echo() {
    let server = server().await;
    server
        .add_contact(CONTACT, "Caio", true)
        .await
        .expect("contact");
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let id = ana.send(CONTACT, "hello").await;
    delivered(&ana, &id).await;
    ana.texts(1, |text| text == "echo: hello").await;
    let inbox = server.inbox(CONTACT).await.expect("inbox");
    assert_eq!(
        (inbox[0].text.as_str(), inbox[0].from.as_str()),
        ("hello", ANA)
    );
    assert_eq!(inbox[0].id, id);
    let sent = server
        .send_from_phone(CONTACT, ANA, "first", Some("MYID"))
        .await
        .expect("send");
    assert_eq!(sent, "MYID");
    ana.texts(1, |text| text == "first").await;
    // A message typed on the account's own phone reaches its companion as a copy.
    server
        .send_from_phone(ANA, CONTACT, "typed", None)
        .await
        .expect("send");
    ana.texts(1, |text| text == "typed").await;
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn read_receipts_reach_the_sender() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    let id = ana.send(BIA, "read me").await;
    bia.texts(1, |text| text == "read me").await;
    bia.client
        .mark_as_read(&Jid::pn(ANA), None, &[&id])
        .await
        .expect("mark");
    ana.wait_for("a read receipt", |event| match event {
        Event::Receipt(receipt) if receipt.message_ids.contains(&id) => {
            (receipt.r#type == ReceiptType::Read).then_some(())
        }
        _ => None,
    })
    .await;
    settled(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn second_companion_gets_copies_and_has_its_own_number() {
    let server = server().await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    let (one, first) = paired(&server, ANA, "Ana").await;
    bia.send(ANA, "before").await;
    one.texts(1, |text| text == "before").await;
    let (two, second) = paired(&server, ANA, "Ana").await;
    assert_eq!(first.jid, format!("{ANA}:1@s.whatsapp.net"));
    assert_eq!(second.jid, format!("{ANA}:2@s.whatsapp.net"));
    eventually("Bia knows the new device", || async {
        server
            .devices()
            .await
            .iter()
            .all(|device| device.queued == 0)
    })
    .await;
    bia.send(ANA, "both").await;
    one.texts(1, |text| text == "both").await;
    two.texts(1, |text| text == "both").await;
    one.send(BIA, "copy").await;
    two.texts(1, |text| text == "copy").await;
    bia.texts(1, |text| text == "copy").await;
    settled(&server).await;
    for client in [bia, one, two] {
        client.stop().await;
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_wait_for_a_client_that_is_away() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    ana.send(BIA, "warm up").await;
    bia.texts(1, |text| text == "warm up").await;
    let saved = bia.stop().await;
    eventually("Bia is away", || async {
        server
            .devices()
            .await
            .iter()
            .any(|device| device.phone == BIA && !device.connected)
    })
    .await;
    for n in 0..20 {
        ana.send(BIA, &format!("away{n}")).await;
        server
            .send_from_phone(ANA, BIA, &format!("phone{n}"), None)
            .await
            .expect("send");
    }
    // Sending returns when the stanza is on its way.
    eventually("all wait", || async {
        server
            .devices()
            .await
            .iter()
            .any(|device| device.phone == BIA && device.queued >= 40)
    })
    .await;
    let bia = TestClient::start(&server, saved).await;
    bia.connected(1).await;
    let got = bia
        .texts(40, |text| {
            text.starts_with("away") || text.starts_with("phone")
        })
        .await;
    assert_eq!(
        got.iter().collect::<HashSet<_>>().len(),
        got.len(),
        "each once"
    );
    settled(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn drops_in_mid_conversation_lose_nothing() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    server
        .add_contact(CONTACT, "Caio", false)
        .await
        .expect("contact");
    for (round, how) in [DropHow::Close, DropHow::Eof, DropHow::StreamError]
        .into_iter()
        .enumerate()
    {
        server
            .send_from_phone(CONTACT, ANA, &format!("x{round}"), None)
            .await
            .expect("send");
        server.drop_sockets(ANA, how, None).await.expect("drop");
        server
            .send_from_phone(CONTACT, ANA, &format!("y{round}"), None)
            .await
            .expect("send");
        ana.texts(2 * (round + 1), |text| text.starts_with(['x', 'y']))
            .await;
        ana.connected(round + 2).await;
    }
    let got = ana.all_texts();
    assert_eq!(
        got.iter().collect::<HashSet<_>>().len(),
        got.len(),
        "each once: {got:?}"
    );
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn resends_are_not_routed_twice_and_other_contents_are_noticed() {
    let server = server().await;
    server.expects_violations(["message-id-reused"]);
    server
        .add_contact(CONTACT, "Caio", false)
        .await
        .expect("contact");
    let (ana, _) = paired(&server, ANA, "Ana").await;
    ana.send_with_id(CONTACT, "once", "SAMEID1").await;
    ana.send_with_id(CONTACT, "once", "SAMEID1").await;
    ana.send(CONTACT, "marker").await;
    eventually("both arrived", || async {
        server
            .inbox(CONTACT)
            .await
            .is_ok_and(|inbox| inbox.len() == 2)
    })
    .await;
    assert_eq!(server.seen(None, Some("resend"), 0).await.items.len(), 1);
    settled(&server).await;
    ana.send_with_id(CONTACT, "other", "SAMEID1").await;
    eventually("the violation", || async {
        server
            .violations()
            .await
            .iter()
            .any(|v| v.kind == "message-id-reused")
    })
    .await;
    assert_eq!(server.inbox(CONTACT).await.expect("inbox").len(), 2);
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_exist_when_they_have_an_account() {
    let server = server().await;
    server
        .add_contact(CONTACT, "Caio", false)
        .await
        .expect("contact");
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let ask = async |phone: &str| {
        let found = ana
            .client
            .contacts()
            .is_on_whatsapp(&[Jid::pn(phone)])
            .await
            .expect("usync");
        (found[0].is_registered, found[0].lid.is_some())
    };
    assert_eq!(ask(CONTACT).await, (true, true));
    assert_eq!(ask("5511777770000").await, (false, false));
    server.set_absent(CONTACT).await.expect("absent");
    assert_eq!(ask(CONTACT).await, (false, false));
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chats_can_be_addressed_by_lid() {
    let server = server().await;
    let (ana, of_ana) = paired(&server, ANA, "Ana").await;
    let (bia, of_bia) = paired(&server, BIA, "Bia").await;
    let user = |lid: &str| Jid::lid(lid.split(':').next().expect("user"));
    ana.send_to(&user(&of_bia.lid), "to the LID").await;
    bia.texts(1, |text| text == "to the LID").await;
    bia.send_to(&user(&of_ana.lid), "back").await;
    ana.texts(1, |text| text == "back").await;
    assert_eq!(server.inbox(BIA).await.expect("inbox")[0].from, ANA);
    settled(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}
