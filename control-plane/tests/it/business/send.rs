//! Messages go out through the Graph API.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::rig::Rig;
use crate::app::Answer;

const TO: &str = "5511999990001";

/// What Meta has got, without what every message has.
fn content(sent: &Value) -> Value {
    assert_eq!(sent["messaging_product"], "whatsapp");
    assert_eq!(sent["recipient_type"], "individual");
    assert_eq!(sent["to"], TO);
    sent[sent["type"].as_str().unwrap()].clone()
}

#[track_caller]
fn created(answer: &Answer) -> &Value {
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    &answer.body
}

#[tokio::test]
async fn a_text_is_sent_answered_and_told() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let row = rig.app.stores.row("a").await;
    let body = json!({
        "number": TO, "text": "olá", "linkPreview": false,
        "quoted": { "key": { "id": "wamid.before" } },
    });
    let answer = rig.post(&number, "/message/sendText/a", &body).await;
    let mut shown = created(&answer).clone();
    let at = shown["messageTimestamp"].take();
    assert!(at.as_u64().unwrap() > 1_700_000_000);
    let id = shown["key"]["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("wamid."));
    assert_eq!(
        shown,
        json!({
            "key": { "remoteJid": format!("{TO}@s.whatsapp.net"), "fromMe": true, "id": id },
            "message": { "conversation": "olá" },
            "messageType": "conversation",
            "messageTimestamp": null,
            "instanceId": row.id,
            "status": "PENDING",
            "source": "unknown",
            "contextInfo": { "stanzaId": "wamid.before" },
        })
    );
    let sent = rig.graph.sent("111");
    assert_eq!(sent.len(), 1);
    assert_eq!(
        content(&sent[0]),
        json!({ "body": "olá", "preview_url": false })
    );
    assert_eq!(sent[0]["context"], json!({ "message_id": "wamid.before" }));
    let events = rig.events().await;
    assert_eq!(events[0].event.dotted(), "send.message");
    assert_eq!(events[0].data, answer.body);
    assert_eq!(events.len(), 1);
}

#[tokio::test]
async fn who_answers_is_who_meta_says() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let body = json!({ "number": "+55 31 98888-7777", "text": "oi" });
    let answer = rig.post(&number, "/message/sendText/a", &body).await;
    // Sent as it was dialled; shown under the id that answers will come from.
    assert_eq!(rig.graph.sent("111")[0]["to"], "5531988887777");
    let shown = created(&answer);
    assert_eq!(shown["key"]["remoteJid"], "553188887777@s.whatsapp.net");
}

#[tokio::test]
async fn media_go_by_address_or_are_uploaded() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let path = "/message/sendMedia/a";
    let link = json!({
        "number": TO, "mediatype": "image", "media": "https://a.test/x.png", "caption": "eis",
    });
    let answer = rig.post(&number, path, &link).await;
    let shown = &created(&answer)["message"]["imageMessage"];
    assert_eq!(shown["url"], "https://a.test/x.png");
    let file = json!({
        "number": TO, "mediatype": "document", "media": "JVBERi0=", "fileName": "a \"b\".pdf",
    });
    created(&rig.post(&number, path, &file).await);
    let voice = json!({ "number": TO, "audio": "data:audio/ogg;base64,T2dnUw==" });
    let answer = rig
        .post(&number, "/message/sendWhatsAppAudio/a", &voice)
        .await;
    assert_eq!(created(&answer)["messageType"], "audioMessage");
    let sent = rig.graph.sent("111");
    assert_eq!(
        content(&sent[0]),
        json!({ "link": "https://a.test/x.png", "caption": "eis" })
    );
    let document = content(&sent[1]);
    assert_eq!(document["filename"], "a \"b\".pdf");
    let uploaded = rig.graph.medium(document["id"].as_str().unwrap()).unwrap();
    assert_eq!(&uploaded.bytes[..], b"%PDF-");
    assert_eq!(uploaded.mime_type, "application/pdf");
    let audio = content(&sent[2]);
    let uploaded = rig.graph.medium(audio["id"].as_str().unwrap()).unwrap();
    assert_eq!(
        (uploaded.mime_type.as_str(), &uploaded.bytes[..]),
        ("audio/ogg", &b"OggS"[..])
    );
}

