//! Every route of the original: it is there, or says as the original would that it is not.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::app::TestApp;

/// The original's routes of an instance (2.3.6): controller, method, and what stands between the
/// controller and the name. The chatbots have a test of their own, in `absent`.
const ROUTES: [(&str, Method, &[&str]); 38] = [
    (
        "baileys",
        Method::POST,
        &[
            "onWhatsapp",
            "profilePictureUrl",
            "assertSessions",
            "createParticipantNodes",
            "getUSyncDevices",
            "generateMessageTag",
            "sendNode",
            "signalRepositoryDecryptMessage",
            "getAuthState",
        ],
    ),
    ("chatwoot", Method::POST, &["set"]),
    ("chatwoot", Method::GET, &["find"]),
    ("kafka", Method::POST, &["set"]),
    ("kafka", Method::GET, &["find"]),
    ("nats", Method::POST, &["set"]),
    ("nats", Method::GET, &["find"]),
    ("pusher", Method::POST, &["set"]),
    ("pusher", Method::GET, &["find"]),
    ("rabbitmq", Method::POST, &["set"]),
    ("rabbitmq", Method::GET, &["find"]),
    ("sqs", Method::POST, &["set"]),
    ("sqs", Method::GET, &["find"]),
    ("webhook", Method::POST, &["set"]),
    ("webhook", Method::GET, &["find"]),
    ("websocket", Method::POST, &["set"]),
    ("websocket", Method::GET, &["find"]),
    ("s3", Method::POST, &["getMedia", "getMediaUrl"]),
    ("business", Method::POST, &["getCatalog", "getCollections"]),
    ("call", Method::POST, &["offer"]),
    (
        "chat",
        Method::POST,
        &[
            "whatsappNumbers",
            "markMessageAsRead",
            "archiveChat",
            "markChatUnread",
            "fetchProfilePictureUrl",
            "getBase64FromMediaMessage",
            "updateMessage",
            "sendPresence",
            "updateBlockStatus",
            "findContacts",
            "findMessages",
            "findStatusMessage",
            "findChats",
            "fetchBusinessProfile",
            "fetchProfile",
            "updateProfileName",
            "updateProfileStatus",
            "updateProfilePicture",
            "updatePrivacySettings",
        ],
    ),
    (
        "chat",
        Method::DELETE,
        &["deleteMessageForEveryone", "removeProfilePicture"],
    ),
    (
        "chat",
        Method::GET,
        &["findChatByRemoteJid", "fetchPrivacySettings"],
    ),
    (
        "group",
        Method::POST,
        &[
            "create",
            "updateGroupSubject",
            "updateGroupPicture",
            "updateGroupDescription",
            "sendInvite",
            "revokeInviteCode",
            "updateParticipant",
            "updateSetting",
            "toggleEphemeral",
        ],
    ),
    (
        "group",
        Method::GET,
        &[
            "findGroupInfos",
            "fetchAllGroups",
            "participants",
            "inviteCode",
            "inviteInfo",
            "acceptInviteCode",
        ],
    ),
    ("group", Method::DELETE, &["leaveGroup"]),
    ("instance", Method::POST, &["restart", "setPresence"]),
    ("instance", Method::GET, &["connect", "connectionState"]),
    ("instance", Method::DELETE, &["logout", "delete"]),
    ("label", Method::GET, &["findLabels"]),
    ("label", Method::POST, &["handleLabel"]),
    ("proxy", Method::POST, &["set"]),
    ("proxy", Method::GET, &["find"]),
    (
        "message",
        Method::POST,
        &[
            "sendTemplate",
            "sendText",
            "sendMedia",
            "sendPtv",
            "sendWhatsAppAudio",
            "sendStatus",
            "sendSticker",
            "sendLocation",
            "sendContact",
            "sendReaction",
            "sendPoll",
            "sendList",
            "sendButtons",
        ],
    ),
    ("settings", Method::POST, &["set"]),
    ("settings", Method::GET, &["find"]),
    ("template", Method::POST, &["create"]),
    ("template", Method::GET, &["find"]),
];
/// What the original has behind no key, and Pombal has not.
const OPEN: [(Method, &str); 5] = [
    (Method::POST, "/webhook/evolution"),
    (Method::POST, "/chatwoot/webhook/b1"),
    (Method::GET, "/manager"),
    (Method::GET, "/manager/login"),
    (Method::GET, "/assets/index.js"),
];

fn all() -> impl Iterator<Item = (Method, String)> {
    ROUTES
        .into_iter()
        .flat_map(|(controller, method, actions)| {
            let path = move |action: &&str| (method.clone(), format!("/{controller}/{action}/"));
            actions.iter().map(path)
        })
}

#[tokio::test]
async fn every_route_wants_its_key_first() {
    let app = TestApp::start_alone().await;
    app.create("b1").await;
    let other = app.create("b2").await;
    for (method, path) in all() {
        // Nobody learns what exists.
        for name in ["b1", "ghost", "b1/", "%00"] {
            let path = format!("{path}{name}");
            let call = || app.call(method.clone(), &path);
            call().send().await.assert_unauthorized();
            call().key("wrong").send().await.assert_unauthorized();
            call().key(&other).send().await.assert_unauthorized();
        }
    }
}

#[tokio::test]
async fn every_route_is_there_or_says_that_it_is_not() {
    let app = TestApp::start_alone().await;
    let token = app.create("b1").await;
    let (mut there, mut missing) = (0, 0);
    for (method, path) in all() {
        // It would end the rest.
        if path == "/instance/delete/" {
            continue;
        }
        let query = "?groupJid=120363000000000000@g.us";
        let path = format!("{path}b1{query}");
        let call = app.call(method.clone(), &path).key(&token);
        let answer = call.json(&json!({})).await;
        let cannot = json!([format!("Cannot {method} {path}")]);
        if answer.body["response"]["message"] == cannot {
            answer.assert_error(404, "Not Found", &cannot);
            missing += 1;
        } else {
            let status = answer.status;
            assert_ne!(
                status,
                StatusCode::NOT_FOUND,
                "{method} {path}: {}",
                answer.body
            );
            assert_ne!(status, StatusCode::UNAUTHORIZED, "{method} {path}");
            there += 1;
        }
        let ghost = path.replace("b1", "ghost");
        let ghost = app.call(method, &ghost).global().send().await;
        let nobody = json!(["The \"ghost\" instance does not exist"]);
        ghost.assert_error(404, "Not Found", &nobody);
    }
    assert!(there > 30 && there + missing > 80, "{there} and {missing}");
}

/// In any case, as the routes that are there.
#[tokio::test]
async fn spelling_opens_nothing() {
    let app = TestApp::start_alone().await;
    app.create("b1").await;
    for path in [
        "/CHAT/findChats/b1",
        "/Group/create/b1/",
        "/label/handleLabel/b%31",
    ] {
        app.post(path).send().await.assert_unauthorized();
        let answer = app.post(path).global().send().await;
        answer.assert_error(404, "Not Found", &json!([format!("Cannot POST {path}")]));
    }
}

#[tokio::test]
async fn what_is_open_there_and_missing_here_is_no_route() {
    let app = TestApp::start_alone().await;
    app.create("b1").await;
    for (method, path) in OPEN {
        let answer = app.call(method.clone(), path).send().await;
        answer.assert_error(
            404,
            "Not Found",
            &json!([format!("Cannot {method} {path}")]),
        );
    }
}
