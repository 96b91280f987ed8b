//! The part of one instance: its keys, its locks, and reading rows.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use pombal_domain::{Chain, InstanceId};
use pombal_store::keys::DataKey;
use tokio::sync::{Mutex, watch};

use crate::error::Error;
use crate::kind::Kind;
use crate::row_key::{PREFIX_BYTES, RowKey, RowKeys};
use crate::shard::ShardDb;
use crate::sweep::Oldest;

/// Point reads of one batch that run at a time.
const READS_AT_A_TIME: usize = 16;

/// Content of the key-check row. The number is the version of every row's layout.
const KEY_CHECK: &[u8] = b"pombal session v1";

/// The session of one instance: the `Backend` of `whatsapp-rust`, plus the event journal
/// and the connector's small rows. A cheap clone.
///
/// Each write is one atomic commit. Writes of one instance run one at a time until they
/// are applied in memory, so a read-modify-write sees no other write in between; they
/// then wait for their flush together.
#[derive(Clone)]
pub struct Session(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) db: ShardDb,
    pub(crate) instance: InstanceId,
    pub(crate) keys: RowKeys,
    data_key: DataKey,
    pub(crate) shared: Arc<Shared>,
    ready: AtomicBool,
    /// Set when this handle's user was stopped: see [`Session::revocable`].
    revoked: Arc<AtomicBool>,
}

/// Ends the handle that [`Session::revocable`] gave, and its clones.
#[derive(Debug, Clone)]
pub struct Revoker(Arc<AtomicBool>);

