//! What is wrong with which object, and how a failure of the database is judged.

use std::fmt;
use std::sync::Arc;

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use pombal_domain::ShardId;
use slatedb::admin::Admin;
use slatedb::{CloseReason, ErrorKind, SstReader, VersionedManifest, WalReader};
use tokio::sync::OnceCell;
use ulid::Ulid;

use crate::error::Error;
use crate::guard::{Guard, is_in_wal};
use crate::shard::caught;

/// Objects that one [`Error::Corrupt`] names at most.
const NAMED: usize = 8;

/// An object of a shard's database that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct Damage {
    /// Where it is in the object store.
    pub path: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Damage {
    pub(crate) fn new(path: impl fmt::Display, problem: impl Into<String>) -> Self {
        Self {
            path: path.to_string(),
            problem: problem.into(),
        }
    }

    /// The damage that an error of a lower layer carries.
    fn within(mut error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        loop {
            if let Some(damage) = error.downcast_ref::<Self>() {
                return Some(damage.clone());
            }
            let lost = error.downcast_ref::<object_store::Error>().or_else(|| {
                error
                    .downcast_ref::<Arc<object_store::Error>>()
                    .map(Arc::as_ref)
            });
            if let Some(object_store::Error::NotFound { path, .. }) = lost {
                return Some(Self::new(path, "missing"));
            }
            error = error.source()?;
        }
    }
}

/// What a look before opening found.
enum Found {
    Sound(Option<Box<VersionedManifest>>),
    Damaged(Damage),
}

/// Tells damage from a failure that may pass. The first damage found is the verdict on the
/// whole shard: nothing may be written after it.
pub(crate) struct Doctor {
    shard: ShardId,
    root: Path,
    store: Arc<dyn ObjectStore>,
    wal_store: Arc<dyn ObjectStore>,
    verdict: OnceCell<Error>,
}

impl Doctor {
    /// For the database at `root` of these stores.
    pub(crate) fn new(
        shard: ShardId,
        root: Path,
        store: Arc<dyn ObjectStore>,
        wal_store: Arc<dyn ObjectStore>,
    ) -> Self {
        Self {
            shard,
            root,
            store: Guard::once(store),
            wal_store: Guard::once(wal_store),
            verdict: OnceCell::new(),
        }
    }

    /// [`Error::Corrupt`], once damage was found.
    pub(crate) fn verdict(&self) -> Option<&Error> {
        self.verdict.get()
    }

    /// `otherwise`, unless `source` comes from damage: then the verdict.
    pub(crate) async fn judge(
        &self,
        source: slatedb::Error,
        otherwise: fn(ShardId, slatedb::Error) -> Error,
    ) -> Error {
        let named = Damage::within(&source);
        let suspicious = match source.kind() {
            // A bit of a table may also decode to nonsense that fails a sanity check.
            ErrorKind::Data | ErrorKind::Internal | ErrorKind::Invalid => true,
            // A task in the background found what it did not expect.
            ErrorKind::Closed(CloseReason::Panic) => true,
            _ => named.is_some(),
        };
        if !suspicious {
            return otherwise(self.shard, source);
        }
        let certain = named.is_some() || source.kind() == ErrorKind::Data;
        let mut damage = self.examine().await;
        if let Some(named) = named.filter(|named| damage.iter().all(|d| d.path != named.path)) {
            damage.insert(0, named);
        }
        if damage.is_empty() {
            if !certain {
                return otherwise(self.shard, source);
            }
            damage.push(Damage::new(&self.root, source.to_string()));
        }
        self.condemn(damage).await
    }

    /// Passes the verdict, if there is none yet.
    pub(crate) async fn condemn(&self, mut damage: Vec<Damage>) -> Error {
        let found = damage.len();
        damage.truncate(NAMED);
        let verdict = self.verdict.get_or_init(|| async {
            for Damage { path, problem } in &damage {
                tracing::error!(
                    alarm = "session.corrupt",
                    shard = %self.shard,
                    object.path = path,
                    problem,
                    objects.count = found,
                    "session storage damaged; left as it is, the shard stays closed"
                );
            }
            Error::Corrupt {
                shard: self.shard,
                damage: damage.into(),
            }
        });
        verdict.await.clone()
    }

    /// Damage that opening the database would not notice, and would even write over.
    ///
    /// Without a manifest it starts anew. And it finds the end of the log by asking for ids in
    /// growing steps (`wal/slatedb/store.rs`): where one is missing it may see an end, and drop
    /// what comes after.
    ///
    /// Returns the manifest; a new shard has none.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for the damage, and [`Error::Open`].
    pub(crate) async fn check_before_open(&self) -> Result<Option<Box<VersionedManifest>>, Error> {
        match self.missing().await {
            Ok(Found::Sound(manifest)) => Ok(manifest),
            Ok(Found::Damaged(damage)) => Err(self.condemn(vec![damage]).await),
            Err(source) => Err(self.judge(source, Error::open).await),
        }
    }

