//! What is refused before Meta is asked, and what Meta refuses.

use std::time::Duration;

use axum::http::StatusCode;
use fake_graph::{Fault, GraphError, Route};
use serde_json::{Value, json};

use super::rig::Rig;

const TO: &str = "5511999990001";
const NOT_THERE: &str = "Method not available on WhatsApp Business API";

fn text() -> Value {
    json!({ "number": TO, "text": "oi" })
}

#[tokio::test]
async fn metas_refusal_is_the_callers_answer_and_no_event() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    for error in [
        GraphError::rate_limit(),
        GraphError::broken(),
        GraphError::new(400, 131_030, "Recipient phone number not in allowed list"),
        GraphError::new(401, 190, "Session has expired"),
    ] {
        let object = error.object_shown();
        rig.graph.fail(Route::Messages, Fault::Refuse(error));
        let answer = rig.post(&number, "/message/sendText/a", &text()).await;
        answer.assert_bad_request(&json!([object]));
        assert!(object["fbtrace_id"].is_string());
    }
    assert_eq!(rig.graph.sent("111"), [] as [Value; 0]);
    assert_eq!(rig.events().await, []);
}

#[tokio::test]
async fn a_send_whose_fate_is_unknown_is_not_sent_again() {
    let rig = Rig::start_with(|config| config.timeout = Duration::from_millis(300)).await;
    let number = rig.instance("a", "111").await;
    rig.graph.fail(Route::Messages, Fault::DoneAndHang);
    let answer = rig.post(&number, "/message/sendText/a", &text()).await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(answer.body["error"], "Gateway Timeout");
    assert_eq!(rig.graph.sent("111").len(), 1, "once, and no more");
    assert_eq!(rig.events().await, []);
    rig.graph.fail(Route::Messages, Fault::Page(502));
    let answer = rig.post(&number, "/message/sendText/a", &text()).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert_eq!(rig.graph.sent("111").len(), 1);
}

#[tokio::test]
async fn a_late_answer_is_an_answer() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let late = Fault::Late(Duration::from_millis(300));
    rig.graph.fail(Route::Messages, late);
    let answer = rig.post(&number, "/message/sendText/a", &text()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
}

#[tokio::test]
async fn nobody_is_there_to_ask() {
    // Nothing listens on the discard port of loopback here.
    let rig = Rig::start_with(|config| config.url = "http://127.0.0.1:9".parse().unwrap()).await;
    let number = rig.instance("a", "111").await;
    let answer = rig.post(&number, "/message/sendText/a", &text()).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{}", answer.body);
}

#[tokio::test]
async fn a_message_that_is_not_told_durably_is_no_success() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    rig.events.refuse(1);
    let answer = rig.post(&number, "/message/sendText/a", &text()).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    // It is not forgotten: it goes out before what comes next.
    rig.post(&number, "/message/sendText/a", &text()).await;
    assert_eq!(rig.of("send.message").await.len(), 2);
}

#[tokio::test]
async fn a_foreign_token_opens_no_number() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    // As if Meta had withdrawn it.
    let body = json!({
        "instanceName": "b", "integration": "WHATSAPP-BUSINESS",
        "token": "EAAG-unknown", "number": "333",
    });
    rig.app.post("/instance/create").global().json(&body).await;
    let send = rig.app.post("/message/sendText/b").key("EAAG-unknown");
    let answer = send.json(&text()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.body["response"]["message"][0]["code"], 190);
    assert!(!answer.body.to_string().contains("EAAG"));
    drop(number);
}

