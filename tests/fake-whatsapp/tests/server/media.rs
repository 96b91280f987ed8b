//! The media host, with real clients: TLS, encryption, tokens and their ends.

use std::io::Write as _;
use std::net::TcpStream;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use buffa::MessageField;
use fake_whatsapp::{Config, FakeWhatsApp, Media, MediaKind, Options};
use serde_json::{Value, json};
use wacore::download::MediaType;
use wacore::types::events::Event;
use whatsapp_rust::Jid;
use whatsapp_rust::upload::{UploadOptions, UploadResponse};
use whatsapp_rust::waproto::whatsapp as wa;

use crate::common::{TestClient, eventually, paired, server, server_with};

const ANA: &str = "5511999990001";
const BIA: &str = "5511999990002";
const CONTACT: &str = "5511888880001";

fn picture(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|n| (n % 251) as u8).collect()
}

fn image_message(uploaded: UploadResponse, caption: &str) -> wa::Message {
    wa::Message {
        image_message: MessageField::some(wa::message::ImageMessage {
            url: Some(uploaded.url),
            direct_path: Some(uploaded.direct_path),
            media_key: Some(uploaded.media_key.to_vec()),
            file_sha256: Some(uploaded.file_sha256.to_vec()),
            file_enc_sha256: Some(uploaded.file_enc_sha256.to_vec()),
            file_length: Some(uploaded.file_length),
            mimetype: Some("image/jpeg".to_owned()),
            caption: Some(caption.to_owned()),
            ..Default::default()
        }),
        ..Default::default()
    }
}

async fn upload(client: &TestClient, bytes: Vec<u8>, options: UploadOptions) -> UploadResponse {
    let uploaded = client.client.upload(bytes, MediaType::Image, options).await;
    uploaded.expect("upload")
}

async fn image(client: &TestClient, caption: &str) -> wa::message::ImageMessage {
    let wanted = |message: &wa::Message| {
        let image = message.image_message.as_option()?;
        (image.caption.as_deref() == Some(caption)).then(|| image.clone())
    };
    client
        .wait_for(caption, |event| match event {
            Event::Messages(batch) => batch
                .messages
                .iter()
                .find_map(|inbound| wanted(&inbound.message)),
            _ => None,
        })
        .await
}

