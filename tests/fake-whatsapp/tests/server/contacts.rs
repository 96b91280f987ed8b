//! What clients ask about people, and what they are told without asking.

use crate::common::{TestClient, eventually, paired, server};
use crate::people::{ANA, BIA, CAIO, DUDA, contact, leave, marker, queued, settled};
use fake_whatsapp::{Business, ProfileChange};
use wacore::iq::usync::{
    UsyncAddressingMode, UsyncContext, UsyncDeviceSyncHint, UsyncFeature, UsyncMode, UsyncProtocol,
    UsyncProtocolKind, UsyncProtocolResult, UsyncQuery, UsyncUser,
};
use wacore::types::events::Event;
use whatsapp_rust::Jid;

fn bakery() -> Business {
    Business {
        name: "Caio's Bakery".into(),
        description: "Bread".into(),
        website: vec!["https://bakery.example".into()],
        category: Some("Bakery".into()),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_checked_by_number_and_by_lid() {
    let server = server().await;
    contact(&server, CAIO, "Caio").await;
    let change = ProfileChange {
        business: Some(bakery()),
        ..Default::default()
    };
    server.change_profile(CAIO, change).await.expect("business");
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let contacts = ana.client.contacts();
    let found = contacts
        .is_on_whatsapp(&[Jid::pn(CAIO), Jid::pn(DUDA)])
        .await
        .expect("usync");
    let caio = &found[0];
    assert!(caio.is_registered && caio.is_business);
    let name = caio.verified_name.as_ref().and_then(|it| it.name.clone());
    assert_eq!(name.as_deref(), Some("Caio's Bakery"));
    assert!(!found[1].is_registered && found[1].lid.is_none());
    let lid = caio.lid.clone().expect("LID");
    let by_lid = contacts.is_on_whatsapp(&[lid]).await.expect("usync");
    assert!(by_lid[0].is_registered);
    assert_eq!(by_lid[0].pn_jid, Some(Jid::pn(CAIO)));
    // The mapping works both ways from now on.
    let entry = ana.client.get_lid_pn_entry(&by_lid[0].jid).await;
    let entry = entry.expect("store").expect("mapping");
    assert_eq!(&*entry.phone_number, CAIO);
    let profile = ana
        .client
        .get_business_profile(&Jid::pn(CAIO))
        .await
        .expect("profile")
        .expect("a business");
    assert_eq!(profile.description, "Bread");
    assert_eq!(profile.categories[0].name, "Bakery");
    assert_eq!(profile.website, ["https://bakery.example"]);
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_about_a_person_in_one_request() {
    let server = server().await;
    contact(&server, CAIO, "Caio").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    let change = ProfileChange {
        about: Some("At the beach".into()),
        disappearing: Some(86_400),
        ..Default::default()
    };
    server.change_profile(BIA, change).await.expect("profile");
    let users = [Jid::pn(BIA), Jid::pn(DUDA)];
    let info = ana.client.contacts().get_user_info(&users).await;
    let info = info.expect("usync");
    let of_bia = &info[&users[0]];
    assert_eq!(of_bia.status.as_deref(), Some("At the beach"));
    assert_eq!(of_bia.devices, [0, 1]);
    assert!(of_bia.lid.is_some() && !of_bia.is_business);
    assert!(info[&users[1]].devices.is_empty());
    let hide = ProfileChange {
        privacy: vec![("status".into(), "none".into())],
        ..Default::default()
    };
    server.change_profile(BIA, hide).await.expect("profile");
    let info = ana.client.contacts().get_user_info(&users[..1]).await;
    let hidden = info.expect("usync")[&users[0]].status.clone();
    assert_eq!(hidden.as_deref(), Some(""), "hidden is empty");
    settled(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

async fn usync(
    client: &TestClient,
    mode: UsyncMode,
    protocols: Vec<UsyncProtocol>,
    user: UsyncUser,
) -> Vec<UsyncProtocolResult> {
    let query = UsyncQuery::new(mode, UsyncContext::Interactive, protocols, vec![user]);
    let answer = client.client.query_usync(query.expect("query")).await;
    let mut users = answer.expect("usync").users;
    assert_eq!(users.len(), 1);
    users.remove(0).protocols
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_device_list_is_not_sent_again() {
    let server = server().await;
    contact(&server, CAIO, "Caio").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    let ask = async |hint: UsyncDeviceSyncHint| {
        let user = UsyncUser::from_jid(Jid::pn(BIA)).with_device_sync(hint);
        let results = usync(&ana, UsyncMode::Delta, vec![UsyncProtocol::DevicesV2], user).await;
        match &results[0] {
            UsyncProtocolResult::Devices(outcome) => outcome.value().expect("devices").clone(),
            other => panic!("{other:?}"),
        }
    };
    let first = ask(UsyncDeviceSyncHint::new()).await;
    let list = first.device_list.expect("list");
    assert_eq!(list.devices.len(), 2);
    let hash = list.hash.expect("hash");
    let known = ask(UsyncDeviceSyncHint::new().with_device_hash(hash.clone())).await;
    assert!(known.device_list.is_none() && known.key_index.is_some());
    let (other, _) = paired(&server, BIA, "Bia").await;
    let changed = ask(UsyncDeviceSyncHint::new().with_device_hash(hash)).await;
    assert_eq!(changed.device_list.expect("list").devices.len(), 3);
    settled(&server).await;
    for client in [ana, bia, other] {
        client.stop().await;
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_protocol_is_answered() {
    let server = server().await;
    contact(&server, CAIO, "Caio").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let protocols = vec![
        UsyncProtocol::Contact {
            addressing_mode: UsyncAddressingMode::Pn,
        },
        UsyncProtocol::DevicesV2,
        UsyncProtocol::Status,
        UsyncProtocol::TextStatus,
        UsyncProtocol::DisappearingMode,
        UsyncProtocol::Picture,
        UsyncProtocol::Lid,
        UsyncProtocol::Username,
        UsyncProtocol::Features(vec![UsyncFeature::Document, UsyncFeature::Voip]),
    ];
    let user = UsyncUser::from_phone(CAIO);
    let results = usync(&ana, UsyncMode::Full, protocols, user).await;
    let kinds: Vec<_> = results.iter().map(UsyncProtocolResult::kind).collect();
    assert_eq!(
        kinds,
        [
            UsyncProtocolKind::Contact,
            UsyncProtocolKind::Devices,
            UsyncProtocolKind::Status,
            UsyncProtocolKind::TextStatus,
            UsyncProtocolKind::DisappearingMode,
            UsyncProtocolKind::Picture,
            UsyncProtocolKind::Lid,
            UsyncProtocolKind::Username,
            UsyncProtocolKind::Feature,
        ]
    );
    let UsyncProtocolResult::Contact(contact) = &results[0] else {
        panic!("{results:?}");
    };
    let contact = contact.value().expect("contact");
    assert_eq!(contact.contact_type.as_str(), "in");
    assert_eq!(
        contact.content.as_deref(),
        Some(format!("+{CAIO}").as_str())
    );
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_with_a_chat_learn_of_changes() {
    let server = server().await;
    contact(&server, CAIO, "Caio").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    marker(&server, CAIO, &ana, ANA).await;
    let change = ProfileChange {
        name: Some("Caio B.".into()),
        about: Some("Busy".into()),
        business: Some(bakery()),
        disappearing: Some(604_800),
        ..Default::default()
    };
    server.change_profile(CAIO, change).await.expect("profile");
    let about = ana
        .wait_for("about", |event| match event {
            Event::UserAboutUpdate(update) => Some((update.jid.clone(), update.status.clone())),
            _ => None,
        })
        .await;
    assert_eq!(about, (Jid::pn(CAIO), "Busy".to_owned()));
    ana.wait_for("a business name", |event| match event {
        Event::BusinessStatusUpdate(update) => update.verified_name.clone(),
        _ => None,
    })
    .await;
    let timer = ana
        .wait_for("a timer", |event| match event {
            Event::DisappearingModeChanged(mode) => Some(mode.duration),
            _ => None,
        })
        .await;
    assert_eq!(timer, 604_800);
    ana.wait_for("a contact update", |event| match event {
        Event::ContactUpdated(update) => Some(update.jid.clone()),
        _ => None,
    })
    .await;
    // The new name is beside the next message.
    marker(&server, CAIO, &ana, ANA).await;
    let names = ana.collect(|event| match event {
        Event::Messages(batch) => Some(batch.messages[0].info.push_name.clone()),
        _ => None,
    });
    assert_eq!(names.last().map(String::as_str), Some("Caio B."));
    server.change_number(CAIO, DUDA).await.expect("number");
    let moved = ana
        .wait_for("a new number", |event| match event {
            Event::ContactNumberChanged(change) => {
                Some((change.old_jid.clone(), change.new_jid.clone()))
            }
            _ => None,
        })
        .await;
    assert_eq!(moved, (Jid::pn(CAIO), Jid::pn(DUDA)));
    let users = [Jid::pn(CAIO), Jid::pn(DUDA)];
    let found = ana.client.contacts().is_on_whatsapp(&users).await;
    let found: Vec<_> = found
        .expect("usync")
        .iter()
        .map(|it| it.is_registered)
        .collect();
    assert_eq!(found, [false, true]);
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn own_companions_learn_of_changes() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (other, _) = paired(&server, ANA, "Ana").await;
    let rename = ProfileChange {
        name: Some("Ana Maria".into()),
        ..Default::default()
    };
    server.change_profile(ANA, rename).await.expect("name");
    for client in [&ana, &other] {
        client
            .wait_for("the new name", |event| match event {
                Event::SelfPushNameUpdated(update) if update.new_name == "Ana Maria" => Some(()),
                _ => None,
            })
            .await;
    }
    ana.client
        .profile()
        .set_status_text("On my way")
        .await
        .expect("about");
    ana.client
        .set_default_disappearing_mode(7_776_000)
        .await
        .expect("timer");
    let wrong = ana.client.set_default_disappearing_mode(77).await;
    assert!(wrong.is_err(), "not a timer that WhatsApp has");
    server.ask_contact_sync(ANA).await.expect("sync");
    ana.wait_for("a wish to sync", |event| {
        matches!(event, Event::ContactSyncRequested(_)).then_some(())
    })
    .await;
    eventually("all is acknowledged", || async {
        queued(&server, ANA).await == 0
    })
    .await;
    let (third, linked) = paired(&server, ANA, "Ana").await;
    // The list of devices came with the link: the next message goes to all.
    let sent = third.send(ANA, "note").await;
    for client in [&ana, &other] {
        client.texts(1, |text| text == "note").await;
    }
    assert!(!sent.is_empty() && linked.jid.contains(":3@"));
    settled(&server).await;
    for client in [ana, other, third] {
        client.stop().await;
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dirty_marks_stay_until_they_are_cleaned() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let marks = |client: &TestClient| {
        client.collect(|event| match event {
            Event::DirtyState(state) => Some(state.dirty_type.as_str().to_owned()),
            _ => None,
        })
    };
    eventually("the marks of a new device", || async {
        marks(&ana) == ["account_sync", "groups"]
    })
    .await;
    let saved = leave(ana, &server, ANA).await;
    server
        .mark_dirty(ANA, "newsletter_metadata")
        .await
        .expect("mark");
    let ana = TestClient::start(&server, saved).await;
    eventually("the new mark alone", || async {
        marks(&ana) == ["newsletter_metadata"]
    })
    .await;
    ana.connected(1).await;
    // The client connects where it was told to, and cleans what it was told of.
    let saved = leave(ana, &server, ANA).await;
    let ana = TestClient::start(&server, saved).await;
    ana.connected(1).await;
    assert!(marks(&ana).is_empty());
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}
