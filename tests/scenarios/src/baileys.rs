//! Baileys: an independent client, as a process that speaks JSON lines (tests/baileys).
//!
//! It shares no code with this workspace that speaks the protocol, so what it understands of
//! the fake server is evidence.

mod findings;
mod lines;
mod messages;
mod node;

use fake_whatsapp::FakeWhatsApp;
use serde_json::{Value, json};
use tempfile::TempDir;

use self::lines::Lines;
pub use self::messages::Status;
use crate::wait::{PATIENCE, eventually};

/// A Baileys client with a saved state of its own. Dropping it kills its process.
pub struct Baileys {
    lines: Lines,
    auth: TempDir,
    /// Its account's phone number.
    pub phone: String,
    noise_root: String,
    url: String,
    media_host: String,
}

impl Baileys {
    /// A client that asks to be linked by QR code and is scanned by `phone`.
    pub async fn pair(whatsapp: &FakeWhatsApp, phone: &str, name: &str) -> Self {
        let baileys = Self::ask_to_pair(whatsapp, phone, "qr").await;
        let qr = baileys
            .event("connection.update", |data| data["qr"].is_string())
            .await;
        let qr = qr["qr"].as_str().unwrap().to_owned();
        whatsapp.scan(&qr, Some(phone), Some(name)).await.unwrap();
        baileys.wait_for_open().await;
        baileys.settle(whatsapp).await;
        baileys
    }

    /// A client that shows a pairing code, which is typed into `phone`.
    pub async fn pair_by_code(whatsapp: &FakeWhatsApp, phone: &str, name: &str) -> Self {
        let baileys = Self::ask_to_pair(whatsapp, phone, "code").await;
        let shown = baileys.event("pairing-code", |_| true).await;
        let code = shown["code"].as_str().unwrap().to_owned();
        // The code is shown before the server has heard of it.
        eventually("the server knows of the code", PATIENCE, async || {
            let waiting = whatsapp.pairings().await;
            waiting
                .iter()
                .any(|pairing| pairing.code_for.as_deref() == Some(phone))
                .then_some(())
        })
        .await;
        whatsapp.enter_code(phone, &code, Some(name)).await.unwrap();
        baileys.wait_for_open().await;
        baileys.settle(whatsapp).await;
        baileys
    }

    /// A client that trusts another root than the server's.
    pub async fn distrusting(whatsapp: &FakeWhatsApp, phone: &str) -> Self {
        let mut other = whatsapp.noise_root();
        other[0] ^= 1;
        let baileys = Self::new(whatsapp, phone, other);
        baileys.start("qr").await;
        baileys
    }

    async fn ask_to_pair(whatsapp: &FakeWhatsApp, phone: &str, pairing: &str) -> Self {
        let baileys = Self::new(whatsapp, phone, whatsapp.noise_root());
        baileys.start(pairing).await;
        baileys
    }

    fn new(whatsapp: &FakeWhatsApp, phone: &str, noise_root: [u8; 32]) -> Self {
        Self {
            lines: Lines::spawn(),
            auth: tempfile::tempdir().unwrap(),
            phone: phone.to_owned(),
            noise_root: noise_root.map(|byte| format!("{byte:02x}")).concat(),
            url: whatsapp.ws_url(),
            media_host: whatsapp.media_addr().to_string(),
        }
    }

    async fn start(&self, pairing: &str) {
        let order = json!({
            "order": "start",
            "url": self.url,
            "authDir": self.auth.path(),
            "noiseRoot": self.noise_root,
            "mediaHost": self.media_host,
            "pairing": pairing,
            "phone": self.phone,
        });
        self.lines.order(order).await.unwrap();
    }

