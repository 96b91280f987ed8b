//! Instances that change shards, without WhatsApp: rows, commands, and what may fail.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use pombal_connector::{Connector, ConnectorOptions, Endpoint, Seams};
use pombal_domain::command::SendText;
use pombal_domain::time::UnixMs;
use pombal_domain::{
    Command, CommandId, ConnectionState, ConnectorId, Desired, Event, Instance, InstanceId,
    MessageId, MoveId, OldOwner, Op, Recipient, Reply, ShardId, StatusReason,
};
use pombal_sessions::{Depot, JournalRow, Label, Medium, ShardDb, ShardDbOptions};
use pombal_store::keys::file::FileKeys;
use pombal_store::queue::sqlite::QueueFile;
use pombal_store::queue::{Outgoing, QueueOptions};
use pombal_store::registry::Handover;
use pombal_store::{Keys, Registry, registry};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(60);
const ROOT: &str = "sessions";
const FROM: ShardId = ShardId(0);
const TO: ShardId = ShardId(1);
/// A shard's owner looks at its rows this often, here.
const RECONCILE: Duration = Duration::from_millis(200);

/// A bucket that may refuse parcels.
#[derive(Debug, Default)]
struct Bucket {
    objects: InMemory,
    refuses_parcels: AtomicBool,
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bucket")
    }
}

#[async_trait]
impl ObjectStore for Bucket {
    async fn put_opts(&self, at: &Path, data: PutPayload, opts: PutOptions) -> Result<PutResult> {
        if at.as_ref().contains("/moves/") && self.refuses_parcels.load(Ordering::SeqCst) {
            return Err(object_store::Error::Generic {
                store: "test",
                source: "no parcels today".into(),
            });
        }
        self.objects.put_opts(at, data, opts).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.objects.put_multipart_opts(at, opts).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.objects.get_opts(at, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.objects.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.objects.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.objects.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.objects.copy_opts(from, to, options).await
    }
}

/// A deployment of two shards and one instance, which wants no socket.
struct House {
    registry: Registry,
    bucket: Arc<Bucket>,
    seams: Seams,
    row: Instance,
    _dir: tempfile::TempDir,
}

impl House {
    async fn build() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = registry::embedded::open(dir.path().join("registry.db"));
        let registry = registry.await.unwrap();
        let queues = QueueFile::open(dir.path().join("queues.db")).unwrap();
        let queue = |name: &str| {
            let options = QueueOptions {
                fifo: true,
                visibility: Duration::from_secs(30),
                max_receives: None,
            };
            queues.queue(name, options).unwrap()
        };
        let keys = FileKeys::open(dir.path().join("master.key")).unwrap();
        let row = row(&keys).await;
        registry.create_instance(&row).await.unwrap();
        let bucket = Arc::new(Bucket::default());
        let seams = Seams {
            registry: registry.clone(),
            keys: Arc::new(keys),
            sessions: bucket.clone(),
            sessions_root: ROOT.to_owned(),
            sessions_medium: Medium::LocalDisk,
            events: queue("events"),
            commands: BTreeMap::from([(FROM, queue("commands-0")), (TO, queue("commands-1"))]),
        };
        Self {
            registry,
            bucket,
            seams,
            row,
            _dir: dir,
        }
    }

    /// Starts a connector that owns both shards.
    fn start(&self) -> Running {
        let endpoint = Endpoint::parse("ws://127.0.0.1:9/ws/chat").unwrap();
        let options = ConnectorOptions {
            lease: None,
            reconcile_interval: RECONCILE,
            ..ConnectorOptions::new(endpoint)
        };
        let connector = Connector::new(options, self.seams.clone()).unwrap();
        let drain = CancellationToken::new();
        let task = tokio::spawn(connector.run(drain.clone()));
        Running { drain, task }
    }

    async fn row(&self) -> Instance {
        let row = self.registry.instance(&self.row.name).await;
        row.unwrap().unwrap()
    }

    async fn ask(&self, to: ShardId) {
        let asked = self.registry.ask_to_move(&self.row.name, self.row.id, to);
        asked.await.unwrap();
    }

