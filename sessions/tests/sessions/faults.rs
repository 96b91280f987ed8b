//! An object store that fails as real ones do: on a plan, by a seed, or all at once.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::sync::Semaphore;

use crate::support::Rng;

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An error; nothing happened.
    Refused,
    /// It happened, but the answer is an error, as after a time-out.
    TimedOut,
    /// It happened, but the answer is that the object was there before: the store's own
    /// retry met the first attempt.
    Conflict,
    /// It happens, a while later. On tokio's clock.
    Slow,
    /// It waits for [`FaultStore::let_go`], and happens then.
    Held,
    /// A write leaves only the first half of the object, and the process is gone.
    Torn,
    /// The process is gone before it happens.
    CrashBefore,
    /// The process is gone after it happened.
    CrashAfter,
}

/// Kind of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Put,
    Get,
    List,
}

/// Any number of times.
pub(crate) const ALWAYS: u32 = u32::MAX;

struct Rule {
    op: Op,
    part: &'static str,
    skip: u32,
    times: u32,
    fault: Fault,
}

/// The store of one process. A crash ends this one; the next process gets another over the
/// same objects.
pub(crate) struct FaultStore {
    inner: Arc<dyn ObjectStore>,
    rules: Mutex<Vec<Rule>>,
    random: Mutex<Option<(Rng, u64)>>,
    gone: AtomicBool,
    injected: AtomicU64,
    held: Semaphore,
}

impl FaultStore {
    pub(crate) fn over(inner: Arc<dyn ObjectStore>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            rules: Mutex::default(),
            random: Mutex::default(),
            gone: AtomicBool::new(false),
            injected: AtomicU64::new(0),
            held: Semaphore::new(0),
        })
    }

    /// Requests on paths that contain `part` get `fault`, `times` times, after the first
    /// `skip` ones.
    pub(crate) fn plan(&self, op: Op, part: &'static str, skip: u32, times: u32, fault: Fault) {
        self.rules.lock().unwrap().push(Rule {
            op,
            part,
            skip,
            times,
            fault,
        });
    }

    /// So many of a hundred requests get a passing fault.
    pub(crate) fn random(&self, seed: u64, percent: u64) {
        *self.random.lock().unwrap() = Some((Rng(seed | 1), percent));
    }

    /// From now on everything works.
    pub(crate) fn heal(&self) {
        self.rules.lock().unwrap().clear();
        *self.random.lock().unwrap() = None;
    }

    /// The process stops here: nothing that it started has an effect any more.
    pub(crate) fn crash(&self) {
        self.gone.store(true, Ordering::SeqCst);
    }

    pub(crate) fn crashed(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }

    /// How many faults there were.
    pub(crate) fn injected(&self) -> u64 {
        self.injected.load(Ordering::SeqCst)
    }

    /// Held requests go on, and later ones are not held.
    pub(crate) fn let_go(&self) {
        self.heal();
        self.held.add_permits(1 << 20);
    }

    fn fault(&self, op: Op, at: &str) -> Option<Fault> {
        let fault = self.planned(op, at).or_else(|| self.rolled(op));
        if fault.is_some() {
            self.injected.fetch_add(1, Ordering::SeqCst);
        }
        fault
    }

    fn planned(&self, op: Op, at: &str) -> Option<Fault> {
        let mut rules = self.rules.lock().unwrap();
        let rule = rules
            .iter_mut()
            .find(|rule| rule.op == op && at.contains(rule.part) && rule.times > 0)?;
        if rule.skip > 0 {
            rule.skip -= 1;
            return None;
        }
        if rule.times != ALWAYS {
            rule.times -= 1;
        }
        Some(rule.fault)
    }

    fn rolled(&self, op: Op) -> Option<Fault> {
        let mut random = self.random.lock().unwrap();
        let (rng, percent) = random.as_mut()?;
        if rng.below(100) >= *percent {
            return None;
        }
        Some(match (op, rng.below(3)) {
            (_, 0) => Fault::Slow,
            (Op::Put, 1) => Fault::TimedOut,
            _ => Fault::Refused,
        })
    }

    /// A process that is gone gets no answer.
    async fn alive(&self) {
        if self.crashed() {
            std::future::pending::<()>().await;
        }
    }

    async fn put(&self, at: &Path, data: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.alive().await;
        let result = self.inner.put_opts(at, data, opts).await;
        self.alive().await;
        result
    }

    async fn delay(&self, fault: Fault) {
        match fault {
            Fault::Slow => tokio::time::sleep(Duration::from_secs(3)).await,
            Fault::Held => self.held.acquire().await.unwrap().forget(),
            _ => {}
        }
        self.alive().await;
    }

    fn error(fault: Fault) -> Error {
        Error::Generic {
            store: "faults",
            source: format!("{fault:?}").into(),
        }
    }
}

impl fmt::Debug for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultStore")
    }
}

impl fmt::Display for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultStore")
    }
}

#[async_trait]
impl ObjectStore for FaultStore {
    async fn put_opts(&self, at: &Path, data: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.alive().await;
        let Some(fault) = self.fault(Op::Put, at.as_ref()) else {
            return self.put(at, data, opts).await;
        };
        match fault {
            Fault::Refused => Err(Self::error(fault)),
            Fault::TimedOut => {
                self.put(at, data, opts).await?;
                Err(Self::error(fault))
            }
            Fault::Conflict => {
                self.put(at, data, opts).await?;
                Err(Error::AlreadyExists {
                    path: at.to_string(),
                    source: "conflict".into(),
                })
            }
            Fault::Slow | Fault::Held => {
                self.delay(fault).await;
                self.put(at, data, opts).await
            }
            Fault::Torn => {
                let whole = bytes::Bytes::from(data);
                let half = whole.slice(..whole.len() / 2);
                self.inner.put_opts(at, half.into(), opts).await?;
                self.crash();
                std::future::pending().await
            }
            Fault::CrashBefore => {
                self.crash();
                std::future::pending().await
            }
            Fault::CrashAfter => {
                self.inner.put_opts(at, data, opts).await?;
                self.crash();
                std::future::pending().await
            }
        }
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.alive().await;
        self.inner.put_multipart_opts(at, opts).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.alive().await;
        match self.fault(Op::Get, at.as_ref()) {
            None => {}
            Some(fault @ (Fault::Slow | Fault::Held)) => self.delay(fault).await,
            Some(fault) => return Err(Self::error(fault)),
        }
        self.inner.get_opts(at, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        if self.crashed() {
            return futures::stream::pending().boxed();
        }
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        if self.crashed() {
            return futures::stream::pending().boxed();
        }
        let at = prefix.map(ToString::to_string).unwrap_or_default();
        match self.fault(Op::List, &at) {
            None | Some(Fault::Slow) => self.inner.list(prefix),
            Some(fault) => futures::stream::once(async move { Err(Self::error(fault)) }).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.alive().await;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.alive().await;
        self.inner.copy_opts(from, to, options).await
    }
}

/// Replaces an object's bytes.
pub(crate) async fn overwrite(store: &dyn ObjectStore, at: &str, bytes: Vec<u8>) {
    store.put(&at.into(), bytes.into()).await.unwrap();
}
