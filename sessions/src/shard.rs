//! The session database of one shard.

use std::collections::HashMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use object_store::path::Path;
use pombal_domain::{InstanceId, ShardId};
use pombal_store::keys::DataKey;
use slatedb::{CloseReason, Db, DbIterator, KeyValue};

use crate::cache::BlockCache;
use crate::clock::ShardClock;
use crate::commit::{Committer, Request};
use crate::damage::Doctor;
use crate::error::Error;
use crate::guard::Guard;
use crate::options::ShardDbOptions;
use crate::pace::Pace;
use crate::session::{Session, Shared};
use crate::settings::settings;

/// Why a shard's handle is of no more use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Another writer has opened the shard. Drop every socket of the shard at once.
    Fenced,
    /// A write to the object store failed for good. Drop the shard, then reopen it.
    Failed,
    /// Objects of the shard are damaged. Drop the shard, and don't reopen it by itself.
    Corrupt,
    /// This process closed it.
    Requested,
}

/// The session database of one shard. Clones share one database; dropping the last one
/// stops it without flushing write-behind rows.
#[derive(Clone)]
pub struct ShardDb(Arc<Inner>);

struct Inner {
    shard: ShardId,
    db: Db,
    doctor: Arc<Doctor>,
    committer: Committer,
    /// What all handles of one instance share while any of them lives.
    sessions: Mutex<HashMap<InstanceId, Weak<Shared>>>,
}

impl ShardDb {
    /// Opens the shard's database as its writer, creates it when absent, and fences the
    /// previous writer: that one's next commit fails with [`Error::Fenced`].
    ///
    /// # Errors
    /// [`Error::Fenced`] when a newer writer opened it meanwhile, [`Error::Corrupt`] when
    /// objects are damaged or missing, [`Error::Open`] when the object store fails.
    pub async fn open(options: ShardDbOptions) -> Result<Self, Error> {
        let shard = options.shard;
        let path = Path::from(format!("{}/{shard}", options.root.trim_matches('/')));
        let store = Arc::clone(&options.object_store);
        let wal_store = options.wal_object_store.clone();
        let doctor = Arc::new(Doctor::new(
            shard,
            path.clone(),
            Arc::clone(&store),
            wal_store.clone().unwrap_or_else(|| Arc::clone(&store)),
        ));
        let manifest = doctor.check_before_open().await?;
        let clock = Arc::new(ShardClock::default());
        if let Some(manifest) = &manifest {
            clock.catch_up_with_tables(manifest);
        }
        let (builder, wal_writes) = match wal_store {
            None => {
                let (store, writes) = Guard::watched(store, options.permit.clone());
                (Db::builder(path, store), writes)
            }
            Some(wal_store) => {
                let (wal_store, writes) = Guard::watched(wal_store, options.permit.clone());
                let builder = Db::builder(path, Guard::permitted(store, options.permit.clone()));
                (builder.with_wal_object_store(wal_store), writes)
            }
        };
        let mut builder = builder
            .with_settings(settings(&options))
            .with_system_clock(clock.clone());
        builder = match options.cache_bytes {
            0 => builder.with_db_cache_disabled(),
            bytes => builder.with_db_cache(Arc::new(BlockCache::new(bytes)), 0),
        };
        let opened = caught(Box::pin(async {
            let db = builder.build().await?;
            clock.catch_up(&db).await?;
            Ok(db)
        }));
        let db = match opened.await {
            Ok(db) => db,
            Err(source) => return Err(doctor.judge(source, Error::open).await),
        };
        let committer = Committer::start(
            shard,
            db.clone(),
            Arc::clone(&doctor),
            Pace::new(options.commit_interval, options.sustained_interval),
            wal_writes,
            options.medium.wal_objects_before_l0(),
        );
        let sessions = Mutex::default();
        Ok(Self(Arc::new(Inner {
            shard,
            db,
            doctor,
            committer,
            sessions,
        })))
    }

    /// The shard.
    #[must_use]
    pub fn shard(&self) -> ShardId {
        self.0.shard
    }

    /// The part of one instance. Handles of the same instance share its locks.
    #[must_use]
    pub fn session(&self, instance: InstanceId, data_key: DataKey) -> Session {
        let mut sessions = self
            .0
            .sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let live = sessions.get(&instance).and_then(Weak::upgrade);
        let shared = live.filter(|shared| !shared.is_over()).unwrap_or_else(|| {
            sessions.retain(|_, shared| shared.strong_count() > 0);
            let shared = Arc::new(Shared::default());
            sessions.insert(instance, Arc::downgrade(&shared));
            shared
        });
        Session::new(self.clone(), instance, data_key, shared)
    }

