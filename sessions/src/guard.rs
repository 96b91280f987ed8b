//! The object store as the database sees it: damage that `SlateDB` would not notice is an error.
//!
//! `SlateDB` 0.18 checks every block, index and filter of a table or WAL object against a
//! checksum (`format/sst.rs`), but
//!
//! - manifests and compaction states carry none: a flipped bit in the id up to which the WAL
//!   is replayed would silently drop committed rows;
//! - a WAL object of ten bytes or less counts as the mark of a new writer, a "fence"
//!   (`wal/slatedb/iterator.rs`): one that was emptied or cut off would silently drop its rows.
//!
//! So whole files get a digest at their end ([`seal`]), and a fence gets a content of its own,
//! which the database never sees.

mod seal;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};
use slatedb_common::retry::NonRetryable;
use tokio::sync::watch;

use crate::damage::Damage;
use crate::permit::{NoPermit, Permit};
use crate::wal_writes::WalWrites;

/// Content of a fence. No table or WAL object is as short.
const FENCE: &[u8] = b"pombal WAL fence";

/// How an object is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Always written and read as a whole: manifests, compaction states, collection bounds.
    Whole,
    /// A WAL object, which may be a fence.
    Wal,
    /// Checked by the database itself.
    Plain,
}

impl Form {
    fn of(at: &Path) -> Self {
        match at.extension() {
            Some("manifest" | "compactions" | "boundary") => Self::Whole,
            Some("sst") if is_in_wal(at) => Self::Wal,
            _ => Self::Plain,
        }
    }

    /// The size that the database is told.
    fn shown_size(self, stored: u64) -> u64 {
        match self {
            Self::Whole => stored.saturating_sub(seal::BYTES as u64),
            Self::Wal if stored == FENCE.len() as u64 => 0,
            Self::Wal | Self::Plain => stored,
        }
    }
}

/// Whether an object is in the folder of the write-ahead log.
pub(crate) fn is_in_wal(at: &Path) -> bool {
    at.parts()
        .rev()
        .nth(1)
        .is_some_and(|dir| dir.as_ref() == "wal")
}

/// Wraps the store of a shard's database. Never changes or deletes what it finds damaged.
#[derive(Debug)]
pub(crate) struct Guard {
    store: Arc<dyn ObjectStore>,
    /// Every error is final: for users who would try again without an end.
    once: bool,
    /// Told of each object of the log whose write begins.
    wal_writes: watch::Sender<()>,
    permit: Permit,
}

