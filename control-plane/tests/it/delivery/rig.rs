//! A delivery service over storage that outlives it.

use std::sync::Arc;
use std::time::Duration;

use pombal_control_plane::delivery::{
    Counts, DeadLetter, DeliveryHandle, DeliveryOptions, DeliveryQueues, DeliveryService,
    GlobalSink, GlobalWebhook,
};
use pombal_domain::time::UnixMs;
use pombal_domain::{
    Desired, Epoch, Event, EventId, EventName, Instance, InstanceId, InstanceName, Seq, ShardId,
    WebhookConfig,
};
use pombal_store::Keys;
use pombal_store::queue::Outgoing;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app::{LONG, Stores, egress};

pub(crate) struct Rig {
    pub(crate) stores: Stores,
    pub(crate) queues: DeliveryQueues,
}

/// A service that runs.
pub(crate) struct Running {
    handle: DeliveryHandle,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        let stores = Stores::open().await;
        let queues = DeliveryQueues {
            events: stores.fifo("events"),
            retries: stores.queue("deliveries", false),
            dead: stores.queue("deliveries-dead", false),
            bodies: stores.bodies.clone(),
        };
        Self { stores, queues }
    }

    /// Starts a service whose waits are milliseconds.
    pub(crate) fn start(&self) -> Running {
        self.start_with(|_| {})
    }

    pub(crate) fn start_with(&self, change: impl FnOnce(&mut DeliveryOptions)) -> Running {
        let mut options = quick();
        change(&mut options);
        Running::start(DeliveryService::new(
            self.stores.registry.clone(),
            Arc::clone(&self.stores.keys),
            egress(true),
            self.queues.clone(),
            options,
        ))
    }

    /// Adds an instance that wants every event at `url`.
    pub(crate) async fn instance(&self, name: &str, url: &str) -> Instance {
        self.instance_with(name, url, |_| {}).await
    }

    pub(crate) async fn instance_with(
        &self,
        name: &str,
        url: &str,
        change: impl FnOnce(&mut WebhookConfig),
    ) -> Instance {
        let mut row = listening(&*self.stores.keys, name, url).await;
        row.webhook.as_mut().map(change).unwrap();
        self.stores.registry.create_instance(&row).await.unwrap();
        row
    }

    pub(crate) async fn publish(&self, event: &Event) {
        self.queues.events.send(&[message(event)]).await.unwrap();
    }

    /// Publishes events with these seqs.
    pub(crate) async fn publish_all(&self, row: &Instance, seqs: impl IntoIterator<Item = u64>) {
        for seq in seqs {
            self.publish(&event(row, seq)).await;
        }
    }

    /// The next dead letter.
    pub(crate) async fn dead_letter(&self) -> DeadLetter {
        let mut received = self.queues.dead.receive(1, LONG).await.unwrap();
        let message = received.pop().expect("a dead letter");
        self.queues.dead.ack(&[message.receipt]).await.unwrap();
        serde_json::from_str(&message.body).unwrap()
    }
}

/// Options whose waits are milliseconds.
pub(crate) fn quick() -> DeliveryOptions {
    let mut options = DeliveryOptions::new("http://gateway.test");
    options.schedule.delays = vec![Duration::from_millis(50); 3];
    options.schedule.overload_floor = Duration::from_millis(50);
    options.receive_wait = Duration::from_millis(50);
    options.error_backoff = Duration::from_millis(20);
    options
}

/// The operator's webhook, which wants every event at `url`.
pub(crate) fn global(url: &str) -> GlobalSink {
    GlobalSink {
        webhook: GlobalWebhook {
            url: url.to_owned(),
            by_events: false,
            events: EventName::ALL.to_vec(),
        },
        egress: egress(true),
    }
}

/// An instance that wants every event at `url`. It is in no registry yet.
pub(crate) async fn listening(keys: &dyn Keys, name: &str, url: &str) -> Instance {
    let webhook = WebhookConfig {
        id: uuid::Uuid::new_v4(),
        enabled: true,
        url: url.to_owned(),
        headers: None,
        by_events: false,
        base64: false,
        events: EventName::ALL.to_vec(),
        created_at: UnixMs(0),
        updated_at: UnixMs(0),
    };
    let id = InstanceId::random();
    let (key, data_key) = keys.generate(id).await.unwrap();
    Instance {
        token_hash: format!("{:0>64}", id.as_uuid().simple()),
        token_sealed: key.seal(format!("token:{id}").as_bytes(), b"T-1").unwrap(),
        data_key,
        desired: Desired::Connected,
        generation: 1,
        webhook: Some(webhook),
        ..Instance::untouched(
            id,
            InstanceName::parse(name).unwrap(),
            ShardId(0),
            UnixMs(0),
        )
    }
}

/// An event as connectors send it.
pub(crate) fn message(event: &Event) -> Outgoing {
    Outgoing {
        body: serde_json::to_string(event).unwrap(),
        group: Some(event.instance.to_string()),
        dedup: Some(event.id.to_string()),
        delay: Duration::ZERO,
    }
}

impl Running {
    /// Runs a service.
    pub(crate) fn start(service: DeliveryService) -> Self {
        let handle = service.handle();
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(service.run(shutdown.clone()));
        Self {
            handle,
            shutdown,
            task,
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.handle.counts()
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap();
    }

    pub(crate) fn cancel(&self) {
        self.shutdown.cancel();
    }
}

pub(crate) fn event(row: &Instance, seq: u64) -> Event {
    Event {
        id: EventId::random(),
        instance: row.id,
        name: row.name.clone(),
        seq: Seq(seq),
        epoch: Epoch(1),
        at: UnixMs(1_700_000_000_000),
        event: EventName::MessagesUpsert,
        data: json!({ "n": seq }),
        sender: None,
        farewell: None,
        only_to: None,
        projection: None,
    }
}

/// Waits until `condition` holds.
#[track_caller]
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) -> impl Future<Output = ()> {
    let what = what.to_owned();
    async move {
        let looks = async {
            while !condition() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(
            tokio::time::timeout(LONG, looks).await.is_ok(),
            "never: {what}"
        );
    }
}