    /// Resolves when this handle is of no more use. A fenced writer learns it from its
    /// next commit, or from the manifest within 20 minutes (a bucket; 30 s on disk).
    pub async fn closed(&self) -> Closed {
        let mut status = self.0.db.subscribe();
        let reason = match status
            .wait_for(|status| status.close_reason.is_some())
            .await
        {
            Ok(status) => status.close_reason,
            Err(_) => None,
        };
        if self.0.doctor.verdict().is_some() {
            return Closed::Corrupt;
        }
        match reason {
            Some(CloseReason::Fenced) => Closed::Fenced,
            Some(CloseReason::Clean) => Closed::Requested,
            _ => Closed::Failed,
        }
    }

    /// Resolves when this handle learned that it is fenced; never for another reason.
    pub async fn fenced(&self) {
        if self.closed().await != Closed::Fenced {
            std::future::pending::<()>().await;
        }
    }

    /// For how long the storage has not answered the commit on its way. None: there is none.
    ///
    /// A storage that fails says so; one that is silent is tried again for ever.
    #[must_use]
    pub fn commit_pending_for(&self) -> Option<Duration> {
        self.0.committer.pending_for()
    }

    /// Makes everything durable, write-behind rows too, and closes the database.
    ///
    /// # Errors
    /// [`Error::Fenced`] or [`Error::Commit`] when the last rows could not be flushed,
    /// [`Error::Closed`] when it was closed before.
    pub async fn close(&self) -> Result<(), Error> {
        self.0.committer.close().await
    }

    pub(crate) async fn write(&self, request: Request) -> Result<(), Error> {
        self.0.committer.write(request).await
    }

    pub(crate) async fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        self.check_sound()?;
        match caught(self.0.db.get(key)).await {
            Ok(value) => Ok(value),
            Err(source) => Err(self.failed_read(source).await),
        }
    }

    /// Every row whose key starts with `prefix`, as key and sealed value.
    pub(crate) async fn scan(&self, prefix: &[u8]) -> Result<Vec<(Bytes, Bytes)>, Error> {
        let mut rows = self.rows(prefix).await?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().await? {
            found.push((row.key, row.value));
        }
        Ok(found)
    }

    /// The rows whose key starts with `prefix`, one by one, as they are now.
    pub(crate) async fn rows(&self, prefix: &[u8]) -> Result<SealedRows, Error> {
        self.check_sound()?;
        match caught(self.0.db.scan_prefix(prefix, ..)).await {
            Ok(rows) => Ok(SealedRows {
                db: self.clone(),
                rows,
            }),
            Err(source) => Err(self.failed_read(source).await),
        }
    }

    /// Fails once damage was found: what is read then may be older than what was written.
    fn check_sound(&self) -> Result<(), Error> {
        self.0.doctor.verdict().map_or(Ok(()), |v| Err(v.clone()))
    }

    async fn failed_read(&self, source: slatedb::Error) -> Error {
        let error = self.0.doctor.judge(source, Error::read).await;
        if matches!(error, Error::Corrupt { .. }) {
            self.0.committer.condemn().await;
        }
        error
    }
}

/// Rows with sealed values, in key order.
pub(crate) struct SealedRows {
    db: ShardDb,
    rows: DbIterator,
}

impl SealedRows {
    /// The next row; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<KeyValue>, Error> {
        match caught(self.rows.next()).await {
            Ok(row) => Ok(row),
            Err(source) => Err(self.db.failed_read(source).await),
        }
    }
}

/// `SlateDB` asserts what a sound table fulfils: on a damaged one it may panic instead of
/// returning an error.
pub(crate) async fn caught<T>(
    read: impl Future<Output = Result<T, slatedb::Error>>,
) -> Result<T, slatedb::Error> {
    match AssertUnwindSafe(read).catch_unwind().await {
        Ok(result) => result,
        Err(_) => Err(slatedb::Error::data("the database panicked".to_owned())),
    }
}

impl fmt::Debug for ShardDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShardDb")
            .field("shard", &self.0.shard)
            .finish_non_exhaustive()
    }
}
