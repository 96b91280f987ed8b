//! Group commit: one task per shard applies writes in order and flushes them together.
//!
//! A batch is first applied in memory, then covered by a flush of the write-ahead log. A
//! flush starts at once when [`Pace`] permits; writes that arrive before it does share the
//! next one. The first failure is final: which rows are durable is
//! unknown then, so every later write gets the same error and the shard must be reopened.

use std::sync::Arc;
use std::time::Duration;

use pombal_domain::ShardId;
use slatedb::config::{CloseOptions, FlushOptions, FlushType};
use slatedb::{CloseReason, Db, WriteBatch};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::damage::Doctor;
use crate::error::Error;
use crate::pace::Pace;
use crate::pending::Pending;
use crate::wal_writes::WalWrites;

/// Requests that may wait for the committer before writers wait themselves.
const QUEUE: usize = 1024;

type Done = oneshot::Sender<Result<(), Error>>;

/// When a write is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Once a flush has covered it.
    Durable,
    /// Once it is applied in memory. It becomes durable with the next flush.
    Behind,
}

/// What a session wants written.
pub(crate) struct Request {
    /// Rows to write. `None` waits for what was applied before.
    pub(crate) batch: Option<WriteBatch>,
    pub(crate) durability: Durability,
    /// Runs when the batch is applied; dropped without running when it is not.
    pub(crate) applied: Option<Box<dyn FnOnce() + Send>>,
}

enum Message {
    Write(Request, Done),
    /// Damage was found: stop, and write nothing more.
    Condemn,
    Close(Done),
}

/// Handle of a shard's committer task.
#[derive(Clone)]
pub(crate) struct Committer {
    doctor: Arc<Doctor>,
    shard: ShardId,
    requests: mpsc::Sender<Message>,
    pending: Pending,
}

impl Committer {
    /// Starts the task. It ends, and stops the database, when the last handle is gone.
    pub(crate) fn start(
        shard: ShardId,
        db: Db,
        doctor: Arc<Doctor>,
        pace: Pace,
        wal_writes: WalWrites,
        wal_objects_before_l0: u32,
    ) -> Self {
        let (requests, inbox) = mpsc::channel(QUEUE);
        let pending = Pending::default();
        let task = Task {
            shard,
            db,
            doctor: Arc::clone(&doctor),
            pace,
            wal_writes,
            wal_objects_before_l0,
            inbox,
            waiters: Vec::new(),
            dirty: false,
            flushing: false,
            pending: pending.clone(),
            wal_objects: 0,
            to_l0: None,
            failure: None,
            closing: None,
        };
        tokio::spawn(task.run());
        Self {
            doctor,
            shard,
            requests,
            pending,
        }
    }

    /// For how long the flush on its way waits for the storage.
    pub(crate) fn pending_for(&self) -> Option<Duration> {
        self.pending.lasts()
    }

    /// Stops the database: damage was found, and it must write nothing more.
    pub(crate) async fn condemn(&self) {
        // Fails when the task has ended already.
        let _ = self.requests.send(Message::Condemn).await;
    }

    /// Writes one batch. A dropped future leaves it open whether the batch is written.
    pub(crate) async fn write(&self, request: Request) -> Result<(), Error> {
        let (done, answer) = oneshot::channel();
        self.send(Message::Write(request, done), answer).await
    }

    /// Flushes everything and closes the database.
    pub(crate) async fn close(&self) -> Result<(), Error> {
        let (done, answer) = oneshot::channel();
        self.send(Message::Close(done), answer).await
    }

