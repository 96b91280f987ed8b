//! A real `whatsapp-rust` client against the fake server.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::http::LoopbackHttp;
use async_channel::{Receiver, Sender};
use fake_whatsapp::{FakeWhatsApp, Linked, Options, Watched};
use wacore::prekeys::PreKeyUtils;
use wacore::store::in_memory::InMemoryBackend;
use wacore::store::traits::Backend;
use wacore::types::events::{Event, EventHandler};
use wacore::types::jid::JidExt as _;
use wacore_binary::Node;
use whatsapp_rust::bot::{Bot, BotHandle};
use whatsapp_rust::waproto::whatsapp as wa;
use whatsapp_rust::{Client, Jid, SendOptions, TokioRuntime};
use whatsapp_rust_tokio_transport::TokioWebSocketTransportFactory;

/// More than any step takes on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);
const PREKEYS: usize = 30;
const VERSION: (u32, u32, u32) = (2, 3000, 1_023_000_000);

/// Keeps all events, in order.
struct Recorder {
    events: Mutex<Vec<Arc<Event>>>,
    news: Sender<()>,
}

impl EventHandler for Recorder {
    fn handle_event(&self, event: Arc<Event>) {
        self.events.lock().expect("events").push(event);
        let _ = self.news.try_send(());
    }
}

/// What survives the process of a client.
pub(crate) struct Saved(pub(crate) Arc<dyn Backend>);

impl Saved {
    pub(crate) fn new() -> Self {
        Self(Arc::new(InMemoryBackend::new()))
    }
}

/// A running client.
pub(crate) struct TestClient {
    pub(crate) client: Arc<Client>,
    pub(crate) saved: Saved,
    handle: BotHandle,
    recorder: Arc<Recorder>,
    news: Receiver<()>,
}

struct Shared(Arc<Recorder>);

impl EventHandler for Shared {
    fn handle_event(&self, event: Arc<Event>) {
        self.0.handle_event(event);
    }
}

impl TestClient {
    /// Starts a client on what was saved.
    pub(crate) async fn start(server: &FakeWhatsApp, saved: Saved) -> Self {
        Self::start_at(&server.ws_url(), saved).await
    }

    /// The same, for a client that reads the history of its phone.
    pub(crate) async fn start_with_history(server: &FakeWhatsApp, saved: Saved) -> Self {
        Self::start_client(&server.ws_url(), saved, false).await
    }

    /// The same, for a server in another process.
    pub(crate) async fn start_at(ws_url: &str, saved: Saved) -> Self {
        Self::start_client(ws_url, saved, true).await
    }

    async fn start_client(ws_url: &str, saved: Saved, skip_history: bool) -> Self {
        let (news_tx, news) = async_channel::bounded(1);
        let recorder = Arc::new(Recorder {
            events: Mutex::new(Vec::new()),
            news: news_tx,
        });
        let transport = TokioWebSocketTransportFactory::new().with_url(ws_url);
        let mut builder = Bot::builder()
            .with_backend_arc(Arc::clone(&saved.0))
            .with_transport_factory(transport)
            .with_http_client(LoopbackHttp)
            .with_runtime(TokioRuntime)
            .with_version(VERSION)
            .with_wanted_pre_key_count(PREKEYS)
            .with_event_handler(Shared(Arc::clone(&recorder)));
        if skip_history {
            builder = builder.skip_history_sync();
        }
        let bot = builder.build().await.expect("client");
        let client = bot.client();
        Self {
            handle: bot.spawn(),
            client,
            saved,
            recorder,
            news,
        }
    }

    /// Stops the client in good order. Returns what it saved.
    pub(crate) async fn stop(self) -> Saved {
        self.handle.shutdown().await;
        self.saved
    }

    /// Waits until `found` finds something in the events so far.
    pub(crate) async fn wait_for<T>(&self, what: &str, found: impl Fn(&Event) -> Option<T>) -> T {
        self.wait_count(what, 1, found).await.remove(0)
    }

