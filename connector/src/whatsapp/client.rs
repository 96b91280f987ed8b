//! Builds the WhatsApp client of one instance.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pombal_domain::{Instance, MessageId};
use pombal_sessions::Session;
use pombal_store::{Keys, proxy};
use tokio::sync::{mpsc, oneshot};
use whatsapp_rust::store::persistence_manager::PersistenceManager;
use whatsapp_rust::traits::Backend;
use whatsapp_rust::types::events::{Event, EventHandler};
use whatsapp_rust::wacore::store::DevicePropsOverride;
use whatsapp_rust::waproto::whatsapp as wa;
use whatsapp_rust::{Client, InboundDurabilityHook, RawNodeLease};

use crate::instance::HistoryHandle;
use crate::options::ConnectorOptions;
use crate::tenure::Tenure;
use crate::whatsapp::dialer::{Dial, Dialer};
use crate::whatsapp::heard::Heard;
use crate::whatsapp::http::{SetupError, WhatsAppHttp};
use crate::whatsapp::route::{Route, Routes};

/// One-time prekeys kept on the server. WhatsApp Web offers 812; each costs memory and a
/// row, and one is used up per new conversation only.
const PREKEYS: usize = 100;
/// How often device state that changed is saved at the latest; most changes are saved at once.
const SAVE_INTERVAL: Duration = Duration::from_secs(30);
/// Receipts and acks waiting to be published, per instance. Beyond it they are dropped and
/// counted: WhatsApp has them, and no message is among them.
const RECEIPT_BACKLOG: usize = 8192;
/// The version told to a server on loopback: it takes any, and none can be looked up there.
const FIXED_VERSION: (u32, u32, u32) = (2, 3000, 1_023_000_000);

