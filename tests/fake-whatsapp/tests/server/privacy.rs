//! Privacy settings, blocked people, and trusted-contact tokens.

use crate::common::{eventually, paired, server};
use crate::people::{ANA, BIA, CAIO, ask, contact, leave, lid, marker, said, settled};
use fake_whatsapp::ProfileChange;
use wacore::iq::privacy::{
    DisallowedListAction, DisallowedListUpdate, DisallowedListUserEntry, PrivacyCategory,
    PrivacyValue,
};
use wacore::types::events::Event;
use whatsapp_rust::{IqError, Jid, NodeBuilder};

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_kept_and_checked() {
    let server = server().await;
    contact(&server, CAIO, "Caio").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let client = &ana.client;
    let value = async |category: &PrivacyCategory| {
        let settings = client.fetch_privacy_settings().await.expect("settings");
        settings.get_value(category).cloned()
    };
    let last = PrivacyCategory::Last;
    assert_eq!(value(&last).await, Some(PrivacyValue::All));
    client
        .set_privacy_setting(last.clone(), PrivacyValue::Contacts)
        .await
        .expect("set");
    assert_eq!(value(&last).await, Some(PrivacyValue::Contacts));
    let wrong = NodeBuilder::new("category")
        .attr("name", "online")
        .attr("value", "contacts")
        .build();
    let wrong = NodeBuilder::new("privacy").children([wrong]).build();
    let refused = ask(&ana, "privacy", true, vec![wrong]).await;
    assert_eq!(refused.expect_err("not a value of this category"), 400);
    // "My contacts except": the list has a hash, and a stale one is refused.
    let info = client.contacts().is_on_whatsapp(&[Jid::pn(CAIO)]).await;
    let caio = info.expect("usync")[0].lid.clone().expect("LID");
    let update = |dhash: &str| DisallowedListUpdate {
        dhash: dhash.to_owned(),
        users: vec![DisallowedListUserEntry {
            action: DisallowedListAction::Add,
            jid: caio.clone(),
            pn_jid: Some(Jid::pn(CAIO)),
        }],
    };
    let set = client.set_privacy_disallowed_list(last.clone(), update("none"));
    let dhash = set.await.expect("list").dhash.expect("hash");
    let stale = client
        .set_privacy_disallowed_list(last.clone(), update("none"))
        .await;
    assert!(matches!(stale, Err(IqError::ServerError { code: 409, .. })));
    client
        .set_privacy_disallowed_list(last.clone(), update(&dhash))
        .await
        .expect("fresh");
    assert_eq!(value(&last).await, Some(PrivacyValue::ContactBlacklist));
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blocked_people_are_not_heard() {
    let server = server().await;
    contact(&server, CAIO, "Caio").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    let info = ana
        .client
        .contacts()
        .is_on_whatsapp(&[Jid::pn(BIA)])
        .await
        .expect("usync");
    assert!(info[0].is_registered);
    let bia_jid = Jid::pn(BIA);
    let blocking = ana.client.blocking();
    blocking.block(&bia_jid).await.expect("block");
    assert!(blocking.is_blocked(&bia_jid).await.expect("list"));
    bia.send(ANA, "let me in").await;
    server
        .send_from_phone(BIA, ANA, "hello?", None)
        .await
        .expect("send");
    marker(&server, CAIO, &ana, ANA).await;
    assert!(
        !ana.all_texts()
            .iter()
            .any(|text| !text.starts_with("marker"))
    );
    let inbox = server.inbox(ANA).await.expect("inbox");
    assert!(inbox.iter().all(|item| item.from != BIA), "{inbox:?}");
    blocking.unblock(&bia_jid).await.expect("unblock");
    assert!(!blocking.is_blocked(&bia_jid).await.expect("list"));
    bia.send(ANA, "at last").await;
    ana.texts(1, |text| text == "at last").await;
    // A number without its LID is refused, as is one that does not belong to the LID.
    let item = NodeBuilder::new("item")
        .attr("jid", Jid::pn(CAIO))
        .attr("action", "block")
        .build();
    let refused = ask(&ana, "blocklist", true, vec![item]).await;
    assert_eq!(refused.expect_err("number only"), 400);
    settled(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_block_list_has_a_hash_and_lids() {
    let server = server().await;
    contact(&server, CAIO, "Caio").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let hash = async || {
        let answer = ask(&ana, "blocklist", false, Vec::new())
            .await
            .expect("list");
        let list = answer.get_optional_child_by_tag(&["list"]).expect("list");
        let hash = list.attrs.get("dhash").expect("hash").as_str().into_owned();
        (hash, list.children().map_or(0, <[_]>::len))
    };
    let (empty, none) = hash().await;
    server.block(ANA, CAIO, true).await.expect("block");
    let (full, one) = hash().await;
    assert_eq!((none, one), (0, 1));
    assert_ne!(empty, full);
    let entries = ana.client.blocking().get_blocklist().await.expect("list");
    assert!(entries[0].jid.is_lid() && entries[0].timestamp.is_some());
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_what_contacts_may_see() {
    let server = server().await;
    let (ana, of_ana) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    let contacts_only = ProfileChange {
        privacy: vec![("last".into(), "contacts".into())],
        ..Default::default()
    };
    server
        .change_profile(ANA, contacts_only)
        .await
        .expect("privacy");
    said(&server, ANA, "available").await;
    said(&server, BIA, "available").await;
    // Tokens are kept by LID, so Bia has to know it when the token comes.
    let known = bia.client.contacts().is_on_whatsapp(&[Jid::pn(ANA)]).await;
    assert!(known.expect("usync")[0].lid.is_some());
    bia.client
        .presence()
        .subscribe(Jid::pn(ANA))
        .await
        .expect("subscribe");
    let heard = || {
        bia.collect(|event| match event {
            Event::Presence(presence) if presence.unavailable => Some(presence.last_seen.is_some()),
            _ => None,
        })
    };
    eventually("Ana is there", || async {
        !bia.collect(|event| matches!(event, Event::Presence(_)).then_some(()))
            .is_empty()
    })
    .await;
    ana.client.presence().set_unavailable().await.expect("away");
    eventually("Ana went", || async { heard() == [false] }).await;
    // Whoever writes first trusts: the client issues a token, and the other side subscribes
    // again with it.
    ana.send(BIA, "hello").await;
    let user = lid(&of_ana.lid).user;
    eventually("the token", || async {
        let token = bia.client.tc_token().get(&user).await.expect("store");
        token.is_some_and(|token| !token.token.is_empty())
    })
    .await;
    eventually("Ana is seen", || async { heard() == [false, true] }).await;
    let issued = server.seen(Some(ANA), Some("token-issued"), 0).await.items;
    assert_eq!(issued.len(), 1, "not with every message");
    leave(ana, &server, ANA).await;
    settled(&server).await;
    bia.stop().await;
    server.shutdown().await;
}
