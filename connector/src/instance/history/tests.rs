//! The teller over a real session database and a real queue that can be broken.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use pombal_domain::{Epoch, EventName, InstanceName, ShardId};
use pombal_sessions::{ShardDb, ShardDbOptions, local_store};
use pombal_store::queue::sqlite::QueueFile;
use pombal_store::queue::{Error as QueueError, Incoming, Outgoing, QueueOptions, Receipt};
use pombal_store::{DataKey, Queue};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use whatsapp_rust::waproto::buffa::{Message as _, MessageField};
use whatsapp_rust::waproto::whatsapp as wa;
use whatsapp_rust::waproto::whatsapp::history_sync::HistorySyncType;

use super::*;
use crate::publish::{Origin, Publisher};

const PATIENCE: Duration = Duration::from_secs(30);

/// A queue that takes so many messages and no more.
struct Limited {
    queue: Arc<dyn Queue>,
    room: AtomicUsize,
}

#[async_trait]
impl Queue for Limited {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), QueueError> {
        let taken = |room: usize| room.checked_sub(messages.len());
        match self
            .room
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, taken)
        {
            Ok(_) => self.queue.send(messages).await,
            Err(_) => Err(QueueError::Storage("full on purpose".into())),
        }
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

struct Rig {
    dir: TempDir,
    id: InstanceId,
    key: DataKey,
    queue: Arc<Limited>,
    told: Vec<pombal_domain::Event>,
}

/// Dropping it ends an owner in the middle of what it does.
struct Killer {
    publisher: CancellationToken,
    _teller: AbortOnDropHandle<()>,
}

impl Drop for Killer {
    fn drop(&mut self) {
        self.publisher.cancel();
    }
}

impl Rig {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = QueueOptions {
            fifo: true,
            visibility: Duration::from_secs(60),
            max_receives: None,
        };
        let queue = QueueFile::open(dir.path().join("q.db")).unwrap();
        let queue = Limited {
            queue: queue.queue("events", options).unwrap(),
            room: AtomicUsize::new(0),
        };
        Self {
            queue: Arc::new(queue),
            id: InstanceId::random(),
            key: DataKey::random().unwrap(),
            told: Vec::new(),
            dir,
        }
    }

    /// A new owner of the shard: its session and teller, and what kills it.
    async fn owner(&self, epoch: u64) -> (Session, HistoryHandle, Killer) {
        let store = local_store(self.dir.path().join("sessions")).unwrap();
        let options = ShardDbOptions::local(store, "s", ShardId(0));
        let db = ShardDb::open(options).await.unwrap();
        let session = db.session(self.id, self.key.clone());
        let origin = Origin {
            id: self.id,
            name: InstanceName::parse("b1").unwrap(),
            epoch: Epoch(epoch),
        };
        let stop = CancellationToken::new();
        let queue = Arc::clone(&self.queue) as Arc<dyn Queue>;
        let publisher = Publisher::start(origin, session.clone(), queue, stop.clone());
        let teller = HistoryTeller {
            instance: self.id,
            session: session.clone(),
            publisher,
            settings: watch::Sender::new(Settings::default()).subscribe(),
        };
        let (handle, task) = teller.start();
        let killer = Killer {
            publisher: stop,
            _teller: task,
        };
        (session, handle, killer)
    }

    /// Takes what is in the queue.
    async fn collect(&mut self) {
        for message in self.queue.receive(10, Duration::ZERO).await.unwrap() {
            self.told.push(serde_json::from_str(&message.body).unwrap());
            self.queue.ack(&[message.receipt]).await.unwrap();
        }
    }

    /// The texts told so far, in order.
    fn texts(&self) -> Vec<&str> {
        let sets = self.told.iter();
        let sets = sets.filter(|event| event.event == EventName::MessagesSet);
        let messages = sets.flat_map(|event| event.data.as_array().unwrap());
        messages
            .map(|it| it["message"]["conversation"].as_str().unwrap())
            .collect()
    }
}

/// How many chunks the shelf names.
async fn waiting(session: &Session) -> usize {
    let list = session.get_meta("history").await.unwrap();
    let list: Value = serde_json::from_slice(&list.unwrap_or_else(|| b"{}".to_vec())).unwrap();
    list["waiting"].as_array().map_or(0, Vec::len)
}

async fn until_waiting(session: &Session, count: usize) {
    let begun = Instant::now();
    while waiting(session).await != count {
        assert!(begun.elapsed() < PATIENCE, "{count} chunks wait");
        sleep(Duration::from_millis(5)).await;
    }
}