#[tokio::test]
async fn what_the_schema_does_not_take_never_reaches_meta() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let bad = |mut body: Value| {
        if body["number"].is_null() {
            body["number"] = json!(TO);
        }
        body
    };
    for (route, body, message) in [
        (
            "sendText",
            bad(json!({ "text": " " })),
            json!(["Text is required"]),
        ),
        (
            "sendText",
            json!({ "text": "x" }),
            json!([["instance requires property \"number\""]]),
        ),
        (
            "sendText",
            bad(json!({ "number": "120363021033254949@g.us", "text": "x" })),
            json!([NOT_THERE]),
        ),
        (
            "sendText",
            bad(json!({ "text": "x", "linkPreview": "maybe" })),
            json!([["linkPreview is not of a type(s) boolean"]]),
        ),
        (
            "sendTemplate",
            bad(json!({ "name": "hello_world", "language": {} })),
            json!([["language requires property \"code\""]]),
        ),
        (
            "sendTemplate",
            bad(json!({ "name": "hello_world", "language": { "code": 7 } })),
            json!([["language.code is not of a type(s) string"]]),
        ),
        (
            "sendMedia",
            bad(json!({ "mediatype": "image" })),
            json!(["Owned media must be a url or base64"]),
        ),
        (
            "sendMedia",
            bad(json!({ "mediatype": "gif", "media": "aGk=" })),
            json!([["mediatype is not one of enum values: image,document,video,audio"]]),
        ),
        (
            "sendMedia",
            bad(json!({ "mediatype": "document", "media": "aGk=" })),
            json!(["For base64 the file name must be informed."]),
        ),
        (
            "sendWhatsAppAudio",
            bad(json!({})),
            json!(["Owned media must be a url, base64, or valid file with buffer"]),
        ),
        (
            "sendLocation",
            bad(json!({ "latitude": "x", "longitude": 1, "name": "n" })),
            json!([[
                "latitude is not of a type(s) number",
                "instance requires property \"address\""
            ]]),
        ),
        (
            "sendContact",
            bad(json!({ "contact": [] })),
            json!([["contact does not meet minimum length of 1"]]),
        ),
        (
            "sendContact",
            bad(json!({ "contact": [{ "fullName": "A", "phoneNumber": "123" }] })),
            json!([["contact[0].phoneNumber does not meet minimum length of 10"]]),
        ),
        (
            "sendButtons",
            bad(json!({ "buttons": [] })),
            json!(["At least one button is required"]),
        ),
        (
            "sendButtons",
            bad(json!({ "title": "t" })),
            json!(["At least one button is required"]),
        ),
        (
            "sendList",
            bad(
                json!({ "title": "t", "footerText": "f", "buttonText": "b", "sections": [{ "title": "s", "rows": [{}] }] }),
            ),
            json!([[
                "sections[0].rows[0] requires property \"title\"",
                "sections[0].rows[0] requires property \"rowId\""
            ]]),
        ),
        (
            "sendReaction",
            json!({ "key": { "id": "w", "remoteJid": TO, "fromMe": false }, "reaction": "ok" }),
            json!(["Reaction must be a single emoji or empty string"]),
        ),
        (
            "sendTemplate",
            bad(json!({ "name": "x" })),
            json!([["instance requires property \"language\""]]),
        ),
        ("sendPoll", bad(json!({})), json!([NOT_THERE])),
        ("sendSticker", bad(json!({})), json!([NOT_THERE])),
        ("sendStatus", bad(json!({})), json!([NOT_THERE])),
        ("sendPtv", bad(json!({})), json!([NOT_THERE])),
    ] {
        let answer = rig
            .post(&number, &format!("/message/{route}/a"), &body)
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{route} {body}");
        assert_eq!(
            answer.body["response"]["message"], message,
            "{route} {body}"
        );
    }
    assert_eq!(rig.graph.sent("111"), [] as [Value; 0]);
}

#[tokio::test]
async fn linked_devices_send_texts_only_so_far() {
    let rig = Rig::start().await;
    let token = rig.app.create("device").await;
    for route in ["sendMedia", "sendLocation", "sendPoll"] {
        let path = format!("/message/{route}/device");
        let answer = rig.app.post(&path).key(&token).json(&json!({})).await;
        let text = format!("{route} is not available for WHATSAPP-BAILEYS instances yet");
        answer.assert_bad_request(&json!([text]));
    }
    let template = rig.app.post("/message/sendTemplate/device").key(&token);
    let text = json!(["Method not available in the Baileys service"]);
    template.json(&json!({})).await.assert_bad_request(&text);
}