/// `store` as a shard's session database reads and writes it: for tools that open the
/// database with `SlateDB` itself.
pub fn guarded(store: Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> {
    Arc::new(Guard::new(store, false, Permit::always()))
}

impl Guard {
    fn new(store: Arc<dyn ObjectStore>, once: bool, permit: Permit) -> Self {
        let wal_writes = watch::Sender::default();
        Self {
            store,
            once,
            wal_writes,
            permit,
        }
    }

    /// A store whose failures nobody tries again.
    pub(crate) fn once(store: Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> {
        Arc::new(Self::new(store, true, Permit::always()))
    }

    /// As [`guarded`], but writes only while `permit` holds.
    pub(crate) fn permitted(store: Arc<dyn ObjectStore>, permit: Permit) -> Arc<dyn ObjectStore> {
        Arc::new(Self::new(store, false, permit))
    }

    /// As [`Self::permitted`], and tells of writes to the log.
    pub(crate) fn watched(
        store: Arc<dyn ObjectStore>,
        permit: Permit,
    ) -> (Arc<dyn ObjectStore>, WalWrites) {
        let guard = Self::new(store, false, permit);
        let writes = WalWrites(guard.wal_writes.subscribe());
        (Arc::new(guard), writes)
    }

    fn check_permit(&self) -> Result<()> {
        if self.permit.holds() {
            Ok(())
        } else {
            Err(last(Box::new(NoPermit)))
        }
    }

    fn finally(&self, error: Error) -> Error {
        if self.once {
            last(Box::new(error))
        } else {
            error
        }
    }

    async fn get_whole(&self, at: &Path, mut options: GetOptions) -> Result<GetResult> {
        let range = options.range.take();
        let head = options.head;
        let mut result = self.store.get_opts(at, options).await?;
        let size = Form::Whole.shown_size(result.meta.size);
        if head {
            result.meta.size = size;
            return Ok(result);
        }
        let (mut meta, attributes) = (result.meta.clone(), result.attributes.clone());
        let extensions = std::mem::take(&mut result.extensions);
        let bytes = seal::open(at, &result.bytes().await?).map_err(damaged)?;
        meta.size = bytes.len() as u64;
        let range = match range {
            Some(range) => range.as_range(meta.size).map_err(|source| Error::Generic {
                store: "guard",
                source: Box::new(source),
            })?,
            None => 0..meta.size,
        };
        Ok(GetResult {
            payload: payload(bytes.slice(in_memory(&range))),
            meta,
            range,
            attributes,
            extensions,
        })
    }

    async fn get_wal(&self, at: &Path, mut options: GetOptions) -> Result<GetResult> {
        let head = options.head;
        // What is behind a fence's size is only known from the object itself.
        let asked = options.range.take();
        if asked.is_some() && !head {
            options.range.clone_from(&asked);
        }
        let mut result = self.store.get_opts(at, options).await?;
        let stored = result.meta.size;
        if stored < FENCE.len() as u64 {
            return Err(damaged(Damage::new(
                at,
                format!("only {stored} bytes are left"),
            )));
        }
        if stored > FENCE.len() as u64 {
            return Ok(result);
        }
        if head || asked.is_some() {
            self.check_fence(at).await?;
        } else if result.range != (0..stored) || !is_fence(&mut result).await? {
            return Err(not_a_fence(at));
        }
        result.meta.size = 0;
        result.range = 0..0;
        result.payload = payload(Bytes::new());
        Ok(result)
    }

    /// A table, whose parts are read by its table of contents: one that begins beyond the end
    /// is no passing failure.
    async fn get_plain(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        let asked = options.range.clone();
        let result = self.store.get_opts(at, options).await;
        let (Err(Error::Generic { .. }), Some(GetRange::Bounded(asked))) = (&result, asked) else {
            return result;
        };
        let head = GetOptions::default().with_head(true);
        match self.store.get_opts(at, head).await {
            Ok(GetResult { meta, .. }) if meta.size <= asked.start => Err(damaged(Damage::new(
                at,
                format!("only {} bytes are left", meta.size),
            ))),
            _ => result,
        }
    }

    async fn check_fence(&self, at: &Path) -> Result<()> {
        let mut whole = self.store.get_opts(at, GetOptions::default()).await?;
        if is_fence(&mut whole).await? {
            Ok(())
        } else {
            Err(not_a_fence(at))
        }
    }
}

async fn is_fence(result: &mut GetResult) -> Result<bool> {
    let taken = GetResult {
        payload: std::mem::replace(&mut result.payload, payload(Bytes::new())),
        meta: result.meta.clone(),
        range: result.range.clone(),
        attributes: result.attributes.clone(),
        extensions: result.extensions.clone(),
    };
    Ok(taken.bytes().await? == FENCE)
}

fn not_a_fence(at: &Path) -> Error {
    damaged(Damage::new(at, "cut off, or not what was written"))
}

/// An error that nobody tries again, with the damage in it.
fn damaged(damage: Damage) -> Error {
    last(Box::new(damage))
}

fn last(source: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::Generic {
        store: "guard",
        source: Box::new(NonRetryable(source)),
    }
}

fn payload(bytes: Bytes) -> GetResultPayload {
    GetResultPayload::Stream(futures::stream::once(async { Ok(bytes) }).boxed())
}

/// A range within bytes that are in memory.
fn in_memory(range: &Range<u64>) -> Range<usize> {
    let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    index(range.start)..index(range.end)
}

fn shown(mut meta: ObjectMeta) -> ObjectMeta {
    meta.size = Form::of(&meta.location).shown_size(meta.size);
    meta
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guard({})", self.store)
    }
}

#[async_trait]
impl ObjectStore for Guard {
    async fn put_opts(&self, at: &Path, data: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.check_permit()?;
        let form = Form::of(at);
        if form == Form::Wal {
            self.wal_writes.send_replace(());
        }
        let data = match form {
            Form::Whole => seal::seal(at, data),
            Form::Wal if data.content_length() == 0 => FENCE.into(),
            Form::Wal | Form::Plain => data,
        };
        self.store.put_opts(at, data, opts).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.check_permit()?;
        self.store.put_multipart_opts(at, opts).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        let result = match Form::of(at) {
            Form::Whole => self.get_whole(at, options).await,
            Form::Wal => self.get_wal(at, options).await,
            Form::Plain => self.get_plain(at, options).await,
        };
        result.map_err(|error| match error {
            // It says that there is nothing, and is no failure.
            Error::NotFound { .. } => error,
            error => self.finally(error),
        })
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        if let Err(error) = self.check_permit() {
            return futures::stream::once(async { Err(error) }).boxed();
        }
        self.store.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let found = self.store.list(prefix).map_ok(shown);
        if self.once {
            return found.map_err(|error| last(Box::new(error))).boxed();
        }
        found.boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut found = self.store.list_with_delimiter(prefix).await?;
        found.objects = found.objects.into_iter().map(shown).collect();
        Ok(found)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.check_permit()?;
        self.store.copy_opts(from, to, options).await
    }
}