/// A chunk with one chat, in which Ana has written these texts.
fn chunk(order: u32, kind: HistorySyncType, chat: &str, texts: &[String]) -> Arc<Event> {
    let messages = texts.iter().enumerate().map(|(n, text)| {
        let message = wa::WebMessageInfo {
            key: MessageField::some(wa::MessageKey {
                remote_jid: Some(chat.to_owned()),
                from_me: Some(false),
                id: Some(format!("3EB0{order:04}{n:04}")),
                ..Default::default()
            }),
            message: MessageField::some(wa::Message {
                conversation: Some(text.clone()),
                ..Default::default()
            }),
            message_timestamp: Some(1_700_000_000),
            ..Default::default()
        };
        wa::HistorySyncMsg {
            message: MessageField::some(message),
            ..Default::default()
        }
    });
    let sync = wa::HistorySync {
        sync_type: kind,
        conversations: vec![wa::Conversation {
            id: chat.to_owned(),
            name: Some("Ana's office".to_owned()),
            messages: messages.collect(),
            ..Default::default()
        }],
        pushnames: vec![wa::Pushname {
            id: Some(chat.to_owned()),
            pushname: Some("Ana".to_owned()),
        }],
        ..Default::default()
    };
    let bytes = sync.encode_to_vec();
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(&bytes).unwrap();
    let compressed = zlib.finish().unwrap().into();
    let lazy = LazyHistorySync::new(compressed, bytes.len(), kind as i32, Some(order), None);
    Arc::new(Event::HistorySync(Box::new(lazy)))
}

fn texts(of: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{of} {n}")).collect()
}

const ANA: &str = "5511999990001@s.whatsapp.net";
const RECENT: HistorySyncType = HistorySyncType::RECENT;

#[tokio::test]
async fn what_is_on_the_shelf_survives_and_is_told_once_under_its_ids() {
    let mut rig = Rig::new();
    let (first, second) = (texts("first", 450), texts("second", 10));
    let (session, teller, stop) = rig.owner(1).await;
    // The client fetches several at once.
    teller.take(chunk(2, RECENT, ANA, &second));
    teller.take(chunk(1, RECENT, ANA, &first));
    until_waiting(&session, 2).await;
    // Chats and one piece of messages get through before the process dies.
    rig.queue.room.store(2, Ordering::SeqCst);
    while rig.told.len() < 2 {
        rig.collect().await;
    }
    drop(stop);

    rig.queue.room.store(usize::MAX, Ordering::SeqCst);
    let (session, _teller, _stop) = rig.owner(2).await;
    until_waiting(&session, 0).await;
    rig.collect().await;
    rig.collect().await;
    let mut ids: Vec<_> = rig.told.iter().map(|event| event.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), rig.told.len(), "nothing is told twice");
    let mut wanted = [first, second].concat();
    let mut told = rig.texts();
    // Which chunk was begun before the other came is a matter of luck; each is whole.
    wanted.sort();
    told.sort_unstable();
    assert_eq!(told, wanted);
    assert!(session.get_meta("history/0").await.unwrap().is_none());
    assert!(session.get_meta("history/1").await.unwrap().is_none());
}

#[tokio::test]
async fn a_chunk_is_chats_then_messages_in_order_then_contacts() {
    let mut rig = Rig::new();
    rig.queue.room.store(usize::MAX, Ordering::SeqCst);
    let (session, teller, _stop) = rig.owner(1).await;
    let wanted = texts("text", 250);
    teller.take(chunk(1, RECENT, ANA, &wanted));
    while rig.told.len() < 4 {
        rig.collect().await;
    }
    until_waiting(&session, 0).await;
    let names: Vec<_> = rig.told.iter().map(|event| event.event).collect();
    assert_eq!(
        names,
        [
            EventName::ChatsSet,
            EventName::MessagesSet,
            EventName::MessagesSet,
            EventName::ContactsUpsert
        ]
    );
    assert_eq!(rig.texts(), wanted);
    let chat = serde_json::json!([
        { "remoteJid": ANA, "instanceId": rig.id, "name": "Ana's office" }
    ]);
    assert_eq!(rig.told[0].data, chat);
    let message = &rig.told[1].data[0];
    assert_eq!(
        (
            &message["key"]["remoteJid"],
            &message["pushName"],
            &message["messageType"]
        ),
        (&ANA.into(), &"Ana".into(), &"conversation".into())
    );
    let contacts = rig.told[3].data.as_array().unwrap();
    let called: Vec<_> = contacts
        .iter()
        .map(|it| it["pushName"].as_str().unwrap())
        .collect();
    assert_eq!(called, ["Ana's office", "Ana"]);
}

#[tokio::test]
async fn an_account_that_is_gone_has_no_history() {
    let mut rig = Rig::new();
    let (session, teller, _stop) = rig.owner(1).await;
    teller.take(chunk(1, RECENT, ANA, &texts("text", 300)));
    teller.take(chunk(2, RECENT, ANA, &texts("more", 3)));
    until_waiting(&session, 2).await;
    // The first piece waits in the journal by now; the rest must not follow it.
    let forgotten = tokio::spawn(async move {
        teller.forget().await;
        teller
    });
    rig.queue.room.store(usize::MAX, Ordering::SeqCst);
    let teller = forgotten.await.unwrap();
    assert_eq!(waiting(&session).await, 0);
    // A full history that nobody has asked for is not told either.
    teller.take(chunk(3, HistorySyncType::FULL, ANA, &texts("full", 3)));
    teller.take(chunk(4, RECENT, ANA, &texts("new", 3)));
    while !rig.texts().contains(&"new 2") {
        rig.collect().await;
    }
    assert!(
        !rig.texts()
            .iter()
            .any(|it| it.starts_with("more") || it.starts_with("full"))
    );
}