    async fn send(
        &self,
        message: Message,
        answer: oneshot::Receiver<Result<(), Error>>,
    ) -> Result<(), Error> {
        let closed = || match self.doctor.verdict() {
            Some(verdict) => verdict.clone(),
            None => Error::Closed { shard: self.shard },
        };
        self.requests.send(message).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

struct Task {
    shard: ShardId,
    db: Db,
    doctor: Arc<Doctor>,
    pace: Pace,
    wal_writes: WalWrites,
    wal_objects_before_l0: u32,
    inbox: mpsc::Receiver<Message>,
    /// Applied, and to be answered by the next flush.
    waiters: Vec<Done>,
    /// Something is applied that no flush has started on.
    dirty: bool,
    flushing: bool,
    pending: Pending,
    wal_objects: u32,
    to_l0: Option<JoinHandle<()>>,
    failure: Option<Error>,
    closing: Option<Done>,
}

impl Task {
    async fn run(mut self) {
        while self.is_open() {
            let Some(message) = self.inbox.recv().await else {
                break;
            };
            self.take(message).await;
            while !self.waiters.is_empty() {
                self.wait_for_turn().await;
                self.flush().await;
            }
        }
        self.close().await;
    }

    fn is_open(&self) -> bool {
        self.closing.is_none() && self.doctor.verdict().is_none()
    }

    /// Waits for the next permitted flush start and lets writes join meanwhile.
    async fn wait_for_turn(&mut self) {
        // What is already queued joins even when the turn is now.
        while self.is_open() {
            let Ok(message) = self.inbox.try_recv() else {
                break;
            };
            self.take(message).await;
        }
        let Some(turn) = self.pace.next() else {
            return;
        };
        while self.is_open() && Instant::now() < turn {
            tokio::select! {
                () = tokio::time::sleep_until(turn) => {}
                message = self.inbox.recv() => match message {
                    Some(message) => self.take(message).await,
                    None => return,
                },
            }
        }
    }

    async fn flush(&mut self) {
        let covered = std::mem::take(&mut self.waiters);
        if let Some(verdict) = self.doctor.verdict().cloned() {
            return self.fail(verdict, covered);
        }
        let wrote = std::mem::replace(&mut self.dirty, false);
        self.pace.start();
        self.flushing = true;
        self.pending.begins();
        self.wal_writes.forget();
        let mut begun = false;
        let db = self.db.clone();
        let mut flush = std::pin::pin!(async move { db.flush().await });
        let result = loop {
            tokio::select! {
                biased;
                result = &mut flush => break result,
                () = self.wal_writes.begun(), if !begun => begun = true,
                Some(message) = self.inbox.recv(), if begun && self.is_open() => {
                    self.take(message).await;
                }
            }
        };
        self.flushing = false;
        self.pending.ends();
        match result {
            Ok(()) => {
                self.count_wal_object(wrote);
                for done in covered {
                    // The writer may have gone; its rows are durable all the same.
                    let _ = done.send(Ok(()));
                }
            }
            Err(source) => {
                let failure = self.doctor.judge(source, Error::commit).await;
                self.fail(failure, covered);
            }
        }
    }

    async fn take(&mut self, message: Message) {
        match message {
            Message::Write(request, done) => self.apply(request, done).await,
            Message::Close(done) => self.closing = Some(done),
            Message::Condemn => {
                if let Some(verdict) = self.doctor.verdict().cloned() {
                    self.fail(verdict, Vec::new());
                }
            }
        }
    }

    async fn apply(&mut self, request: Request, done: Done) {
        if let Some(failure) = self.doctor.verdict().or(self.failure.as_ref()) {
            let _ = done.send(Err(failure.clone()));
            return;
        }
        if let Some(batch) = request.batch {
            if let Err(source) = self.db.write(batch).await {
                let failure = self.doctor.judge(source, Error::commit).await;
                self.fail(failure, vec![done]);
                return;
            }
            self.dirty = true;
        }
        if let Some(applied) = request.applied {
            applied();
        }
        let open = self.dirty || self.flushing;
        if request.durability == Durability::Durable && open {
            self.waiters.push(done);
        } else {
            let _ = done.send(Ok(()));
        }
    }

    fn fail(&mut self, failure: Error, waiters: Vec<Done>) {
        tracing::error!(shard = %self.shard, error = %failure, "the session database failed");
        for done in waiters.into_iter().chain(self.waiters.drain(..)) {
            let _ = done.send(Err(failure.clone()));
        }
        self.failure.get_or_insert(failure);
    }

    /// Moves the memtable to level 0 now and then, so that the next owner replays little.
    fn count_wal_object(&mut self, wrote: bool) {
        self.wal_objects += u32::from(wrote);
        let running = self.to_l0.as_ref().is_some_and(|task| !task.is_finished());
        if self.wal_objects < self.wal_objects_before_l0 || running {
            return;
        }
        self.wal_objects = 0;
        let db = self.db.clone();
        self.to_l0 = Some(tokio::spawn(async move {
            let options = FlushOptions {
                flush_type: FlushType::MemTable,
            };
            // A failure closes the database, and the next commit reports it.
            let _ = db.flush_with_options(options).await;
        }));
    }

    async fn close(mut self) {
        self.inbox.close();
        let closed = match self.doctor.verdict() {
            Some(verdict) => verdict.clone(),
            None => Error::Closed { shard: self.shard },
        };
        while let Some(message) = self.inbox.recv().await {
            if let Message::Write(_, done) | Message::Close(done) = message {
                let _ = done.send(Err(closed.clone()));
            }
        }
        let failed = self.failure.is_some() || self.doctor.verdict().is_some();
        let flush_type = match (&self.closing, failed) {
            (Some(_), false) => Some(FlushType::MemTable),
            // Nobody asked for a close: stop the background tasks and write nothing.
            _ => None,
        };
        let already = self.db.status().close_reason;
        let options = CloseOptions::default().with_flush_type(flush_type);
        let result = self.db.close_with_options(options).await;
        let result = match (self.doctor.verdict().cloned().or(self.failure), already) {
            (Some(failure), _) => Err(failure),
            (None, Some(CloseReason::Fenced)) => Err(Error::Fenced { shard: self.shard }),
            (None, _) => result.map_err(|source| Error::commit(self.shard, source)),
        };
        if let Some(done) = self.closing {
            let _ = done.send(result);
        }
    }
}
