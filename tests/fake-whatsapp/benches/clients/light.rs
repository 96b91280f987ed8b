//! A real client with as little as possible around it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use wacore::net::{HttpClient, HttpRequest, HttpResponse};
use wacore::store::in_memory::InMemoryBackend;
use wacore::types::events::{Event, EventHandler};
use whatsapp_rust::TokioRuntime;
use whatsapp_rust::anyhow;
use whatsapp_rust::bot::{Bot, BotHandle};
use whatsapp_rust_tokio_transport::TokioWebSocketTransportFactory;

use crate::process::Server;

/// Longest wait for one step, with thousands of clients at the same work.
const PATIENCE: Duration = Duration::from_secs(300);
const PREKEYS: usize = 10;
const VERSION: (u32, u32, u32) = (2, 3000, 1_023_000_000);

struct NoHttp;

#[async_trait::async_trait]
impl HttpClient for NoHttp {
    async fn execute(&self, _request: HttpRequest) -> anyhow::Result<HttpResponse> {
        Err(anyhow::anyhow!("no HTTP in benches"))
    }
}

/// What the client told.
#[derive(Default)]
struct Told {
    qr: Mutex<Option<String>>,
    connections: AtomicUsize,
    texts: AtomicUsize,
    news: Notify,
}

struct Listener(Arc<Told>);

impl EventHandler for Listener {
    fn handle_event(&self, event: Arc<Event>) {
        let told = &self.0;
        match &*event {
            Event::PairingQrCode(qr) => {
                *told.qr.lock().expect("qr") = Some(qr.code.clone());
            }
            Event::Connected(_) => {
                told.connections.fetch_add(1, Ordering::Relaxed);
            }
            Event::Messages(batch) => {
                let texts = batch.messages.iter();
                let count = texts.filter(|text| text.message.conversation.is_some());
                told.texts.fetch_add(count.count(), Ordering::Relaxed);
            }
            _ => return,
        }
        told.news.notify_waiters();
    }
}

/// A connected client.
pub(crate) struct Light {
    /// The number of its account.
    pub(crate) phone: String,
    told: Arc<Told>,
    /// Dropping it ends the client.
    handle: BotHandle,
}

impl Light {
    /// Links a new client to `phone`, and waits until it is logged in.
    pub(crate) async fn pair(server: Arc<Server>, phone: String) -> Self {
        let told = Arc::new(Told::default());
        let transport = TokioWebSocketTransportFactory::new().with_url(&server.ws);
        let bot = Bot::builder()
            .with_backend_arc(Arc::new(InMemoryBackend::new()))
            .with_transport_factory(transport)
            .with_http_client(NoHttp)
            .with_runtime(TokioRuntime)
            .with_version(VERSION)
            .with_wanted_pre_key_count(PREKEYS)
            .skip_history_sync()
            .with_event_handler(Listener(Arc::clone(&told)))
            .build()
            .await
            .expect("client");
        let light = Self {
            phone,
            told,
            handle: bot.spawn(),
        };
        let qr = light
            .wait("a QR code", |told| told.qr.lock().expect("qr").clone())
            .await;
        server.scan(&qr, &light.phone).await;
        light
            .wait("a login", |told| {
                (told.connections.load(Ordering::Relaxed) > 0).then_some(())
            })
            .await;
        light
    }

    /// Waits for the first text.
    pub(crate) async fn text(&self) {
        self.wait("a text", |told| {
            (told.texts.load(Ordering::Relaxed) > 0).then_some(())
        })
        .await;
    }

    /// How many texts have come.
    pub(crate) fn texts(&self) -> usize {
        self.told.texts.load(Ordering::Relaxed)
    }

    /// Ends the client.
    pub(crate) fn drop_socket(self) {
        drop(self.handle);
    }

    async fn wait<T>(&self, what: &str, found: impl Fn(&Told) -> Option<T>) -> T {
        let wait = async {
            loop {
                let mut news = std::pin::pin!(self.told.news.notified());
                news.as_mut().enable();
                if let Some(found) = found(&self.told) {
                    return found;
                }
                news.await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, wait).await;
        waited.unwrap_or_else(|_| panic!("{}: never {what}", self.phone))
    }
}