    /// Waits until it has confirmed everything that the server has for it.
    ///
    /// Baileys forgets to confirm what it is just reading when its socket closes, and can't read
    /// it a second time. A test that closes the socket waits for this first.
    pub async fn settle(&self, whatsapp: &FakeWhatsApp) {
        eventually("Baileys has confirmed everything", PATIENCE, async || {
            let devices = whatsapp.devices().await;
            let mut own = devices.iter().filter(|device| device.phone == self.phone);
            own.all(|device| device.queued == 0).then_some(())
        })
        .await;
    }

    /// Ends the process in order. Its state stays.
    pub async fn stop(&mut self, whatsapp: &FakeWhatsApp) {
        self.settle(whatsapp).await;
        self.lines.order(json!({ "order": "stop" })).await.unwrap();
        self.lines.end().await;
    }

    /// Starts a new process on the state of the last one, which does not connect yet. The events
    /// of the last one are forgotten.
    pub fn spawn_again(&mut self) {
        self.lines = Lines::spawn();
    }

    /// Starts a new process on the state of the last one, and waits until it is logged in.
    pub async fn start_again(&mut self) {
        self.spawn_again();
        self.connect_again().await;
        self.wait_for_open().await;
    }

    /// Connects with the state that there is, after the last connection was closed.
    pub async fn connect_again(&self) {
        self.start("qr").await;
    }

    /// Calls a method of Baileys' socket.
    ///
    /// # Panics
    /// When it fails.
    pub async fn call(&self, method: &str, args: Value) -> Value {
        let order = json!({ "order": "call", "method": method, "args": args });
        match self.lines.order(order).await {
            Ok(value) => value,
            Err(error) => panic!("{method}: {error}"),
        }
    }

    /// Sends any content to a JID, and returns the message's key.
    pub async fn send(&self, jid: &str, content: Value) -> Value {
        let sent = self.call("sendMessage", json!([jid, content])).await;
        sent["key"].clone()
    }

    /// Sends a text to a number, and returns the message id.
    ///
    /// # Panics
    /// When the sent message has no id.
    pub async fn send_text(&self, number: &str, text: &str) -> String {
        let jid = format!("{number}@s.whatsapp.net");
        let key = self.send(&jid, json!({ "text": text })).await;
        key["id"].as_str().unwrap().to_owned()
    }

    /// The decrypted media of a message that arrived.
    pub async fn download(&self, id: &str) -> Result<Value, String> {
        let order = json!({ "order": "download", "message": id });
        self.lines.order(order).await
    }

    /// Who Baileys thinks it is: `id`, `lid`, `name`.
    pub async fn me(&self) -> Value {
        self.lines.order(json!({ "order": "me" })).await.unwrap()
    }

    /// The data of every event of this name so far, in order.
    #[must_use]
    pub fn events(&self, name: &str) -> Vec<Value> {
        self.lines.events(name)
    }

    /// Waits for an event, also one that has come already.
    pub async fn event(&self, name: &str, matches: impl Fn(&Value) -> bool) -> Value {
        let what = format!("{} tells {name}", self.phone);
        eventually(&what, PATIENCE, async || {
            self.lines.assert_alive();
            self.events(name).into_iter().find(&matches)
        })
        .await
    }

    /// Waits until a login is through.
    pub async fn wait_for_open(&self) {
        self.event("connection.update", |data| data["connection"] == "open")
            .await;
    }

    /// The codes with which connections were closed so far, in order.
    #[must_use]
    pub fn closes(&self) -> Vec<u64> {
        let updates = self.events("connection.update").into_iter();
        updates
            .filter(|update| update["connection"] == "close")
            .filter_map(|update| update["lastDisconnect"]["error"]["statusCode"].as_u64())
            .collect()
    }

    /// Waits until one more connection is closed than `before`, and returns the code.
    pub async fn next_close(&self, before: usize) -> u64 {
        let what = format!("close number {} of {}", before + 1, self.phone);
        eventually(&what, PATIENCE, async || {
            self.lines.assert_alive();
            self.closes().get(before).copied()
        })
        .await
    }
}
