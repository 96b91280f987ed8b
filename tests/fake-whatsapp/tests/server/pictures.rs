//! Pictures and texts about accounts.

use fake_whatsapp::{FakeWhatsApp, Options};
use wacore::types::events::Event;
use whatsapp_rust::Jid;

use crate::common::{TestClient, all_answered, eventually, paired, server, server_with};

const ANA: &str = "5511999990001";
const BIA: &str = "5511999990002";

fn jpeg(last: u8) -> Vec<u8> {
    vec![0xff, 0xd8, 0xff, 0xe0, last]
}

/// Two companions whose accounts know each other.
async fn acquainted(server: &FakeWhatsApp) -> (TestClient, TestClient) {
    let (ana, _) = paired(server, ANA, "Ana").await;
    let (bia, _) = paired(server, BIA, "Bia").await;
    ana.send(BIA, "hello").await;
    bia.texts(1, |text| text == "hello").await;
    (ana, bia)
}

/// The picture of an account as `client` sees it.
async fn shown(client: &TestClient, phone: &str, preview: bool) -> Option<(String, Vec<u8>)> {
    let contacts = client.client.contacts();
    let picture = contacts.get_profile_picture(&Jid::pn(phone), preview).await;
    let picture = picture.expect("picture")?;
    let http = reqwest::Client::builder().danger_accept_invalid_certs(true);
    let http = http.build().expect("client");
    let answer = http.get(&picture.url).send().await.expect("get");
    assert_eq!(answer.status(), 200);
    Some((picture.id, answer.bytes().await.expect("bytes").to_vec()))
}

async fn update(client: &TestClient, phone: &str, removed: bool) -> Option<String> {
    client
        .wait_for("a picture update", |event| match event {
            Event::PictureUpdate(update)
                if update.jid == Jid::pn(phone) && update.removed == removed =>
            {
                Some(update.picture_id.clone())
            }
            _ => None,
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_set_shown_and_removed() {
    let server = server().await;
    let (ana, bia) = acquainted(&server).await;
    assert_eq!(shown(&bia, ANA, true).await, None);
    let profile = ana.client.profile();
    let set = profile.set_profile_picture(jpeg(1)).await.expect("set");
    assert_eq!(update(&bia, ANA, false).await, Some(set.id.clone()));
    let wanted = Some((set.id.clone(), jpeg(1)));
    assert_eq!(shown(&bia, ANA, true).await, wanted);
    assert_eq!(shown(&bia, ANA, false).await, wanted);
    assert_eq!(shown(&ana, ANA, false).await, wanted);
    let newer = server.set_picture(ANA, Some(&jpeg(2))).await.expect("set");
    assert_ne!(newer, Some(set.id));
    let (id, bytes) = shown(&bia, ANA, false).await.expect("picture");
    assert_eq!((Some(id), bytes), (newer, jpeg(2)));
    let refused = profile.set_profile_picture(b"text".to_vec()).await;
    assert!(refused.is_err(), "not an image");
    profile.remove_profile_picture().await.expect("remove");
    update(&bia, ANA, true).await;
    assert_eq!(shown(&bia, ANA, true).await, None);
    assert_eq!(shown(&bia, "5511777770000", true).await, None);
    all_answered(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_about_an_account_is_told_and_asked_for() {
    let server = server().await;
    let (ana, bia) = acquainted(&server).await;
    let profile = ana.client.profile();
    profile.set_status_text("On the road").await.expect("set");
    let seen = |wanted: &'static str| {
        move |event: &Event| match event {
            Event::UserAboutUpdate(update) => {
                (update.jid == Jid::pn(ANA) && update.status == wanted).then_some(())
            }
            _ => None,
        }
    };
    bia.wait_for("the text", seen("On the road")).await;
    let ask = async || {
        let contacts = bia.client.contacts();
        let info = contacts.get_user_info(&[Jid::pn(ANA)]).await;
        let info = info.expect("info").into_values().next().expect("Ana");
        info.status
    };
    assert_eq!(ask().await.as_deref(), Some("On the road"));
    server.set_about(ANA, "At home").await.expect("set");
    bia.wait_for("the newer text", seen("At home")).await;
    assert_eq!(ask().await.as_deref(), Some("At home"));
    let long = profile.set_status_text(&"x".repeat(140)).await;
    assert!(long.is_err(), "WhatsApp takes 139 characters");
    all_answered(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_are_there_after_a_restart() {
    let dir = tempfile::tempdir().expect("dir");
    let options = || Options {
        state_dir: Some(dir.path().to_owned()),
        ..Options::default()
    };
    let server = server_with(options()).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    server
        .add_contact(BIA, "Bia", false)
        .await
        .expect("contact");
    let id = server.set_picture(BIA, Some(&jpeg(3))).await.expect("set");
    server.set_about(BIA, "Busy").await.expect("set");
    let saved = ana.stop().await;
    server.shutdown().await;
    drop(server);
    let server = server_with(options()).await;
    let ana = TestClient::start(&server, saved).await;
    ana.connected(1).await;
    let (shown_id, bytes) = shown(&ana, BIA, false).await.expect("picture");
    assert_eq!((Some(shown_id), bytes), (id, jpeg(3)));
    eventually("the text", || async {
        let contacts = ana.client.contacts();
        let info = contacts.get_user_info(&[Jid::pn(BIA)]).await.expect("info");
        info.into_values()
            .any(|info| info.status.as_deref() == Some("Busy"))
    })
    .await;
    all_answered(&server).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_see_the_picture_of_a_group_and_its_rules_hold() {
    let server = server().await;
    let (ana, bia) = acquainted(&server).await;
    let group = crate::groups::created_by(&ana, &[BIA]).await;
    let set = bia
        .client
        .groups()
        .set_profile_picture(&group, jpeg(4))
        .await
        .expect("a member may");
    let update = ana
        .wait_for("the group's picture", |event| match event {
            Event::PictureUpdate(update) if update.jid == group => Some(update.clone()),
            _ => None,
        })
        .await;
    assert_eq!(update.picture_id.as_ref(), Some(&set.id));
    assert_eq!(update.author, Some(Jid::pn(BIA)));
    let contacts = ana.client.contacts();
    let picture = contacts.get_profile_picture(&group, false).await;
    assert_eq!(picture.expect("get").expect("picture").id, set.id);

    let locked = ana.client.groups().set_locked(&group, true).await;
    locked.expect("lock");
    let refused = bia.client.groups().remove_profile_picture(&group).await;
    assert!(refused.is_err(), "only admins change a locked group");
    let removed = ana.client.groups().remove_profile_picture(&group).await;
    removed.expect("an admin may");
    let (stranger, _) = paired(&server, "5511999990003", "Clara").await;
    let contacts = stranger.client.contacts();
    let hidden = contacts.get_profile_picture(&group, false).await;
    assert!(hidden.is_err(), "not a member");
    all_answered(&server).await;
    for client in [ana, bia, stranger] {
        client.stop().await;
    }
    server.shutdown().await;
}