    async fn missing(&self) -> Result<Found, slatedb::Error> {
        // The log first: what is collected meanwhile, the manifest read later knows of.
        let log = WalReader::new(self.root.clone(), Arc::clone(&self.wal_store));
        let log: Vec<u64> = log.list(..).await?.iter().map(|file| file.id).collect();
        let admin = Admin::builder(self.root.clone(), Arc::clone(&self.store)).build();
        let Some(manifest) = admin.read_manifest(None).await? else {
            return Ok(match self.anything().await? {
                None => Found::Sound(None),
                Some(object) => {
                    let problem = format!("no manifest is left, but {object} is there");
                    let manifests = self.root.clone().join("manifest");
                    Found::Damaged(Damage::new(manifests, problem))
                }
            });
        };
        let live = log
            .into_iter()
            .filter(|id| *id > manifest.replay_after_wal_id());
        let mut expected = manifest.replay_after_wal_id() + 1;
        for id in live {
            for skipped in expected..id {
                // A list may miss what an older owner writes meanwhile.
                if !self.in_log(skipped).await? {
                    let damage = Damage::new(self.wal_path(skipped), "missing");
                    return Ok(Found::Damaged(damage));
                }
            }
            expected = id + 1;
        }
        Ok(Found::Sound(Some(Box::new(manifest))))
    }

    async fn in_log(&self, id: u64) -> Result<bool, slatedb::Error> {
        match self.wal_store.head(&self.wal_path(id)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(source) => Err(unavailable(source)),
        }
    }

    /// Any object of the shard.
    async fn anything(&self) -> Result<Option<Path>, slatedb::Error> {
        for store in [&self.store, &self.wal_store] {
            let object = store.list(Some(&self.root)).try_next().await;
            let object = object.map_err(unavailable)?;
            if let Some(object) = object {
                return Ok(Some(object.location));
            }
        }
        Ok(None)
    }

    fn wal_path(&self, id: u64) -> Path {
        self.root.clone().join("wal").join(format!("{id:020}.sst"))
    }

    /// Reads every object of the shard and names the damaged ones.
    async fn examine(&self) -> Vec<Damage> {
        let mut damage = Vec::new();
        // An object that can't be read for another reason says nothing.
        let objects: Vec<_> = self
            .store
            .list(Some(&self.root))
            .try_collect()
            .await
            .unwrap_or_default();
        let tables = SstReader::new(self.root.clone(), Arc::clone(&self.store), None, None);
        for object in objects {
            let at = object.location;
            let found = match at.extension() {
                // Those in the WAL's folder are for the log's own reader.
                Some("sst") if is_in_wal(&at) => None,
                Some("sst") => self.examine_table(&tables, &at).await,
                _ => self.examine_whole(&at).await,
            };
            damage.extend(found);
        }
        damage.extend(self.examine_wal().await);
        damage
    }

    async fn examine_whole(&self, at: &Path) -> Option<Damage> {
        let read = async {
            self.store
                .get_opts(at, Default::default())
                .await?
                .bytes()
                .await
        };
        Damage::within(&read.await.err()?)
    }

    async fn examine_table(&self, tables: &SstReader, at: &Path) -> Option<Damage> {
        let name = at.filename()?.strip_suffix(".sst")?;
        let id = Ulid::from_string(name).ok()?;
        let read = async {
            let file = tables.open(id).await?;
            for block in 0..file.index().await?.len() {
                file.read_block(block).await?;
            }
            file.stats().await.map(drop)
        };
        named(at, caught(read).await.err()?)
    }

    async fn examine_wal(&self) -> Vec<Damage> {
        let reader = WalReader::new(self.root.clone(), Arc::clone(&self.wal_store));
        let Ok(files) = reader.list(..).await else {
            return Vec::new();
        };
        let mut damage = Vec::new();
        for file in files {
            let at = self.wal_path(file.id);
            let read = async {
                let mut rows = file.iterator().await?;
                while rows.next().await?.is_some() {}
                Ok::<(), slatedb::Error>(())
            };
            if let Err(error) = caught(read).await {
                damage.extend(named(&at, error));
            }
        }
        damage
    }
}

fn unavailable(source: object_store::Error) -> slatedb::Error {
    slatedb::Error::unavailable("the objects can't be listed".to_owned())
        .with_source(Box::new(source))
}

fn named(at: &Path, error: slatedb::Error) -> Option<Damage> {
    Damage::within(&error).or_else(|| {
        matches!(error.kind(), ErrorKind::Data | ErrorKind::Internal)
            .then(|| Damage::new(at, error.to_string()))
    })
}
