//! Groups: who is in them, who reads what, and what everyone is told.

use std::collections::BTreeSet;

use crate::common::{PATIENCE, TestClient, eventually, paired, server};
use crate::messages::settled;
use fake_whatsapp::{Addressing, FakeWhatsApp, GroupOrder, GroupPlan, Options, Role, Watched};
use serde_json::{Value, json};
use wacore::iq::groups::{
    GroupCreateOptions, GroupDescription, GroupParticipantOptions, GroupSubject, JoinGroupResult,
};
use wacore::stanza::groups::GroupNotificationAction;
use wacore::types::events::Event;
use wacore::types::jid::{JidExt as _, make_sender_key_name};
use wacore::types::presence::ReceiptType;
use whatsapp_rust::features::PreviousDescription;
use whatsapp_rust::{Jid, NodeBuilder, NodeFilter};

const ANA: &str = "5511999990001";
const BIA: &str = "5511999990002";
const DUDA: &str = "5511999990003";
const CAIO: &str = "5511888880001";
const EVA: &str = "5511888880002";

/// Waits for a change of a group that `matching` accepts.
async fn told(
    client: &TestClient,
    what: &str,
    matching: impl Fn(&GroupNotificationAction) -> bool,
) {
    client
        .wait_for(what, |event| match event {
            Event::GroupUpdate(update) => matching(&update.action).then_some(()),
            _ => None,
        })
        .await;
}

/// A client makes a group with these people.
pub(crate) async fn created_by(client: &TestClient, members: &[&str]) -> Jid {
    let members = members
        .iter()
        .map(|phone| GroupParticipantOptions::from_phone(Jid::pn(*phone)))
        .collect();
    let options = GroupCreateOptions::new("The group").with_participants(members);
    let created = client.client.groups().create_group(options).await;
    created.expect("create").metadata.id
}

/// A simulated phone makes a group with these people.
pub(crate) async fn created_on_phone(
    server: &FakeWhatsApp,
    creator: &str,
    members: &[&str],
) -> Jid {
    created_with(server, creator, members, Addressing::Lid).await
}

async fn created_with(
    server: &FakeWhatsApp,
    creator: &str,
    members: &[&str],
    addressing: Addressing,
) -> Jid {
    let plan = GroupPlan {
        creator: creator.to_owned(),
        subject: "The group".to_owned(),
        members: members.iter().map(|phone| (*phone).to_owned()).collect(),
        addressing,
    };
    let reply = server.create_group(plan).await.expect("create");
    assert!(reply.failed.is_empty(), "{:?}", reply.failed);
    reply.group.expect("group").id.parse().expect("jid")
}

pub(crate) async fn phone_has(server: &FakeWhatsApp, phone: &str, text: &str) {
    eventually(&format!("{phone} has {text:?}"), || async {
        let inbox = server.inbox(phone).await.expect("inbox");
        inbox.iter().any(|item| item.text == text)
    })
    .await;
}

pub(crate) async fn reads(client: &TestClient, text: &str) {
    client.texts(1, |known| known == text).await;
}

pub(crate) async fn contacts(server: &FakeWhatsApp, phones: &[&str]) {
    for phone in phones {
        server
            .add_contact(phone, "Contact", false)
            .await
            .expect("contact");
    }
}

fn phones(list: &[&str]) -> Vec<String> {
    list.iter().map(|phone| (*phone).to_owned()).collect()
}