async fn kinds(server: &FakeWhatsApp, kind: &str) -> usize {
    server.seen(None, Some(kind), 0).await.items.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_from_client_to_client_and_to_phones() {
    let server = server().await;
    server
        .add_contact(CONTACT, "Caio", false)
        .await
        .expect("contact");
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    let bytes = picture(100_000);
    let uploaded = upload(&ana, bytes.clone(), UploadOptions::new()).await;
    assert!(
        uploaded
            .url
            .starts_with(&format!("https://{}/", server.media_addr()))
    );
    let message = image_message(uploaded, "for Bia");
    let sent = ana
        .client
        .send_message(&Jid::pn(BIA), message.clone())
        .await;
    let id = sent.expect("send").message_id;

    let got = image(&bia, "for Bia").await;
    assert_eq!(bia.client.download(&got).await.expect("download"), bytes);
    eventually("Bia's phone has the file", || async {
        server
            .file(BIA, &id)
            .await
            .is_ok_and(|(_, kept)| kept == bytes)
    })
    .await;
    // The sender's phone has it from its own copy.
    let (about, kept) = server.file(ANA, &id).await.expect("own copy");
    assert_eq!((about.kind, kept), (MediaKind::Image, bytes));
    assert_eq!(about.caption.as_deref(), Some("for Bia"));

    let path = format!("{}/api/contacts/{CONTACT}/send-media", server.control_url());
    let note = picture(5_000);
    let body = json!({
        "to": ANA, "kind": "image", "mimetype": "image/png", "caption": "from a phone",
        "base64": BASE64_STANDARD.encode(&note), "id": "PHOTO1",
    });
    let http = reqwest::Client::new();
    let answer = http.post(path).json(&body).send().await.expect("post");
    assert_eq!(
        answer.json::<Value>().await.expect("json"),
        json!({"id": "PHOTO1"})
    );
    let got = image(&ana, "from a phone").await;
    assert_eq!(ana.client.download(&got).await.expect("download"), note);
    let path = format!("{}/api/contacts/{ANA}/media/PHOTO1", server.control_url());
    let kept = http.get(path).send().await.expect("get");
    assert_eq!(kept.headers()["content-type"], "image/png");
    assert_eq!(kept.bytes().await.expect("bytes"), note);
    assert_eq!(kinds(&server, "iq-unhandled").await, 0);
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_file_opens() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    server
        .add_contact(CONTACT, "Caio", false)
        .await
        .expect("contact");
    for kind in [
        MediaKind::Video,
        MediaKind::Audio,
        MediaKind::Voice,
        MediaKind::Document,
        MediaKind::Sticker,
    ] {
        let media = Media {
            kind,
            mimetype: "application/x-test".to_owned(),
            caption: None,
            file_name: Some("a.bin".to_owned()),
            bytes: picture(70_000),
        };
        let id = format!("FILE-{kind:?}");
        server
            .send_media_from_phone(CONTACT, ANA, &media, Some(&id))
            .await
            .expect("send");
        let message = ana
            .wait_for(&id, |event| match event {
                Event::Messages(batch) => batch
                    .messages
                    .iter()
                    .find(|inbound| inbound.info.id == id)
                    .map(|inbound| (*inbound.message).clone()),
                _ => None,
            })
            .await;
        let downloaded = match kind {
            MediaKind::Video => ana.client.download(&*message.video_message).await,
            MediaKind::Document => ana.client.download(&*message.document_message).await,
            MediaKind::Sticker => ana.client.download(&*message.sticker_message).await,
            _ => ana.client.download(&*message.audio_message).await,
        };
        assert_eq!(downloaded.expect("download"), media.bytes, "{kind:?}");
        assert_eq!(server.file(ANA, &id).await.expect("phone").0.kind, kind);
    }
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_end_and_clients_ask_for_another() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let first = upload(&ana, picture(10), UploadOptions::new()).await;
    server.expire_media_auth().await;
    upload(&ana, picture(20), UploadOptions::new()).await;
    assert_eq!(kinds(&server, "media-refused").await, 1);
    assert_eq!(kinds(&server, "media-upload").await, 2);
    let message = image_message(first, "");
    server.expire_media_auth().await;
    let downloaded = ana.client.download(&*message.image_message).await;
    assert_eq!(downloaded.expect("download"), picture(10));
    assert_eq!(kinds(&server, "media-refused").await, 2);

    let path = message.image_message.direct_path.clone().expect("path");
    server.forget_media(&path).await.expect("forget");
    let gone = ana.client.download(&*message.image_message).await;
    assert!(gone.is_err(), "the file is gone");
    let gone = server.seen(None, Some("media-refused"), 0).await.items;
    assert_eq!(gone.last().expect("refusal").details["status"], 410);

    let config = Config {
        media_auth_ttl_secs: 1,
        ..Config::default()
    };
    server.set_config(config).await;
    let conn = ana.client.refresh_media_conn(true).await.expect("conn");
    assert_eq!(conn.auth_ttl, Some(1));
    let http = reqwest::Client::new();
    let url = format!("{}/mms/image/x", server.media_url());
    let query = [("auth", conn.auth.as_str()), ("token", "y")];
    eventually("the token's time is over", || async {
        let answer = http.post(&url).query(&query).send().await.expect("post");
        answer.status() == 403
    })
    .await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_broke_off_go_on() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    // Clients ask for the progress of files of five mebibytes and more.
    let bytes = picture(6 << 20);
    let key = [9; 32];
    let encrypted = wacore::upload::encrypt_media_with_key(&bytes, MediaType::Image, Some(&key));
    let encrypted = encrypted.expect("encrypt");
    let token = BASE64_URL_SAFE_NO_PAD.encode(encrypted.file_enc_sha256);
    let auth = ana
        .client
        .refresh_media_conn(true)
        .await
        .expect("conn")
        .auth;
    let mut socket = TcpStream::connect(server.media_addr()).expect("connect");
    let head = format!(
        "POST /mms/image/{token}?auth={auth}&token={token} HTTP/1.1\r\nhost: a\r\n\
         content-length: {}\r\n\r\n",
        encrypted.data_to_upload.len()
    );
    socket.write_all(head.as_bytes()).expect("head");
    let half = &encrypted.data_to_upload[..2 << 20];
    socket.write_all(half).expect("half");
    drop(socket);
    let http = reqwest::Client::new();
    let progress = format!("{}/mms/image/{token}", server.media_url());
    let query = [("auth", auth.as_str()), ("token", &token), ("resume", "1")];
    let wanted = json!({"resume": half.len().to_string()});
    eventually("the half is there", || async {
        let answer = http.post(&progress).query(&query).send().await;
        answer.expect("post").json::<Value>().await.expect("json") == wanted
    })
    .await;
    let options = || UploadOptions::new().with_media_key(key);
    let uploaded = upload(&ana, bytes.clone(), options()).await;
    let uploads = server.seen(None, Some("media-upload"), 0).await.items;
    assert_eq!(uploads.len(), 1);
    assert_eq!(uploads[0].details["offset"], half.len());
    // What is whole is not sent again.
    upload(&ana, bytes.clone(), options()).await;
    assert_eq!(kinds(&server, "media-upload").await, 1);
    let message = image_message(uploaded, "");
    let downloaded = ana.client.download(&*message.image_message).await;
    assert_eq!(downloaded.expect("download"), bytes);
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_whatsapp_would_not_take_is_refused() {
    let server = server().await;
    server.expects_violations(["media-hash", "media-form"]);
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let auth = ana
        .client
        .refresh_media_conn(true)
        .await
        .expect("conn")
        .auth;
    let http = reqwest::Client::new();
    let post = async |path: &str, query: &[(&str, &str)], body: Vec<u8>| {
        let request = http.post(format!("{}{path}", server.media_url()));
        let answer = request.query(query).body(body).send().await.expect("post");
        answer.status().as_u16()
    };
    let name = |body: &[u8]| {
        use sha2::Digest as _;
        BASE64_URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(body))
    };
    let whole = vec![1; 26];
    let token = name(&whole);
    let path = format!("/mms/image/{token}");
    assert_eq!(post(&path, &[("token", &token)], whole.clone()).await, 401);
    let forged = [("auth", "forged"), ("token", token.as_str())];
    assert_eq!(post(&path, &forged, whole.clone()).await, 403);
    let good = [("auth", auth.as_str()), ("token", token.as_str())];
    assert_eq!(post("/mms/virus/x", &good, whole.clone()).await, 404);
    assert_eq!(post("/mms/image/x", &good, whole.clone()).await, 400);
    assert_eq!(post(&path, &good, vec![2; 26]).await, 400);
    let short = vec![1; 25];
    let token = name(&short);
    let path = format!("/mms/image/{token}");
    let query = [("auth", auth.as_str()), ("token", token.as_str())];
    assert_eq!(post(&path, &query, short).await, 400);
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_notices_a_file_that_does_not_open() {
    let server = server().await;
    server.expects_violations(["media-unreadable"]);
    server
        .add_contact(CONTACT, "Caio", false)
        .await
        .expect("contact");
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let mut uploaded = upload(&ana, picture(50), UploadOptions::new()).await;
    uploaded.media_key[0] ^= 1;
    let message = image_message(uploaded, "wrong key");
    let sent = ana.client.send_message(&Jid::pn(CONTACT), message).await;
    let id = sent.expect("send").message_id;
    eventually("the phones noticed", || async {
        let violations = server.violations().await;
        violations.len() == 2 && violations.iter().all(|v| v.kind == "media-unreadable")
    })
    .await;
    assert!(server.file(CONTACT, &id).await.is_err());
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_there_after_a_restart() {
    let dir = tempfile::tempdir().expect("dir");
    let options = || Options {
        state_dir: Some(dir.path().to_owned()),
        ..Options::default()
    };
    let server = server_with(options()).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let uploaded = upload(&ana, picture(1_000), UploadOptions::new()).await;
    let message = image_message(uploaded, "note");
    let sent = ana
        .client
        .send_message(&Jid::pn(ANA), message.clone())
        .await;
    let id = sent.expect("send").message_id;
    eventually("the phone has it", || async {
        server.file(ANA, &id).await.is_ok()
    })
    .await;
    let saved = ana.stop().await;
    server.shutdown().await;
    drop(server);
    let server = server_with(options()).await;
    assert_eq!(server.file(ANA, &id).await.expect("file").1, picture(1_000));
    let ana = TestClient::start(&server, saved).await;
    ana.connected(1).await;
    let downloaded = ana.client.download(&*message.image_message).await;
    assert_eq!(downloaded.expect("download"), picture(1_000));
    ana.stop().await;
    server.shutdown().await;
}