    /// Waits until the row is like that.
    async fn until(&self, what: &str, is: impl Fn(&Instance) -> bool) -> Instance {
        let end = Instant::now() + PATIENCE;
        loop {
            let row = self.row().await;
            if is(&row) {
                return row;
            }
            assert!(Instant::now() < end, "{what}: {row:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn until_settled_on(&self, shard: ShardId) -> Instance {
        let row = self.until("it lives there", |row| {
            row.shard == shard && !row.transit.is_under_way()
        });
        row.await
    }

    /// Waits until nothing is left on a shard that it has left.
    async fn until_cleared(&self, shard: ShardId) {
        let end = Instant::now() + PATIENCE;
        while let Some(remains) = self.registry.remains(self.row.id, shard).await.unwrap() {
            assert!(Instant::now() < end, "{remains:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn depot(&self) -> Depot {
        Depot::new(self.bucket.clone(), ROOT)
    }

    async fn db(&self, shard: ShardId) -> ShardDb {
        let options = ShardDbOptions::local(self.bucket.clone(), ROOT, shard);
        ShardDb::open(options).await.unwrap()
    }

    /// Sends a command to a shard's queue.
    async fn send(&self, shard: ShardId, op: Op, ttl: Duration) -> CommandId {
        let command = Command {
            id: CommandId::random(),
            instance: self.row.id,
            name: self.row.name.clone(),
            not_after: UnixMs::now().plus(ttl),
            reply: true,
            op,
        };
        let message = Outgoing::fifo(&command, command.group(), command.id.to_string());
        let messages = [message.unwrap()];
        let sent = self.seams.commands[&shard].send(&messages);
        sent.await.unwrap();
        command.id
    }

    async fn reply(&self, command: CommandId) -> Reply {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(reply) = self.registry.reply(command).await.unwrap() {
                return reply;
            }
            assert!(Instant::now() < end, "no reply");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Takes the events that are there by now.
    async fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let queue = &self.seams.events;
            let batch = queue.receive(10, Duration::ZERO).await.unwrap();
            if batch.is_empty() {
                return events;
            }
            events.extend(
                batch
                    .iter()
                    .map(|m| serde_json::from_str::<Event>(&m.body).unwrap()),
            );
            let receipts: Vec<_> = batch.into_iter().map(|m| m.receipt).collect();
            queue.ack(&receipts).await.unwrap();
        }
    }
}

struct Running {
    drain: CancellationToken,
    task: JoinHandle<std::result::Result<(), pombal_connector::Error>>,
}

impl Running {
    async fn stop(self) {
        self.drain.cancel();
        self.task.await.unwrap().unwrap();
    }
}

async fn row(keys: &dyn Keys) -> Instance {
    let id = InstanceId::random();
    let (_, data_key) = keys.generate(id).await.unwrap();
    Instance {
        token_hash: id.as_uuid().simple().to_string().repeat(2),
        data_key,
        generation: 1,
        ..Instance::untouched(id, "ana".parse().unwrap(), FROM, UnixMs(0))
    }
}

fn text() -> Op {
    Op::SendText(Box::new(SendText {
        to: Recipient::parse("5511999990001").unwrap(),
        text: "late".to_owned(),
        message_id: MessageId::random(),
        delay_ms: 0,
        quoted: None,
        mentioned: Vec::new(),
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_follow_and_events_go_on() {
    let house = House::build().await;
    let running = house.start();
    // It settles its wish for no socket, and says so.
    let nudge = house.send(FROM, Op::Reconcile, PATIENCE).await;
    assert_eq!(house.reply(nudge).await, Reply::Done);
    // It is not connected, so the text waits in the first shard's queue.
    let waits = house.send(FROM, text(), Duration::from_secs(4)).await;
    house.ask(TO).await;
    house.until_settled_on(TO).await;
    // Sent by somebody who has read the row before.
    let stray = house.send(FROM, Op::Reconcile, PATIENCE).await;
    let expired = house.send(FROM, text(), Duration::ZERO).await;
    assert_eq!(house.reply(stray).await, Reply::Done);
    for text in [waits, expired] {
        assert_eq!(house.reply(text).await, Reply::TimedOut);
    }
    house.until_cleared(FROM).await;
    assert_eq!(house.depot().older(TO, Duration::ZERO).await.unwrap(), []);

    // And back, into the queue that knows these commands.
    let waits = house.send(TO, text(), Duration::from_secs(4)).await;
    house.ask(FROM).await;
    house.until_settled_on(FROM).await;
    assert_eq!(house.reply(waits).await, Reply::TimedOut);
    house.until_cleared(TO).await;
    running.stop().await;

    let events = house.events().await;
    let places: Vec<_> = events
        .iter()
        .map(|event| (event.epoch.0, event.seq.0))
        .collect();
    let seqs: Vec<_> = places.iter().map(|(_, seq)| *seq).collect();
    let all: Vec<u64> = (1..=events.len() as u64).collect();
    assert_eq!(seqs, all, "one event per number, in order: {places:?}");
    assert!(places.is_sorted(), "{places:?}");
    let told = |name: &str| events.iter().filter(|e| e.event.dotted() == name).count();
    assert_eq!(told("messages.update"), 3, "each text once: {events:?}");
    assert_eq!(places.last(), Some(&(3, *all.last().unwrap())));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_whose_parcel_can_not_be_put_goes_on_where_it_is() {
    let house = House::build().await;
    house.bucket.refuses_parcels.store(true, Ordering::SeqCst);
    let running = house.start();
    house.ask(TO).await;
    let tried = house.until("it is tried", |row| row.transit.departing.is_some());
    let first = tried.await.transit.departing;
    let again = house.until("it is tried again", |row| row.transit.departing != first);
    assert_eq!(again.await.shard, FROM);
    let nudge = house.send(FROM, Op::Reconcile, PATIENCE).await;
    assert_eq!(house.reply(nudge).await, Reply::Done);
    assert_eq!(house.row().await.shard, FROM);
    house.bucket.refuses_parcels.store(false, Ordering::SeqCst);
    house.until_settled_on(TO).await;
    house.until_cleared(FROM).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_parcel_an_instance_stays_closed_and_nothing_is_wiped() {
    let house = House::build().await;
    let registry = &house.registry;
    let attempt = MoveId::random();
    let label = Label {
        to: TO,
        instance: house.row.id,
        attempt,
    };
    let key = house.seams.keys.unwrap(house.row.id, &house.row.data_key);
    let key = key.await.unwrap();
    // What the owner of the first shard does, but the parcel gets lost.
    let db = house.db(FROM).await;
    let session = db.session(house.row.id, key.clone());
    session.put_meta("kept", b"kept", true).await.unwrap();
    let event = JournalRow::new(pombal_domain::EventId::random(), |_| b"null".to_vec());
    session.journal_append(vec![event]).await.unwrap();
    let parcel = session.leave(attempt).await.unwrap();
    db.close().await.unwrap();
    let owner = ConnectorId::random();
    let fresh = registry.shard(FROM).await.unwrap();
    let epoch = registry.take_shard(&fresh, owner, OldOwner::None);
    let epoch = epoch.await.unwrap();
    house.ask(TO).await;
    let row = house.row().await;
    registry.begin_departure(&row, TO, attempt).await.unwrap();
    let handover = Handover {
        instance: &row,
        attempt,
        to: TO,
        owner,
        epoch,
    };
    registry.hand_over(handover).await.unwrap();

    for lost in [None, Some(b"something else".to_vec())] {
        if let Some(other) = lost {
            house.depot().put(label, other).await.unwrap();
        }
        let running = house.start();
        let closed = house.until("it shows that it is damaged", |row| {
            row.observed.state == ConnectionState::Close && row.observed.reason == StatusReason(500)
        });
        assert_eq!(closed.await.transit.arriving, Some(attempt));
        // A wish does not start it either, with an empty session.
        let wish = registry.set_desired(&row.name, row.id, Desired::Connected, None);
        wish.await.unwrap();
        house.send(TO, Op::Reconcile, PATIENCE).await;
        let closed = house.until("the wish is answered", |row| {
            row.observed.generation == row.generation
        });
        assert_eq!(closed.await.observed.reason, StatusReason(500));
        running.stop().await;
        assert!(registry.remains(row.id, FROM).await.unwrap().is_some());
    }
    let db = house.db(FROM).await;
    let kept = db.session(row.id, key.clone()).get_meta("kept").await;
    assert_eq!(kept.unwrap().as_deref(), Some(&b"kept"[..]));
    db.close().await.unwrap();

    // An operator puts it back.
    house.depot().put(label, parcel).await.unwrap();
    let wish = registry.set_desired(&row.name, row.id, Desired::Disconnected, None);
    wish.await.unwrap();
    let running = house.start();
    house.until_settled_on(TO).await;
    house.until_cleared(FROM).await;
    running.stop().await;
    assert_eq!(house.depot().get(label).await.unwrap(), None);
    for (shard, wanted) in [(FROM, None), (TO, Some(&b"kept"[..]))] {
        let db = house.db(shard).await;
        let kept = db.session(row.id, key.clone()).get_meta("kept").await;
        assert_eq!(kept.unwrap().as_deref(), wanted);
        db.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_deleted_on_the_way_leaves_nothing() {
    let house = House::build().await;
    let running = house.start();
    let nudge = house.send(FROM, Op::Reconcile, PATIENCE).await;
    assert_eq!(house.reply(nudge).await, Reply::Done);
    house.ask(TO).await;
    house.send(FROM, Op::Reconcile, PATIENCE).await;
    let shard = house.registry.delete_instance(&house.row).await.unwrap();
    house.send(shard, Op::Reconcile, PATIENCE).await;
    let end = Instant::now() + PATIENCE;
    loop {
        let left = [
            house
                .registry
                .tombstone(house.row.id)
                .await
                .unwrap()
                .is_some(),
            house
                .registry
                .remains(house.row.id, FROM)
                .await
                .unwrap()
                .is_some(),
        ];
        if left == [false, false] {
            break;
        }
        assert!(Instant::now() < end, "{left:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    running.stop().await;
    for shard in [FROM, TO] {
        let db = house.db(shard).await;
        // Under another key: there is not even the row that proves one.
        let other = pombal_store::DataKey::random().unwrap();
        let session = db.session(house.row.id, other);
        assert_eq!(session.journal_unsent().await.unwrap(), []);
        db.close().await.unwrap();
    }
}