#[tokio::test]
async fn every_other_kind_is_sent_as_meta_wants_it() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let kinds = [
        (
            "sendLocation",
            json!({ "latitude": -23.5, "longitude": "-46.6", "name": "Sé", "address": "Praça" }),
            json!({ "latitude": -23.5, "longitude": -46.6, "name": "Sé", "address": "Praça" }),
            "locationMessage",
        ),
        (
            "sendContact",
            json!({ "contact": [{
                "fullName": "Ana Lima", "phoneNumber": "+55 11 99999-0002", "email": "a@a.test",
            }]}),
            json!([{
                "name": { "formatted_name": "Ana Lima", "first_name": "Ana" },
                "phones": [{ "phone": "+55 11 99999-0002", "wa_id": "5511999990002" }],
                "emails": [{ "email": "a@a.test" }],
            }]),
            "contactMessage",
        ),
        (
            "sendButtons",
            json!({ "title": "Ok?", "description": "Diga", "footer": "f", "buttons": [
                { "type": "reply", "displayText": "Sim", "id": "y" },
                { "type": "reply", "displayText": "Não", "id": "n" },
            ]}),
            json!({
                "type": "button",
                "header": { "type": "text", "text": "Ok?" },
                "body": { "text": "Diga" },
                "footer": { "text": "f" },
                "action": { "buttons": [
                    { "type": "reply", "reply": { "id": "y", "title": "Sim" } },
                    { "type": "reply", "reply": { "id": "n", "title": "Não" } },
                ]},
            }),
            "buttonsMessage",
        ),
        (
            "sendList",
            json!({
                "title": "Menu", "footerText": "f", "buttonText": "Abrir",
                "sections": [{ "title": "S", "rows": [{ "title": "R", "rowId": "1" }] }],
            }),
            json!({
                "type": "list",
                "body": { "text": "Menu" },
                "footer": { "text": "f" },
                "action": {
                    "button": "Abrir",
                    "sections": [{ "title": "S", "rows": [{ "id": "1", "title": "R" }] }],
                },
            }),
            "listMessage",
        ),
        (
            "sendTemplate",
            json!({ "name": "hello_world", "language": "pt_BR", "components": [] }),
            json!({ "name": "hello_world", "language": { "code": "pt_BR" }, "components": [] }),
            "templateMessage",
        ),
    ];
    for (n, (route, body, wanted, shown)) in kinds.into_iter().enumerate() {
        let mut body = body;
        body["number"] = json!(TO);
        let answer = rig
            .post(&number, &format!("/message/{route}/a"), &body)
            .await;
        assert_eq!(created(&answer)["messageType"], shown, "{route}");
        assert_eq!(content(&rig.graph.sent("111")[n]), wanted, "{route}");
    }
    let reaction = json!({
        "key": { "id": "wamid.9", "remoteJid": format!("{TO}@s.whatsapp.net"), "fromMe": false },
        "reaction": "👍",
    });
    created(
        &rig.post(&number, "/message/sendReaction/a", &reaction)
            .await,
    );
    assert_eq!(
        content(rig.graph.sent("111").last().unwrap()),
        json!({ "message_id": "wamid.9", "emoji": "👍" })
    );
    assert_eq!(rig.of("send.message").await.len(), 6);
}

#[tokio::test]
async fn who_names_a_webhook_for_a_message_hears_of_it() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let body = json!({
        "number": TO, "name": "hello_world", "language": "pt_BR",
        "webhookUrl": "https://crm.test/status",
    });
    let answer = rig.post(&number, "/message/sendTemplate/a", &body).await;
    let shown = created(&answer);
    assert_eq!(shown["webhookUrl"], "https://crm.test/status");
    let id = shown["key"]["id"].as_str().unwrap();
    let status = fake_graph::webhook::status(id, TO, "delivered");
    let change = fake_graph::webhook::statuses(&number, &[status]);
    rig.told(&fake_graph::webhook::of(&number, change)).await;
    let events = rig.events().await;
    let updates: Vec<_> = events
        .iter()
        .filter(|event| event.event.dotted() == "messages.update")
        .collect();
    let to: Vec<_> = updates
        .iter()
        .map(|event| event.only_to.as_deref())
        .collect();
    assert_eq!(to, [Some("https://crm.test/status"), None]);
    assert_eq!(updates[0].data, updates[1].data);
    // No address that a user may not name.
    let mut inside = body;
    inside["webhookUrl"] = json!("http://169.254.169.254/latest");
    let answer = rig.post(&number, "/message/sendTemplate/a", &inside).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_file_may_come_as_a_part_of_a_form_and_be_large() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let bytes = vec![b'x'; 3 * 1024 * 1024];
    let mut form = Vec::new();
    for (name, value) in [("number", TO), ("mediatype", "video"), ("caption", "eis")] {
        form.extend_from_slice(
            format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                .as_bytes(),
        );
    }
    form.extend_from_slice(
        b"--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.3gp\"\r\n\
          Content-Type: application/octet-stream\r\n\r\n",
    );
    form.extend_from_slice(&bytes);
    form.extend_from_slice(b"\r\n--cut--\r\n");
    let call = rig.app.post("/message/sendMedia/a").key(&number.token);
    let call = call.header("content-type", "multipart/form-data; boundary=cut");
    let answer = call.body(form).send().await;
    created(&answer);
    let sent = content(&rig.graph.sent("111")[0]);
    assert_eq!(sent["caption"], "eis");
    let uploaded = rig.graph.medium(sent["id"].as_str().unwrap()).unwrap();
    assert_eq!(uploaded.mime_type, "video/3gpp");
    assert_eq!(uploaded.bytes.len(), bytes.len());
    // In base64 too; and there is an end to it.
    let body = |media: String| json!({ "number": TO, "mediatype": "video", "media": media });
    let large = body("QUJD".repeat(512 * 1024));
    created(&rig.post(&number, "/message/sendMedia/a", &large).await);
    let beyond = body("QUJD".repeat(8 * 1024 * 1024));
    let answer = rig.post(&number, "/message/sendMedia/a", &beyond).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}
