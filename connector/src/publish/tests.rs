//! The publisher over a real session database and a real queue that can be broken.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use pombal_domain::ShardId;
use pombal_sessions::{ShardDb, ShardDbOptions, local_store};
use pombal_store::DataKey;
use pombal_store::queue::sqlite::QueueFile;
use pombal_store::queue::{Error as QueueError, Incoming, QueueOptions, Receipt};
use tempfile::TempDir;
use tokio::time::timeout;

use super::*;

#[cfg(feature = "aws-conformance")]
mod aws;

/// A queue that refuses to take anything while it is broken.
struct Breakable {
    queue: Arc<dyn Queue>,
    broken: AtomicBool,
}

#[async_trait]
impl Queue for Breakable {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), QueueError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(QueueError::Storage("broken on purpose".into()));
        }
        self.queue.send(messages).await
    }

    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Incoming>, QueueError> {
        self.queue.receive(max, wait).await
    }

    async fn ack(&self, receipts: &[Receipt]) -> Result<(), QueueError> {
        self.queue.ack(receipts).await
    }

    async fn extend(&self, receipt: &Receipt, visibility: Duration) -> Result<(), QueueError> {
        self.queue.extend(receipt, visibility).await
    }
}

struct Fixture {
    dir: TempDir,
    origin: Origin,
    key: DataKey,
    queue: Arc<Breakable>,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = QueueOptions {
            fifo: true,
            visibility: Duration::from_secs(60),
            max_receives: None,
        };
        let queue = QueueFile::open(dir.path().join("q.db")).unwrap();
        let queue = queue.queue("events", options).unwrap();
        Self {
            queue: Arc::new(Breakable {
                queue,
                broken: AtomicBool::new(false),
            }),
            origin: Origin {
                id: InstanceId::random(),
                name: InstanceName::parse("b1").unwrap(),
                epoch: Epoch(1),
            },
            key: DataKey::random().unwrap(),
            dir,
        }
    }

    /// A publisher as a new owner of the shard has it. Its token stops it.
    async fn publisher(&self, epoch: u64) -> (PublisherHandle, CancellationToken) {
        self.publisher_to(self.queue.clone(), epoch).await
    }

    /// The same, sending to another queue.
    async fn publisher_to(
        &self,
        queue: Arc<dyn Queue>,
        epoch: u64,
    ) -> (PublisherHandle, CancellationToken) {
        let store = local_store(self.dir.path().join("sessions")).unwrap();
        let db = ShardDb::open(ShardDbOptions::local(store, "s", ShardId(0)))
            .await
            .unwrap();
        let session = db.session(self.origin.id, self.key.clone());
        let stop = CancellationToken::new();
        let origin = Origin {
            epoch: Epoch(epoch),
            ..self.origin.clone()
        };
        (Publisher::start(origin, session, queue, stop.clone()), stop)
    }

    fn fact(&self, key: &str) -> Fact {
        Fact {
            id: EventId::derive(self.origin.id, &[key]),
            body: EventBody::LogoutInstance,
            sender: None,
            projection: None,
        }
    }

    async fn received(&self) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let batch = self
                .queue
                .receive(MAX_BATCH, Duration::from_millis(50))
                .await
                .unwrap();
            if batch.is_empty() {
                return events;
            }
            let receipts: Vec<Receipt> = batch.iter().map(|m| m.receipt.clone()).collect();
            self.queue.ack(&receipts).await.unwrap();
            events.extend(
                batch
                    .iter()
                    .map(|m| serde_json::from_str::<Event>(&m.body).unwrap()),
            );
        }
    }
}

#[tokio::test]
async fn a_fact_is_numbered_once_however_often_it_is_told() {
    let fixture = Fixture::new();
    let (publisher, stop) = fixture.publisher(1).await;
    publisher
        .publish(vec![fixture.fact("a"), fixture.fact("b")])
        .await
        .unwrap();
    publisher
        .publish(vec![fixture.fact("a"), fixture.fact("c")])
        .await
        .unwrap();
    stop.cancel();
    // A new owner is told again, as WhatsApp does with what was not confirmed.
    let (publisher, _stop) = fixture.publisher(2).await;
    publisher
        .publish(vec![fixture.fact("b"), fixture.fact("d")])
        .await
        .unwrap();
    let events: Vec<_> = fixture
        .received()
        .await
        .iter()
        .map(|e| (e.id, e.seq.0))
        .collect();
    let expected: Vec<_> = ["a", "b", "c", "d"]
        .iter()
        .map(|key| fixture.fact(key).id)
        .zip(1..)
        .collect();
    assert_eq!(events, expected);
}

#[tokio::test]
async fn what_was_journaled_but_not_sent_is_sent_by_the_next_owner_first() {
    let fixture = Fixture::new();
    let (publisher, stop) = fixture.publisher(1).await;
    publisher.publish(vec![fixture.fact("a")]).await.unwrap();
    fixture.queue.broken.store(true, Ordering::SeqCst);
    let stuck = publisher.publish(vec![fixture.fact("b"), fixture.fact("c")]);
    let waited = timeout(Duration::from_millis(300), stuck).await;
    assert!(
        waited.is_err(),
        "nothing may be called published that the queue has not taken"
    );
    stop.cancel();

    fixture.queue.broken.store(false, Ordering::SeqCst);
    let (publisher, _stop) = fixture.publisher(2).await;
    publisher.publish(vec![fixture.fact("d")]).await.unwrap();
    let events = fixture.received().await;
    let told: Vec<_> = events.iter().map(|e| (e.id, e.seq.0, e.epoch.0)).collect();
    let expected: Vec<_> = [("a", 1, 1), ("b", 2, 2), ("c", 3, 2), ("d", 4, 2)]
        .map(|(key, seq, epoch)| (fixture.fact(key).id, seq, epoch))
        .to_vec();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_stopped_publisher_says_so() {
    let fixture = Fixture::new();
    let (publisher, stop) = fixture.publisher(1).await;
    fixture.queue.broken.store(true, Ordering::SeqCst);
    let stuck = tokio::spawn({
        let (publisher, fact) = (publisher.clone(), fixture.fact("a"));
        async move { publisher.publish(vec![fact]).await }
    });
    // Stopped while the queue refuses: the caller must not take it for published.
    stop.cancel();
    assert!(matches!(stuck.await.unwrap(), Err(Error::Stopped)));
}

#[tokio::test]
async fn an_event_too_large_for_the_queues_is_cut_and_holds_up_nobody() {
    let fixture = Fixture::new();
    let (publisher, _stop) = fixture.publisher(1).await;
    let huge = Fact {
        body: EventBody::MessagesEdited(json!({
            "key": { "id": "3EB0" },
            "message": { "conversation": "x".repeat(2 * 1024 * 1024) },
        })),
        ..fixture.fact("huge")
    };
    publisher
        .publish(vec![huge, fixture.fact("after")])
        .await
        .unwrap();
    let events = fixture.received().await;
    assert_eq!(events.len(), 2);
    assert_eq!(
        events[0].data,
        json!({ "key": { "id": "3EB0" }, "message": {}, "truncated": true })
    );
}
