//! No request of the client library goes without a real answer.

use crate::common::{eventually, paired, server};
use crate::people::{ANA, CAIO, contact, settled};
use wacore::iq::privacy::{PrivacyCategory, PrivacyValue};
use whatsapp_rust::{
    Jid, MediaRetryResult, MediaReuploadRequest, MexError, NewsletterError, SpamReportRequest,
};

#[tokio::test(flavor = "multi_thread")]
async fn account_requests_are_answered() {
    let server = server().await;
    contact(&server, CAIO, "Caio").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let client = &ana.client;
    let caio = Jid::pn(CAIO);
    client.fetch_props().await.expect("props");
    client.fetch_props().await.expect("props, known already");
    client.fetch_privacy_settings().await.expect("privacy");
    client
        .set_privacy_setting(PrivacyCategory::DefenseMode, PrivacyValue::OnStandard)
        .await
        .expect("privacy");
    client
        .set_default_disappearing_mode(0)
        .await
        .expect("timer");
    client.send_digest_key_bundle().await.expect("digest");
    client.refresh_pre_keys().await.expect("prekeys");
    client.ensure_pre_keys().await.expect("prekeys");
    client.blocking().get_blocklist().await.expect("blocklist");
    let none = client.get_business_profile(&caio).await.expect("profile");
    assert!(none.is_none());
    let lid = client
        .contacts()
        .is_on_whatsapp(std::slice::from_ref(&caio))
        .await;
    let lid = lid.expect("usync")[0].lid.clone().expect("LID");
    client.tc_token().issue_tokens(&[lid]).await.expect("token");
    let lock = client.mex().fetch_reachout_timelock().await;
    assert_eq!(lock.expect("lock").is_active, Some(false));
    let report = SpamReportRequest {
        message_id: "MESSAGE".into(),
        from_jid: Some(caio.clone()),
        ..Default::default()
    };
    client.send_spam_report(report).await.expect("report");
    client.set_passive(true).await.expect("passive");
    client.set_passive(false).await.expect("active");
    eventually("active again", || async {
        server.devices().await[0].connected
    })
    .await;
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_no_channels_and_clients_are_told() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let newsletter = ana.client.newsletter();
    assert!(newsletter.list_subscribed().await.expect("list").is_empty());
    let channel = Jid::newsletter("120363000000000001");
    let refused = |what: &str, error: Option<NewsletterError>| {
        let Some(error) = error else {
            panic!("{what} did what cannot be done");
        };
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            text = format!("{text}: {inner}");
            source = inner.source();
        }
        assert!(text.contains("40"), "{what}: {text}");
    };
    refused("metadata", newsletter.get_metadata(&channel).await.err());
    refused("create", newsletter.create("News", None).await.err());
    refused("join", newsletter.join(&channel).await.err());
    refused("leave", newsletter.leave(&channel).await.err());
    refused(
        "update",
        newsletter.update(&channel, Some("N"), None).await.err(),
    );
    refused(
        "mute",
        newsletter.set_follower_mute(&channel, true).await.err(),
    );
    refused(
        "invite",
        newsletter.get_metadata_by_invite("code").await.err(),
    );
    refused(
        "live updates",
        newsletter.subscribe_live_updates(&channel).await.err(),
    );
    refused(
        "messages",
        newsletter.get_messages(&channel, 5, None).await.err(),
    );
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_says_when_it_lost_a_medium() {
    let server = server().await;
    contact(&server, CAIO, "Caio").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let caio = Jid::pn(CAIO);
    let request = MediaReuploadRequest {
        msg_id: "LOST",
        chat_jid: &caio,
        media_key: &[7; 32],
        is_from_me: false,
        participant: None,
    };
    let answer = ana.client.media_reupload().request(&request).await;
    assert!(
        matches!(answer, Ok(MediaRetryResult::NotFound)),
        "{answer:?}"
    );
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_graph_queries_are_refused_inside_the_answer() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let request = whatsapp_rust::MexRequest::new("Unknown", "1", serde_json::json!({}));
    let refused = ana.client.mex().query(request).await;
    assert!(matches!(
        refused,
        Err(MexError::Request(_) | MexError::ExtensionError { .. })
    ));
    settled(&server).await;
    ana.stop().await;
    server.shutdown().await;
}