/// A client could not be built.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the session does not load")]
    Session(#[from] whatsapp_rust::store::error::StoreError),
    #[error("the WhatsApp client could not be built")]
    Build(#[from] whatsapp_rust::ClientBuilderError),
}

/// What all clients of a connector share.
#[derive(Clone)]
pub(crate) struct Clients {
    dial: Dial,
    routes: Routes,
    http: Arc<WhatsAppHttp>,
    version: Option<(u32, u32, u32)>,
    device_name: String,
}

/// What is wanted of a phone's history.
pub(crate) struct Wanted {
    /// All of it, not the last weeks only. The phone is told so when it is paired.
    pub(crate) full: bool,
    /// Who takes it.
    pub(crate) teller: HistoryHandle,
}

/// The client of one instance, with the channels it speaks through.
pub(crate) struct Built {
    pub(crate) client: Arc<Client>,
    pub(crate) dialer: Arc<Dialer>,
    /// Everything but receipts and acks, in order.
    pub(crate) signals: mpsc::UnboundedReceiver<Arc<Event>>,
    pub(crate) acks: Arc<PendingAcks>,
    /// When it last heard from WhatsApp.
    pub(crate) heard: Arc<Heard>,
    /// Lets us see every stanza.
    _raw_nodes: RawNodeLease,
}

impl Clients {
    pub(crate) fn new(options: &ConnectorOptions) -> Result<Self, SetupError> {
        Ok(Self {
            dial: Dial::new(&options.endpoint),
            routes: Routes::new(options),
            http: Arc::new(WhatsAppHttp::new()?),
            // WhatsApp refuses old versions, so the current one is looked up (once a day).
            version: options.endpoint.is_loopback().then_some(FIXED_VERSION),
            device_name: options.device_name.clone(),
        })
    }

    /// The way that the connections of `instance` take.
    ///
    /// # Errors
    /// When its proxy's password can't be had. It must not connect then.
    pub(crate) async fn route(
        &self,
        instance: &Instance,
        keys: &dyn Keys,
    ) -> Result<Route, proxy::Error> {
        self.routes.of(instance, keys).await
    }

    /// A client on `session`, and its receipts and acks in order. It dials when its `run` is
    /// called, once per connection: we supervise reconnecting ourselves.
    pub(crate) async fn build(
        &self,
        session: Session,
        hook: Arc<dyn InboundDurabilityHook>,
        tenure: &Tenure,
        route: Route,
        history: Wanted,
    ) -> Result<(Built, mpsc::Receiver<Arc<Event>>), Error> {
        let backend: Arc<dyn Backend> = Arc::new(session);
        let persistence = Arc::new(PersistenceManager::new(backend).await?);
        let props = DevicePropsOverride {
            os: Some(self.device_name.clone()),
            platform_type: Some(wa::device_props::PlatformType::Chrome),
            require_full_sync: Some(history.full),
            ..DevicePropsOverride::default()
        };
        persistence
            .process_command(whatsapp_rust::store::commands::DeviceCommand::SetDeviceProps(props))
            .await;

        let http = match &route {
            Route::Direct => Arc::clone(&self.http),
            Route::Through(tunnel) => Arc::new(self.http.through(tunnel.clone())),
        };
        let dialer = self.dial.dialer(tenure, route);
        let mut builder = Client::builder()
            .with_runtime(whatsapp_rust::prelude::TokioRuntime)
            .with_persistence_manager(persistence)
            .with_transport_factory_arc(dialer.clone())
            .with_http_client_arc(http)
            .with_inbound_durability_hook_arc(hook)
            .with_wanted_pre_key_count(PREKEYS)
            .with_background_saver_interval(SAVE_INTERVAL);
        if let Some(version) = self.version {
            builder = builder.with_version_override(version);
        }
        let client = builder.build().await?.into_client();
        client.enable_auto_reconnect.store(false, Ordering::Relaxed);

        let (signals_tx, signals) = mpsc::unbounded_channel();
        let (receipts_tx, receipts) = mpsc::channel(RECEIPT_BACKLOG);
        let acks = Arc::new(PendingAcks::default());
        let heard = Arc::new(Heard::new());
        let tap = Tap {
            signals: signals_tx,
            receipts: receipts_tx,
            acks: Arc::clone(&acks),
            heard: Arc::clone(&heard),
            history: history.teller,
        };
        client.subscribe_handler(Arc::new(tap)).detach();
        let raw_nodes = client.acquire_raw_node_forwarding();
        let built = Built {
            client,
            dialer,
            signals,
            acks,
            heard,
            _raw_nodes: raw_nodes,
        };
        Ok((built, receipts))
    }
}

/// Sorts the client's events into our channels. Called on the client's receive path, so it
/// must not block.
struct Tap {
    signals: mpsc::UnboundedSender<Arc<Event>>,
    receipts: mpsc::Sender<Arc<Event>>,
    acks: Arc<PendingAcks>,
    heard: Arc<Heard>,
    history: HistoryHandle,
}

impl EventHandler for Tap {
    fn handle_event(&self, event: Arc<Event>) {
        if matches!(&*event, Event::RawNode(_)) {
            self.heard.note();
        }
        if matches!(&*event, Event::HistorySync(_)) {
            return self.history.take(event);
        }
        let is_receipt = match &*event {
            Event::Receipt(_) => true,
            // The client's own protocol messages are acked as well: those are nobody's business.
            Event::ServerAck(ack) => self.acks.resolve(&ack.id, ack.error.as_deref()),
            _ => false,
        };
        if is_receipt {
            if self.receipts.try_send(event).is_err() {
                tracing::warn!(backlog = RECEIPT_BACKLOG, "receipt dropped: backlog full");
            }
        } else if interests(&event) {
            // Fails only when nobody supervises the client any more.
            let _ = self.signals.send(event);
        }
    }
}

/// The events that the supervisor acts on.
fn interests(event: &Event) -> bool {
    if let Event::Messages(batch) = event {
        // The durability hook has seen the others.
        return !batch.hook_committed;
    }
    if let Event::RawNode(node) = event {
        // The client keeps some ends of a stream to itself.
        return matches!(node.tag(), "stream:error" | "xmlstreamend");
    }
    matches!(
        event,
        Event::Connected(_)
            | Event::Disconnected(_)
            | Event::PairSuccess(_)
            | Event::PairError(_)
            | Event::LoggedOut(_)
            | Event::PairingQrCode(_)
            | Event::PairingCode(_)
            | Event::PairingCodeError(_)
            | Event::PairingCodeRefresh(_)
            | Event::PairingQrCodesExhausted(_)
            | Event::ClientOutdated(_)
            | Event::StreamReplaced(_)
            | Event::TemporaryBan(_)
            | Event::ConnectFailure(_)
            | Event::StreamError(_)
            | Event::SelfPushNameUpdated(_)
            | Event::UndecryptableMessage(_)
            | Event::IncomingCall(_)
            | Event::MissedCall(_)
    )
}

/// How WhatsApp answered a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Acked {
    /// It has the message.
    Accepted,
    /// It refused, with this code.
    Refused(String),
}

/// Messages handed to WhatsApp whose ack is still to come.
#[derive(Default)]
pub(crate) struct PendingAcks(Mutex<HashMap<String, oneshot::Sender<Acked>>>);

impl PendingAcks {
    /// Waits for the ack of `id`. The receiver fails when the connection ends first.
    pub(crate) fn expect(&self, id: &MessageId) -> oneshot::Receiver<Acked> {
        let (tx, rx) = oneshot::channel();
        self.lock().insert(id.as_str().to_owned(), tx);
        rx
    }

    /// Gives up on every ack: the connection has ended.
    pub(crate) fn fail_all(&self) {
        self.lock().clear();
    }

    /// Whether the ack was expected.
    fn resolve(&self, id: &str, error: Option<&str>) -> bool {
        let Some(waiter) = self.lock().remove(id) else {
            return false;
        };
        let acked = error.map_or(Acked::Accepted, |code| Acked::Refused(code.to_owned()));
        // The sender may have given up waiting.
        let _ = waiter.send(acked);
        true
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, oneshot::Sender<Acked>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