    /// Waits until `found` has found something `count` times.
    pub(crate) async fn wait_count<T>(
        &self,
        what: &str,
        count: usize,
        found: impl Fn(&Event) -> Option<T>,
    ) -> Vec<T> {
        let wait = async {
            loop {
                let hits: Vec<T> = {
                    let events = self.recorder.events.lock().expect("events");
                    events.iter().filter_map(|event| found(event)).collect()
                };
                if hits.len() >= count {
                    return hits;
                }
                let _ = tokio::time::timeout(Duration::from_millis(50), self.news.recv()).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .unwrap_or_else(|_| {
                panic!("never saw {what}; events: {:?}", self.names());
            })
    }

    /// Everything that `found` finds in the events so far.
    pub(crate) fn collect<T>(&self, found: impl Fn(&Event) -> Option<T>) -> Vec<T> {
        let events = self.recorder.events.lock().expect("events");
        events.iter().filter_map(|event| found(event)).collect()
    }

    /// The content of an upload of one prekey, with the client's own identity.
    pub(crate) fn upload_of(&self, id: u32, key: [u8; 32]) -> Vec<Node> {
        let device = self.client.persistence_manager().get_device_snapshot();
        PreKeyUtils::build_upload_prekeys_request(
            device.registration_id,
            device.identity_key.public_key.public_key_bytes(),
            device.signed_pre_key_id,
            device.signed_pre_key.public_key.public_key_bytes(),
            &device.signed_pre_key_signature,
            [(id, key.as_slice())],
        )
    }

    /// Names of the events so far.
    pub(crate) fn names(&self) -> Vec<String> {
        let events = self.recorder.events.lock().expect("events");
        events
            .iter()
            .map(|event| {
                let text = format!("{event:?}");
                text.split(['(', ' ', '{'])
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect()
    }

    /// The current QR text.
    pub(crate) async fn qr(&self) -> String {
        self.wait_for("a QR code", |event| match event {
            Event::PairingQrCode(qr) => Some(qr.code.clone()),
            _ => None,
        })
        .await
    }

    /// Waits for the `count`th `Connected`.
    pub(crate) async fn connected(&self, count: usize) {
        self.wait_count("Connected", count, |event| {
            matches!(event, Event::Connected(_)).then_some(())
        })
        .await;
    }

    /// The account's name as the client knows it.
    pub(crate) fn push_name(&self) -> String {
        self.client.push_name()
    }

    /// Where the client keeps its session with a device of an account.
    pub(crate) async fn session_address(&self, phone: &str, device: u16) -> String {
        let found = self
            .client
            .contacts()
            .is_on_whatsapp(&[Jid::pn(phone)])
            .await
            .expect("usync");
        let lid = found[0].lid.clone().expect("lid");
        lid.with_device(device)
            .to_protocol_address()
            .as_str()
            .to_owned()
    }

    /// Sends a text. Returns the message id.
    pub(crate) async fn send(&self, to: &str, text: &str) -> String {
        self.send_to(&Jid::pn(to), text).await
    }

    /// The same, in either namespace.
    pub(crate) async fn send_to(&self, to: &Jid, text: &str) -> String {
        let message = wa::Message {
            conversation: Some(text.to_owned()),
            ..Default::default()
        };
        let sent = self.client.send_message(to, message).await;
        sent.expect("send").message_id
    }

    /// Sends a text under a given id.
    pub(crate) async fn send_with_id(&self, to: &str, text: &str, id: &str) {
        let message = wa::Message {
            conversation: Some(text.to_owned()),
            ..Default::default()
        };
        let mut options = SendOptions::default();
        options.message_id = Some(id.to_owned());
        let sent = self
            .client
            .send_message_with_options(&Jid::pn(to), message, options)
            .await;
        sent.expect("send");
    }

    /// Waits for `count` texts that `matching` accepts.
    pub(crate) async fn texts(&self, count: usize, matching: impl Fn(&str) -> bool) -> Vec<String> {
        let all = self
            .wait_until("texts", |texts: &[String]| {
                texts.iter().filter(|text| matching(text)).count() >= count
            })
            .await;
        all.into_iter().filter(|text| matching(text)).collect()
    }

    async fn wait_until(&self, what: &str, done: impl Fn(&[String]) -> bool) -> Vec<String> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let texts = self.all_texts();
            if done(&texts) {
                return texts;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "{what}: only {texts:?}"
            );
            let _ = tokio::time::timeout(Duration::from_millis(50), self.news.recv()).await;
        }
    }

    /// Ids of messages that the server acknowledged.
    pub(crate) fn acknowledged(&self) -> Vec<String> {
        let events = self.recorder.events.lock().expect("events");
        events
            .iter()
            .filter_map(|event| match event.as_ref() {
                Event::ServerAck(ack) if ack.class.as_deref() == Some("message") => {
                    Some(ack.id.clone())
                }
                _ => None,
            })
            .collect()
    }

    /// All texts so far, in order of arrival.
    pub(crate) fn all_texts(&self) -> Vec<String> {
        let events = self.recorder.events.lock().expect("events");
        let mut texts = Vec::new();
        for event in events.iter() {
            if let Event::Messages(batch) = event.as_ref() {
                for inbound in batch.messages.iter() {
                    let message = inbound
                        .message
                        .device_sent_message
                        .as_option()
                        .and_then(|sent| sent.message.as_option())
                        .unwrap_or(&inbound.message);
                    if let Some(text) = &message.conversation {
                        texts.push(text.clone());
                    }
                }
            }
        }
        texts
    }
}

/// Starts a server that keeps nothing. No client may break its rules, unless the test expects it.
pub(crate) async fn server() -> Watched {
    server_with(Options::default()).await
}

/// The same, with options.
pub(crate) async fn server_with(options: Options) -> Watched {
    Watched::start(options).await.expect("server")
}

/// Links a new client by QR code and waits until it is connected.
pub(crate) async fn paired(server: &FakeWhatsApp, phone: &str, name: &str) -> (TestClient, Linked) {
    let client = TestClient::start(server, Saved::new()).await;
    let linked = server
        .scan(&client.qr().await, Some(phone), Some(name))
        .await
        .expect("scan");
    client.connected(1).await;
    (client, linked)
}

/// Polls until `done`, with a limit.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, done: impl Fn() -> F) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !done().await {
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The server never noted anything of these kinds.
pub(crate) async fn never_saw(
    server: &FakeWhatsApp,
    kinds: impl IntoIterator<Item = &'static str>,
) {
    for kind in kinds {
        let items = server.seen(None, Some(kind), 0).await.items;
        assert!(items.is_empty(), "{items:?}");
    }
}

/// Every request was answered.
pub(crate) async fn all_answered(server: &FakeWhatsApp) {
    never_saw(server, ["iq-unhandled"]).await;
}