impl Revoker {
    /// From now on the handle reads and writes nothing. What it had handed to the committer
    /// before is applied first.
    pub fn revoke(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// What all handles of one instance share.
#[derive(Default)]
pub(crate) struct Shared {
    /// Held by a write until it is applied in memory.
    pub(crate) state: Arc<Mutex<State>>,
    wiped: AtomicBool,
    left: AtomicBool,
    /// The first row that was found damaged.
    damage: watch::Sender<Option<Error>>,
}

impl Shared {
    pub(crate) fn damage(&self) -> Option<Error> {
        self.damage.borrow().clone()
    }

    pub(crate) fn is_wiped(&self) -> bool {
        self.wiped.load(Ordering::Acquire)
    }

    /// Whether no handle may be used any more.
    pub(crate) fn is_over(&self) -> bool {
        self.is_wiped() || self.has_left()
    }

    pub(crate) fn has_left(&self) -> bool {
        self.left.load(Ordering::Acquire)
    }

    pub(crate) fn set_left(&self) {
        self.left.store(true, Ordering::Release);
    }

    pub(crate) fn set_wiped(&self) {
        self.wiped.store(true, Ordering::Release);
    }
}

/// Facts about the rows that are known without reading them. The default knows nothing.
#[derive(Default)]
pub(crate) struct State {
    /// The sequence number that was given out last.
    pub(crate) last_seq: Option<u64>,
    pub(crate) oldest: Oldest,
}

/// An opened row.
pub(crate) struct Row {
    pub(crate) key: RowKey,
    pub(crate) value: Vec<u8>,
}

impl Session {
    pub(crate) fn new(
        db: ShardDb,
        instance: InstanceId,
        data_key: DataKey,
        shared: Arc<Shared>,
    ) -> Self {
        let keys = RowKeys::new(instance, &data_key);
        let ready = AtomicBool::new(false);
        Self(Arc::new(Inner {
            db,
            instance,
            keys,
            data_key,
            shared,
            ready,
            revoked: Arc::default(),
        }))
    }

    /// A handle of its own for one user of the session, and the switch that ends it. A client
    /// that was told to stop may still have tasks: they must not write into the session of
    /// its successor, or into one that was wiped.
    #[must_use]
    pub fn revocable(&self) -> (Self, Revoker) {
        let inner = &self.0;
        let shared = Arc::clone(&inner.shared);
        let handle = Self::new(
            inner.db.clone(),
            inner.instance,
            inner.data_key.clone(),
            shared,
        );
        let revoker = Revoker(Arc::clone(&handle.0.revoked));
        (handle, revoker)
    }

    /// Fails when nothing may be read or written through this handle any more.
    pub(crate) fn check_usable(&self) -> Result<(), Error> {
        let instance = self.0.instance;
        if self.0.shared.is_wiped() {
            return Err(Error::Wiped { instance });
        }
        if self.0.shared.has_left() {
            return Err(Error::Left { instance });
        }
        if self.0.revoked.load(Ordering::Acquire) {
            return Err(Error::Revoked { instance });
        }
        Ok(())
    }

    /// The instance.
    #[must_use]
    pub fn instance(&self) -> InstanceId {
        self.0.instance
    }

    /// The shard's database.
    #[must_use]
    pub fn shard_db(&self) -> &ShardDb {
        &self.0.db
    }

    /// Resolves with the error once a row of the session turned out to be damaged. From then
    /// on every handle of the instance refuses to read or write session rows, so that the
    /// damaged one stays as it is; the journal and the connector's rows go on.
    pub async fn damaged(&self) -> Error {
        let mut damage = self.0.shared.damage.subscribe();
        // The sender lives as long as this handle.
        match damage.wait_for(Option::is_some).await.map(|e| e.clone()) {
            Ok(Some(error)) => error,
            _ => std::future::pending().await,
        }
    }

    /// Lets the session be used again, for a new attempt after the damage was repaired. If it
    /// was not, the next read of the row says so again.
    pub fn try_again(&self) {
        self.0.shared.damage.send_replace(None);
    }

    /// Fails when session rows may not be touched.
    pub(crate) fn check_whole(&self, kind: Kind) -> Result<(), Error> {
        match self.0.shared.damage() {
            Some(damage) if kind.is_session() => Err(damage),
            _ => Ok(()),
        }
    }

    /// Raises the alarm for damage of this instance, once, and passes the error on.
    pub(crate) fn alarm(&self, error: Error) -> Error {
        self.0.shared.damage.send_if_modified(|damage| {
            if damage.is_some() {
                return false;
            }
            tracing::error!(
                alarm = "session.corrupt",
                instance.id = %self.0.instance,
                error = %Chain(&error),
                "session damaged; left as it is, the instance stays closed"
            );
            *damage = Some(error.clone());
            true
        });
        error
    }

    pub(crate) fn data_key(&self) -> &DataKey {
        &self.0.data_key
    }

    pub(crate) fn keys(&self) -> &RowKeys {
        &self.0.keys
    }

    /// Row keys are hashed under the data key, so under a wrong key every row would look
    /// absent and the instance would silently get a new identity. One row with a fixed
    /// key proves the data key before anything else is read or written.
    pub(crate) async fn ready(&self) -> Result<(), Error> {
        let inner = &self.0;
        self.check_usable()?;
        if inner.ready.load(Ordering::Acquire) {
            return Ok(());
        }
        let key = inner.keys.only(Kind::KeyCheck);
        let mut write = self.lock().await;
        let instance = inner.instance;
        match inner.db.get(&key.bytes).await? {
            Some(sealed) => {
                let plain = inner.data_key.open(&key.bytes, &sealed);
                let plain = plain.map_err(|_| Error::WrongKey { instance })?;
                if plain != KEY_CHECK {
                    let kind = Kind::KeyCheck;
                    return Err(self.alarm(Error::Malformed { instance, kind }));
                }
            }
            None => {
                if !inner
                    .db
                    .scan(&inner.keys.instance_prefix())
                    .await?
                    .is_empty()
                {
                    let missing = Kind::KeyCheck;
                    return Err(self.alarm(Error::Incomplete { instance, missing }));
                }
                // Applied before any other row, so durable no later than the first.
                write.put(&key, KEY_CHECK)?;
                write.commit_behind().await?;
            }
        }
        inner.ready.store(true, Ordering::Release);
        Ok(())
    }

    /// The opened value of a row.
    pub(crate) async fn get(&self, key: &RowKey) -> Result<Option<Vec<u8>>, Error> {
        self.ready().await?;
        self.check_whole(key.kind)?;
        let sealed = self.0.db.get(&key.bytes).await?;
        sealed.map(|sealed| self.open(key, &sealed)).transpose()
    }

    /// The opened values of several rows, in the order of `keys`.
    pub(crate) async fn get_many(&self, keys: &[RowKey]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let reads = keys.iter().cloned().map(|key| {
            let session = self.clone();
            async move { session.get(&key).await }
        });
        stream::iter(reads)
            .buffered(READS_AT_A_TIME)
            .try_collect()
            .await
    }

    /// Every row of the kind.
    pub(crate) async fn scan(&self, kind: Kind) -> Result<Vec<Row>, Error> {
        self.scan_prefix(kind, self.keys().prefix(kind)).await
    }

    /// Every row of the kind whose key starts with `prefix`.
    pub(crate) async fn scan_prefix(&self, kind: Kind, prefix: Bytes) -> Result<Vec<Row>, Error> {
        debug_assert!(prefix.len() >= PREFIX_BYTES);
        self.ready().await?;
        self.check_whole(kind)?;
        let rows = self.0.db.scan(&prefix).await?;
        rows.into_iter()
            .map(|(bytes, sealed)| {
                let key = RowKey { kind, bytes };
                let value = self.open(&key, &sealed)?;
                Ok(Row { key, value })
            })
            .collect()
    }

    pub(crate) fn seal(&self, key: &RowKey, plain: &[u8]) -> Result<Vec<u8>, Error> {
        self.0
            .data_key
            .seal(&key.bytes, plain)
            .map_err(|_| Error::Seal {
                instance: self.0.instance,
                kind: key.kind,
            })
    }

    pub(crate) fn open(&self, key: &RowKey, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        self.0.data_key.open(&key.bytes, sealed).map_err(|source| {
            self.alarm(Error::Unopenable {
                instance: self.0.instance,
                kind: key.kind,
                source,
            })
        })
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("instance", &self.0.instance)
            .finish_non_exhaustive()
    }
}
