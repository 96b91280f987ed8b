//! The binary is killed without warning, and goes on where it was.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::common::{Saved, TestClient, eventually, server_with};
use fake_whatsapp::Options;
use serde_json::{Value, json};

const ANA: &str = "5511999990001";
const CONTACT: &str = "5511888880001";

struct Server {
    process: Child,
    ws: String,
    api: String,
    http: reqwest::Client,
}

impl Server {
    fn start(dir: &Path, ws: &str, control: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_fake-whatsapp"))
            .args(["--ws", ws, "--control", control, "--state-dir"])
            .arg(dir)
            .stdout(Stdio::piped())
            .spawn()
            .expect("binary");
        let mut lines = BufReader::new(process.stdout.take().expect("stdout")).lines();
        let mut url = || {
            let line = lines.next().expect("a line").expect("text");
            line.split_whitespace().last().expect("url").to_owned()
        };
        // All that it prints: it fails when nobody listens.
        let (ws, api, _media) = (url(), url(), url());
        Self {
            process,
            ws,
            api: api.trim_end_matches('/').to_owned(),
            http: reqwest::Client::new(),
        }
    }

    fn kill(mut self) -> (String, String) {
        self.process.kill().expect("SIGKILL");
        self.process.wait().expect("wait");
        let port = |url: &str| {
            let address: SocketAddr = url
                .trim_start_matches("ws://")
                .trim_start_matches("http://")
                .trim_end_matches("/ws/chat")
                .parse()
                .expect("address");
            address.to_string()
        };
        (port(&self.ws), port(&self.api))
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self
            .http
            .get(format!("{}{path}", self.api))
            .send()
            .await
            .expect("get");
        answer.json().await.expect("json")
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}{path}", self.api);
        let answer = self.http.post(url).json(&body).send().await.expect("post");
        (answer.status().as_u16(), answer.json().await.expect("json"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn state_survives_sigkill_at_any_moment() {
    let dir = tempfile::tempdir().expect("dir");
    let server = Server::start(dir.path(), "127.0.0.1:0", "127.0.0.1:0");
    assert_eq!(server.get("/api/health").await, json!({"ok": true}));
    let contact = json!({"phone": CONTACT, "name": "Caio", "echo": true});
    assert_eq!(server.post("/api/contacts", contact).await.0, 200);
    let client = TestClient::start_at(&server.ws, Saved::new()).await;
    let qr = client.qr().await;
    let (status, _) = server
        .post("/api/scan", json!({"qr": qr.replace("2@", "3@")}))
        .await;
    assert_eq!(status, 404);
    let (status, linked) = server
        .post("/api/scan", json!({"qr": qr, "phone": ANA}))
        .await;
    assert_eq!(
        (status, linked["jid"].as_str()),
        (200, Some("5511999990001:1@s.whatsapp.net"))
    );
    client.connected(1).await;
    // Three kills while messages are on their way in both directions.
    let mut server = server;
    for round in 0..3 {
        for n in 0..10 {
            client.send(CONTACT, &format!("r{round}m{n}")).await;
        }
        let (ws, control) = server.kill();
        server = Server::start(dir.path(), &ws, &control);
        client.connected(round + 2).await;
    }
    client.send(CONTACT, "last").await;
    client.texts(1, |text| text == "echo: last").await;
    // What was acknowledged to the client is in the contact's inbox.
    let acknowledged = client.acknowledged();
    let path = format!("/api/contacts/{CONTACT}/inbox");
    let inbox = server.get(&path).await;
    let ids: Vec<_> = inbox
        .as_array()
        .expect("list")
        .iter()
        .map(|item| &item["id"])
        .collect();
    for id in &acknowledged {
        assert!(
            ids.iter().any(|known| **known == json!(id)),
            "{id} was acknowledged, then lost"
        );
    }
    assert!(acknowledged.len() > 1);
    assert_eq!(server.get("/api/violations").await, json!([]));
    let devices = server.get("/api/devices").await;
    assert_eq!(devices[0]["logins"], 4);
    client.stop().await;
    server.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn queues_and_inboxes_are_there_after_a_restart() {
    let dir = tempfile::tempdir().expect("dir");
    let options = || Options {
        state_dir: Some(dir.path().to_owned()),
        ..Options::default()
    };
    let server = server_with(options()).await;
    let (ana, _) = crate::common::paired(&server, ANA, "Ana").await;
    server
        .add_contact(CONTACT, "Caio", false)
        .await
        .expect("contact");
    let saved = ana.stop().await;
    for n in 0..5 {
        server
            .send_from_phone(CONTACT, ANA, &format!("m{n}"), None)
            .await
            .expect("send");
    }
    server.shutdown().await;
    drop(server);
    let server = server_with(options()).await;
    assert!(server.devices().await[0].queued >= 5);
    assert_eq!(server.inbox(ANA).await.expect("inbox").len(), 5);
    let ana = TestClient::start(&server, saved).await;
    ana.texts(5, |text| text.starts_with('m')).await;
    ana.send(CONTACT, "hello").await;
    eventually("hello", || async {
        server
            .inbox(CONTACT)
            .await
            .is_ok_and(|inbox| inbox.iter().any(|i| i.text == "hello"))
    })
    .await;
    assert!(server.violations().await.is_empty());
    ana.stop().await;
    server.shutdown().await;
}