/// Chains of sender keys that an account used, in order of first use.
async fn chains(server: &FakeWhatsApp, phone: &str) -> BTreeSet<u64> {
    let used = server.seen(Some(phone), Some("sender-key"), 0).await.items;
    used.iter()
        .filter_map(|item| item.details["chain"].as_u64())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_makes_a_group_and_all_read_all() {
    let server = server().await;
    contacts(&server, &[CAIO]).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    let group = created_by(&ana, &[BIA, CAIO]).await;
    for client in [&ana, &bia] {
        told(client, "create", |action| {
            matches!(action, GroupNotificationAction::Create { .. })
        })
        .await;
    }
    let id = ana.send_to(&group, "from Ana").await;
    reads(&bia, "from Ana").await;
    bia.send_to(&group, "from Bia").await;
    reads(&ana, "from Bia").await;
    server
        .send_from_phone(CAIO, &group.to_string(), "from Caio", None)
        .await
        .expect("send");
    for client in [&ana, &bia] {
        reads(client, "from Caio").await;
    }
    for phone in [ANA, BIA, CAIO] {
        for text in ["from Ana", "from Bia", "from Caio"] {
            phone_has(&server, phone, text).await;
        }
    }
    // The clients know exactly the devices that the server knows.
    let mismatches = server.seen(None, Some("phash-mismatch"), 0).await.items;
    assert!(mismatches.is_empty(), "{mismatches:?}");
    let inbox = server.inbox(CAIO).await.expect("inbox");
    let item = inbox.iter().find(|item| item.id == id).expect("item");
    assert_eq!(item.chat, group.to_string());
    assert_eq!(item.participant.as_deref(), Some(ANA));
    assert_eq!((item.from.as_str(), item.from_me), (ANA, false));
    settled(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_with_phone_numbers_work_too() {
    let server = server().await;
    contacts(&server, &[CAIO]).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    let group = created_with(&server, CAIO, &[ANA, BIA], Addressing::Pn).await;
    ana.send_to(&group, "from Ana").await;
    reads(&bia, "from Ana").await;
    bia.send_to(&group, "from Bia").await;
    reads(&ana, "from Bia").await;
    server
        .send_from_phone(CAIO, &group.to_string(), "from Caio", None)
        .await
        .expect("send");
    reads(&ana, "from Caio").await;
    reads(&bia, "from Caio").await;
    phone_has(&server, CAIO, "from Bia").await;
    settled(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_says_who_is_who() {
    let server = server().await;
    contacts(&server, &[CAIO, EVA]).await;
    let (ana, of_ana) = paired(&server, ANA, "Ana").await;
    let group = created_by(&ana, &[CAIO]).await;
    let groups = ana.client.groups();
    let meta = groups.get_metadata(&group).await.expect("metadata");
    assert_eq!(meta.subject, "The group");
    assert_eq!(meta.participants.len(), 2);
    let me = meta
        .participants
        .iter()
        .find(|member| member.phone_number == Some(Jid::pn(ANA)))
        .expect("me");
    assert!(me.is_super_admin());
    let lid = of_ana.lid.split([':', '@']).next().expect("user");
    assert_eq!(me.jid, Jid::lid(lid));
    let all = groups.get_participating().await.expect("list");
    assert_eq!(all.len(), 1);
    assert_eq!(all[&group].participants.len(), 2);
    let other = created_on_phone(&server, EVA, &[CAIO]).await;
    let refused = groups.get_metadata(&other).await.expect_err("no member");
    assert!(refused.to_string().contains("403"), "{refused}");
    let nowhere = Jid::group("120363000000000000");
    let refused = groups.get_metadata(&nowhere).await.expect_err("no group");
    assert!(refused.to_string().contains("404"), "{refused}");
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_change_what_the_group_is_called_unless_it_is_locked() {
    let server = server().await;
    contacts(&server, &[CAIO]).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    let group = created_by(&ana, &[BIA, CAIO]).await;
    let subject = |text: &str| GroupSubject::new(text).expect("subject");
    let description = |text: &str| Some(GroupDescription::new(text).expect("description"));
    let of_bia = bia.client.groups();
    of_bia
        .set_subject(&group, subject("Renamed"))
        .await
        .expect("subject");
    told(
        &ana,
        "subject",
        |action| matches!(action, GroupNotificationAction::Subject { subject, .. } if subject == "Renamed"),
    )
    .await;
    of_bia
        .set_description(&group, description("one"), PreviousDescription::Absent)
        .await
        .expect("description");
    let stale = of_bia
        .set_description(&group, description("two"), PreviousDescription::Absent)
        .await;
    assert!(stale.is_err(), "the description had changed");
    of_bia
        .set_description(&group, description("two"), PreviousDescription::Resolve)
        .await
        .expect("description");
    told(
        &ana,
        "description",
        |action| matches!(action, GroupNotificationAction::Description { description, .. } if description.as_deref() == Some("two")),
    )
    .await;
    let of_ana = ana.client.groups();
    of_ana.set_locked(&group, true).await.expect("lock");
    let refused = of_bia.set_subject(&group, subject("Again")).await;
    assert!(refused.expect_err("locked").to_string().contains("401"));
    let refused = of_bia.set_locked(&group, false).await;
    assert!(refused.expect_err("no admin").to_string().contains("401"));
    of_ana
        .promote_participants(&group, &[Jid::pn(BIA)])
        .await
        .expect("promote");
    of_bia
        .set_subject(&group, subject("Again"))
        .await
        .expect("an admin may");
    let info = &server.groups().await[0];
    assert_eq!(info.subject, "Again");
    assert_eq!(info.description.as_deref(), Some("two"));
    assert_eq!((info.locked, info.members[BIA]), (true, Role::Admin));
    settled(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_admins_write_to_an_announcement_group() {
    let server = server().await;
    contacts(&server, &[CAIO]).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    let group = created_by(&ana, &[BIA, CAIO]).await;
    ana.client
        .groups()
        .set_announce(&group, true)
        .await
        .expect("announce");
    told(&bia, "announce", |action| {
        matches!(action, GroupNotificationAction::Announce)
    })
    .await;
    let id = bia.send_to(&group, "not heard").await;
    bia.wait_for("a refusal", |event| match event {
        Event::ServerAck(ack) if ack.id == id => Some(format!("{ack:?}")),
        _ => None,
    })
    .await;
    let refused = server
        .send_from_phone(CAIO, &group.to_string(), "not heard", None)
        .await;
    assert!(refused.is_err());
    ana.send_to(&group, "heard").await;
    reads(&bia, "heard").await;
    phone_has(&server, CAIO, "heard").await;
    let inbox = server.inbox(CAIO).await.expect("inbox");
    assert!(inbox.iter().all(|item| item.text != "not heard"));
    settled(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_reads_nothing_more() {
    let server = server().await;
    contacts(&server, &[CAIO]).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    let group = created_by(&ana, &[BIA, CAIO]).await;
    let to = group.to_string();
    ana.send_to(&group, "before").await;
    reads(&bia, "before").await;
    server
        .send_from_phone(CAIO, &to, "before too", None)
        .await
        .expect("send");
    reads(&bia, "before too").await;
    let outcome = ana
        .client
        .groups()
        .remove_participants(&group, &[Jid::pn(BIA), Jid::pn(DUDA)])
        .await
        .expect("remove");
    assert!(outcome[0].is_ok());
    assert_eq!(outcome[1].error.as_deref(), Some("404"));
    told(&bia, "remove", |action| {
        matches!(action, GroupNotificationAction::Remove { .. })
    })
    .await;
    ana.send_to(&group, "after").await;
    server
        .send_from_phone(CAIO, &to, "after too", None)
        .await
        .expect("send");
    reads(&ana, "after too").await;
    phone_has(&server, CAIO, "after").await;
    // Whatever came after would have come before this.
    ana.send(BIA, "marker").await;
    reads(&bia, "marker").await;
    assert!(
        bia.all_texts()
            .iter()
            .all(|text| !text.starts_with("after"))
    );
    let held = server.inbox(BIA).await.expect("inbox");
    assert!(held.iter().all(|item| !item.text.starts_with("after")));
    assert_eq!(chains(&server, ANA).await.len(), 2, "the sender key is new");
    let refused = bia.client.groups().get_metadata(&group).await;
    assert!(refused.expect_err("no member").to_string().contains("403"));
    settled(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_added_reads_what_comes_then() {
    let server = server().await;
    contacts(&server, &[CAIO, EVA]).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    let group = created_by(&ana, &[CAIO]).await;
    let to = group.to_string();
    ana.send_to(&group, "before").await;
    phone_has(&server, CAIO, "before").await;
    let outcome = ana
        .client
        .groups()
        .add_participants(&group, &[Jid::pn(BIA), Jid::pn(CAIO), Jid::pn(DUDA)])
        .await
        .expect("add");
    let errors: Vec<_> = outcome.iter().map(|one| one.error.as_deref()).collect();
    assert_eq!(errors, [None, Some("409"), Some("404")]);
    server
        .change_group(
            ANA,
            &to,
            GroupOrder::Add {
                phones: phones(&[EVA]),
            },
        )
        .await
        .expect("add");
    for client in [&ana, &bia] {
        client
            .wait_count("both additions", 2, |event| match event {
                Event::GroupUpdate(update) => {
                    matches!(update.action, GroupNotificationAction::Add { .. }).then_some(())
                }
                _ => None,
            })
            .await;
    }
    ana.send_to(&group, "welcome").await;
    reads(&bia, "welcome").await;
    phone_has(&server, EVA, "welcome").await;
    bia.send_to(&group, "thanks").await;
    reads(&ana, "thanks").await;
    phone_has(&server, EVA, "thanks").await;
    server
        .send_from_phone(EVA, &to, "from Eva", None)
        .await
        .expect("send");
    reads(&bia, "from Eva").await;
    assert!(bia.all_texts().iter().all(|text| text != "before"));
    settled(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_goes_on_from_what_it_saved() {
    let server = server().await;
    contacts(&server, &[CAIO]).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    let group = created_on_phone(&server, CAIO, &[ANA, BIA]).await;
    let to = group.to_string();
    ana.send_to(&group, "one").await;
    reads(&bia, "one").await;
    let saved = bia.stop().await;
    ana.send_to(&group, "two").await;
    server
        .send_from_phone(CAIO, &to, "three", None)
        .await
        .expect("send");
    reads(&ana, "three").await;
    let saved_of_ana = ana.stop().await;
    eventually("gone", || async {
        server
            .devices()
            .await
            .iter()
            .all(|device| !device.connected)
    })
    .await;
    let bia = TestClient::start(&server, saved).await;
    bia.connected(1).await;
    reads(&bia, "two").await;
    reads(&bia, "three").await;
    let ana = TestClient::start(&server, saved_of_ana).await;
    ana.connected(1).await;
    ana.send_to(&group, "four").await;
    reads(&bia, "four").await;
    bia.send_to(&group, "five").await;
    reads(&ana, "five").await;
    phone_has(&server, CAIO, "five").await;
    settled(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_say_who_got_and_who_read() {
    let server = server().await;
    contacts(&server, &[CAIO]).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, of_bia) = paired(&server, BIA, "Bia").await;
    let group = created_by(&ana, &[BIA, CAIO]).await;
    let id = ana.send_to(&group, "read me").await;
    reads(&bia, "read me").await;
    let delivered = ana
        .wait_count("receipts of Bia and both phones", 3, |event| match event {
            Event::Receipt(receipt) if receipt.message_ids.contains(&id) => matches!(
                receipt.r#type,
                ReceiptType::Delivered | ReceiptType::Inactive
            )
            .then(|| receipt.source.sender.clone()),
            _ => None,
        })
        .await;
    let lid: Jid = of_bia.lid.parse().expect("lid");
    assert!(delivered.contains(&lid), "{delivered:?}");
    // A person reads it on a phone, and another one at a client.
    phone_has(&server, CAIO, "read me").await;
    let read = GroupOrder::Read {
        ids: vec![id.clone()],
    };
    server
        .change_group(CAIO, &group.to_string(), read)
        .await
        .expect("read");
    ana.wait_for("the phone's read receipt", |event| match event {
        Event::Receipt(receipt) if receipt.message_ids.contains(&id) => {
            let by_phone = receipt.source.sender_alt == Some(Jid::pn(CAIO));
            (receipt.r#type == ReceiptType::Read && by_phone).then_some(())
        }
        _ => None,
    })
    .await;
    let author = bia
        .wait_for("the author", |event| match event {
            Event::Messages(batch) => batch
                .messages
                .iter()
                .find(|message| message.info.id == id)
                .map(|message| message.info.source.sender.clone()),
            _ => None,
        })
        .await;
    bia.client
        .mark_as_read(&group, Some(&author), &[id.as_str()])
        .await
        .expect("read");
    ana.wait_for("a read receipt", |event| match event {
        Event::Receipt(receipt) if receipt.message_ids.contains(&id) => {
            (receipt.r#type == ReceiptType::Read && receipt.source.sender == lid).then_some(())
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
async fn links_let_people_in_once_admins_agree() {
    let server = server().await;
    contacts(&server, &[CAIO, EVA]).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    let group = created_by(&ana, &[CAIO]).await;
    let (of_ana, of_bia) = (ana.client.groups(), bia.client.groups());
    let first = of_ana.get_invite_link(&group, false).await.expect("link");
    let info = of_bia.get_invite_info(&first).await.expect("info");
    assert_eq!(info.subject, "The group");
    let second = of_ana.get_invite_link(&group, true).await.expect("reset");
    assert_ne!(first, second);
    let gone = of_bia.join_with_invite_code(&first).await;
    assert!(gone.expect_err("reset").to_string().contains("410"));
    of_ana
        .set_membership_approval(&group, wacore::iq::groups::MembershipApprovalMode::On)
        .await
        .expect("approval");
    let joined = of_bia.join_with_invite_code(&second).await.expect("join");
    assert_eq!(joined, JoinGroupResult::PendingApproval(group.clone()));
    told(&ana, "a request", |action| {
        matches!(
            action,
            GroupNotificationAction::CreatedMembershipRequests { .. }
        )
    })
    .await;
    let waiting = of_ana
        .get_membership_requests(&group)
        .await
        .expect("requests");
    assert_eq!(waiting.len(), 1);
    let answered = of_ana
        .approve_membership_requests(&group, &[waiting[0].jid.clone()])
        .await
        .expect("approve");
    assert!(answered[0].is_ok());
    told(&bia, "add", |action| {
        matches!(action, GroupNotificationAction::Add { .. })
    })
    .await;
    bia.send_to(&group, "I am in").await;
    reads(&ana, "I am in").await;
    phone_has(&server, CAIO, "I am in").await;
    let refused = of_bia.get_invite_link(&group, false).await;
    assert!(refused.expect_err("no admin").to_string().contains("401"));
    of_bia.leave(&group).await.expect("leave");
    told(&ana, "left", |action| {
        matches!(action, GroupNotificationAction::Remove { .. })
    })
    .await;
    assert!(!server.groups().await[0].members.contains_key(BIA));
    settled(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_admin_leaves_a_new_one_behind() {
    let server = server().await;
    contacts(&server, &[CAIO, EVA]).await;
    let group = created_on_phone(&server, CAIO, &[EVA]).await.to_string();
    let reply = server
        .change_group(CAIO, &group, GroupOrder::Leave)
        .await
        .expect("leave");
    assert_eq!(reply.group.expect("group").members[EVA], Role::Admin);
    let reply = server
        .change_group(EVA, &group, GroupOrder::Leave)
        .await
        .expect("leave");
    assert!(reply.group.is_none() && server.groups().await.is_empty());
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_sender_keys_outlive_the_server() {
    let dir = tempfile::tempdir().expect("dir");
    let start = async || {
        let options = Options {
            state_dir: Some(dir.path().to_owned()),
            ..Options::default()
        };
        Watched::start(options).await.expect("server")
    };
    let server = start().await;
    contacts(&server, &[CAIO]).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let group = created_by(&ana, &[CAIO]).await;
    let to = group.to_string();
    ana.send_to(&group, "one").await;
    phone_has(&server, CAIO, "one").await;
    server
        .send_from_phone(CAIO, &to, "two", None)
        .await
        .expect("send");
    reads(&ana, "two").await;
    let saved = ana.stop().await;
    server.shutdown().await;
    drop(server);
    let server = start().await;
    let ana = TestClient::start(&server, saved).await;
    ana.connected(1).await;
    ana.send_to(&group, "three").await;
    phone_has(&server, CAIO, "three").await;
    server
        .send_from_phone(CAIO, &to, "four", None)
        .await
        .expect("send");
    reads(&ana, "four").await;
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_lost_a_sender_key_asks_again() {
    let server = server().await;
    contacts(&server, &[CAIO]).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    let group = created_by(&ana, &[BIA, CAIO]).await;
    let to = group.to_string();
    ana.send_to(&group, "one").await;
    server
        .send_from_phone(CAIO, &to, "two", None)
        .await
        .expect("send");
    reads(&bia, "one").await;
    reads(&bia, "two").await;
    let meta = bia.client.groups().get_metadata(&group).await;
    let saved = bia.stop().await;
    for member in meta.expect("metadata").participants {
        let name = make_sender_key_name(&group, &member.jid.to_protocol_address());
        let stored = saved.0.delete_sender_key(name.cache_key()).await;
        stored.expect("delete");
    }
    let bia = TestClient::start(&server, saved).await;
    bia.connected(1).await;
    ana.send_to(&group, "lost by Ana").await;
    reads(&bia, "lost by Ana").await;
    server
        .send_from_phone(CAIO, &to, "lost by Caio", None)
        .await
        .expect("send");
    reads(&bia, "lost by Caio").await;
    let receipts = server.seen(Some(BIA), Some("receipt"), 0).await.items;
    let asked = receipts
        .iter()
        .filter(|item| item.details["type"] == "retry");
    assert!(asked.count() >= 2, "Bia had to ask both");
    ana.send_to(&group, "found").await;
    reads(&bia, "found").await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_lost_a_sender_key_asks_again() {
    let dir = tempfile::tempdir().expect("dir");
    let start = async || {
        let options = Options {
            state_dir: Some(dir.path().to_owned()),
            ..Options::default()
        };
        Watched::start(options).await.expect("server")
    };
    let server = start().await;
    contacts(&server, &[CAIO]).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let group = created_by(&ana, &[CAIO]).await;
    ana.send_to(&group, "one").await;
    phone_has(&server, CAIO, "one").await;
    let saved = ana.stop().await;
    server.shutdown().await;
    drop(server);
    let db = rusqlite::Connection::open(dir.path().join("fake-whatsapp.sqlite")).expect("db");
    let forgotten = db
        .execute(
            "DELETE FROM state WHERE bucket = 'sender-key' AND key LIKE ?1 || '/%'",
            [CAIO],
        )
        .expect("delete");
    assert!(forgotten > 0, "Caio's phone had a sender key");
    drop(db);
    let server = start().await;
    let ana = TestClient::start(&server, saved).await;
    ana.connected(1).await;
    ana.send_to(&group, "lost").await;
    phone_has(&server, CAIO, "lost").await;
    let lost = server.seen(Some(ANA), Some("message-undecryptable"), 0);
    assert!(!lost.await.items.is_empty(), "the phone had to ask");
    // From then on the phone has the key again.
    ana.send_to(&group, "found").await;
    phone_has(&server, CAIO, "found").await;
    let lost = server.seen(Some(ANA), Some("message-undecryptable"), 0);
    assert_eq!(lost.await.items.len(), 1);
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_with_an_old_list_of_devices_is_told() {
    let server = server().await;
    contacts(&server, &[CAIO]).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let group = created_by(&ana, &[CAIO]).await;
    ana.send_to(&group, "right").await;
    phone_has(&server, CAIO, "right").await;
    let acked = ana.client.wait_for_node(
        NodeFilter::tag("ack")
            .attr("class", "message")
            .attr("id", "OLDLIST"),
    );
    // A resend is a copy for one device: it may carry a hash, and needs no new sender key.
    let enc = NodeBuilder::new("enc")
        .attr("v", "2")
        .attr("type", "msg")
        .attr("count", "1")
        .bytes(vec![1, 2, 3])
        .build();
    let message = NodeBuilder::new("message")
        .attr("to", &group)
        .attr("id", "OLDLIST")
        .attr("type", "text")
        .attr("participant", Jid::pn(CAIO))
        .attr("addressing_mode", "lid")
        .attr("phash", "2:AAAAAAAA")
        .children([enc])
        .build();
    ana.client.send_node(message).await.expect("send");
    let ack = tokio::time::timeout(PATIENCE, acked).await;
    let ack = ack.expect("an ack").expect("an ack");
    let hash = ack.get().get_attr("phash").expect("a hash").as_str();
    assert!(hash.starts_with("2:") && hash != "2:AAAAAAAA", "{hash}");
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_use_groups_over_the_control_api() {
    let server = server().await;
    contacts(&server, &[CAIO, EVA]).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let http = reqwest::Client::new();
    let url = server.control_url();
    let post = async |path: &str, body: Value| {
        let answer = http.post(format!("{url}{path}")).json(&body).send();
        let answer = answer.await.expect("post");
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().await.expect("json"))
    };
    let plan = json!({"creator": CAIO, "subject": "By API", "members": [ANA, "5511000000000"]});
    let (status, made) = post("/api/groups", plan).await;
    assert_eq!(
        (status, &made["failed"]["5511000000000"]),
        (200, &json!(404))
    );
    let group = made["group"]["id"].as_str().expect("id").to_owned();
    let on = |action: &str| format!("/api/groups/{group}/{action}");
    let (status, added) = post(&on("add"), json!({"actor": CAIO, "phones": [EVA]})).await;
    assert_eq!(
        (status, &added["group"]["members"][EVA]),
        (200, &json!("member"))
    );
    let (status, refused) = post(&on("locked"), json!({"actor": EVA, "on": true})).await;
    assert_eq!(
        (status, &refused["error"]),
        (401, &json!("401 not-authorized"))
    );
    let (status, _) = post(&on("dance"), json!({"actor": EVA})).await;
    assert_eq!(status, 400);
    let send = format!("/api/contacts/{CAIO}/send");
    let message = json!({"kind": "location", "latitude": 1.5, "longitude": 2.5});
    let (status, sent) = post(&send, json!({"to": group, "message": message})).await;
    assert_eq!(status, 200);
    let id = sent["id"].as_str().expect("id").to_owned();
    let (status, _) = post(&send, json!({"to": group, "text": "plain"})).await;
    assert_eq!(status, 200);
    reads(&ana, "plain").await;
    let (status, _) = post(&send, json!({"to": group})).await;
    assert_eq!(status, 400);
    let inbox = format!("{url}/api/contacts/{EVA}/inbox");
    let inbox: Value = http
        .get(inbox)
        .send()
        .await
        .expect("get")
        .json()
        .await
        .expect("json");
    let item = &inbox[0];
    assert_eq!(
        (&item["id"], &item["kind"]),
        (&json!(id), &json!("location"))
    );
    assert_eq!(
        (&item["chat"], &item["from"]),
        (&json!(group), &json!(CAIO))
    );
    let listed: Value = http
        .get(format!("{url}/api/groups"))
        .send()
        .await
        .expect("get")
        .json()
        .await
        .expect("json");
    assert_eq!(listed[0]["subject"], "By API");
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}
