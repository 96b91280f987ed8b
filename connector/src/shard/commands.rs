//! Takes commands from the shard's queue. One instance's commands run in order, different
//! instances' side by side.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use pombal_domain::time::UnixMs;
use pombal_domain::{Chain, Command, Desired, Instance, InstanceId, Op, Reply};
use pombal_store::queue::{Held, Incoming, MAX_BATCH, Receipt, by_group};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backoff::Backoff;
use crate::health::Concern;
use crate::instance::{InstanceHandle, Mail};
use crate::shard::{Error, Shard};

/// One long poll. The longest that SQS allows.
const POLL: Duration = Duration::from_secs(20);
/// How long a received command stays hidden from others, renewed while it is worked on.
const VISIBILITY: Duration = Duration::from_secs(30);
/// How long a reply row lives.
const REPLY_TTL: Duration = Duration::from_secs(120);
/// Longest wait for a supervisor to deal with a wish.
const WISH_TIMEOUT: Duration = Duration::from_secs(15);
/// Looks at a row that changes while it is looked at. The wish itself is on the row.
const MAX_LOOKS: usize = 8;

/// A command together with its receipt.
pub(super) struct Job {
    pub(super) command: Command,
    pub(super) receipt: Receipt,
}

/// What came of a wish.
enum Outcome {
    /// It was dealt with.
    Done {
        reply: Reply,
        /// The row, when the instance is to leave for another shard.
        leaving: Option<Box<Instance>>,
    },
    /// The instance lives on another shard.
    Elsewhere(Box<Instance>),
}

impl From<Reply> for Outcome {
    fn from(reply: Reply) -> Self {
        Self::Done {
            reply,
            leaving: None,
        }
    }
}

impl Shard {
    /// Receives until `stop` is cancelled.
    pub(super) async fn consume(self: Arc<Self>, tasks: TaskTracker, stop: CancellationToken) {
        let concern = Concern::Commands(self.context.shard);
        let mut backoff = Backoff::default();
        loop {
            let received = tokio::select! {
                () = stop.cancelled() => return,
                received = self.queue.receive(MAX_BATCH, POLL) => received,
            };
            match received {
                Ok(messages) => {
                    backoff.reset();
                    self.context.health.fine(concern);
                    for batch in by_group(messages) {
                        let shard = Arc::clone(&self);
                        let stop = stop.clone();
                        tasks.spawn(async move { shard.work(batch, &stop).await });
                    }
                }
                Err(error) => {
                    tracing::warn!(shard = %self.context.shard, error = %Chain(&error), "no commands received");
                    self.context.health.failed(concern);
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = tokio::time::sleep(backoff.next()) => {}
                    }
                }
            }
        }
    }

    /// Runs one instance's commands, keeping them hidden meanwhile. What is left at a stop is
    /// given back, so that the next owner has it at once.
    async fn work(self: &Arc<Self>, batch: Vec<Incoming>, stop: &CancellationToken) {
        let receipts = batch
            .iter()
            .map(|message| message.receipt.clone())
            .collect();
        let held = Held::new(Arc::clone(&self.queue), receipts, VISIBILITY);
        let jobs = self.parse(batch).await;
        tokio::select! {
            () = self.run_in_order(jobs, stop) => {}
            () = held.keep() => {}
        }
        if stop.is_cancelled() {
            held.release(Duration::ZERO).await;
        }
    }

    /// Decodes a batch. What is not a command would fail forever: it is logged and dropped.
    async fn parse(&self, batch: Vec<Incoming>) -> Vec<Job> {
        let mut jobs = Vec::with_capacity(batch.len());
        for message in batch {
            match serde_json::from_str(&message.body) {
                Ok(command) => jobs.push(Job {
                    command,
                    receipt: message.receipt,
                }),
                Err(error) => {
                    tracing::error!(shard = %self.context.shard, error = %Chain(&error), "not a command: dropped");
                    self.ack(std::slice::from_ref(&message.receipt)).await;
                }
            }
        }
        jobs
    }

    async fn run_in_order(self: &Arc<Self>, jobs: Vec<Job>, stop: &CancellationToken) {
        let mut texts = Vec::new();
        for job in jobs {
            if matches!(job.command.op, Op::SendText(_)) {
                texts.push(job);
                continue;
            }
            self.send_texts(std::mem::take(&mut texts), stop).await;
            if matches!(job.command.op, Op::SetPresence { .. }) {
                self.set_presence(&job).await;
            } else {
                self.run_wish(&job, stop).await;
            }
        }
        self.send_texts(texts, stop).await;
    }

    async fn run_wish(self: &Arc<Self>, job: &Job, stop: &CancellationToken) {
        if expired(&job.command) {
            return self.finish(job, &Reply::TimedOut).await;
        }
        match self.wish(&job.command).await {
            Ok(Outcome::Done { reply, leaving }) => {
                self.finish(job, &reply).await;
                if let Some(row) = leaving {
                    Arc::clone(self).move_on(*row, stop.clone()).await;
                }
            }
            Ok(Outcome::Elsewhere(row)) => self.forward(std::slice::from_ref(job), &row).await,
            Err(error) => {
                let id = job.command.instance;
                tracing::error!(instance.id = %id, error = %Chain(&error), "command failed; it comes back");
            }
        }
    }

    /// Reads the instance's row and has its supervisor make it so.
    async fn wish(&self, command: &Command) -> Result<Outcome, Error> {
        let id = command.instance;
        for _ in 0..MAX_LOOKS {
            // When that is over, it is here or elsewhere.
            let settled = timeout(WISH_TIMEOUT, self.transits.until_free(id)).await;
            if settled.is_err() {
                break;
            }
            let row = self.context.seams.registry.instance(&command.name).await?;
            let Some(row) = row.filter(|row| row.id == id) else {
                return self.wish_of_nobody(id).await;
            };
            if row.shard != self.context.shard {
                // Whoever wants it to come back waits for this.
                self.clear(id).await?;
                return Ok(Outcome::Elsewhere(Box::new(row)));
            }
            if row.transit.arriving.is_some() {
                self.arrive(&row).await?;
            } else if let Some(running) = self.handle(&row).await? {
                return Ok(self.tell_wish(row, running, command).await);
            } else if row.desired == Desired::Moved {
                return Ok(Reply::Done.into());
            }
        }
        Ok(Reply::TimedOut.into())
    }

    /// Only a tombstone says that it was deleted: an import can give it another name.
    async fn wish_of_nobody(&self, id: InstanceId) -> Result<Outcome, Error> {
        let tombstone = self.context.seams.registry.tombstone(id).await?;
        if let Some(tombstone) = tombstone
            && tombstone.shard == self.context.shard
        {
            self.bury(tombstone).await?;
        }
        Ok(Reply::Done.into())
    }

    /// Tells a supervisor, unless it was started with this row just now.
    async fn tell_wish(
        &self,
        row: Instance,
        (handle, fresh): (InstanceHandle, bool),
        command: &Command,
    ) -> Outcome {
        let leaving = row.transit.to.is_some().then(|| Box::new(row.clone()));
        if fresh && row.desired == Desired::Connected {
            let reply = Reply::Done;
            return Outcome::Done { reply, leaving };
        }
        let restart = matches!(command.op, Op::Restart);
        let told = handle.tell(|done| mail(row, restart, done));
        let reply = match timeout(WISH_TIMEOUT, told).await {
            Ok(true) => Reply::Done,
            Ok(false) => Reply::Failed {
                message: "the instance has stopped".to_owned(),
            },
            Err(_) => Reply::TimedOut,
        };
        Outcome::Done { reply, leaving }
    }

    /// Answers whoever waits, then removes the command.
    pub(super) async fn finish(&self, job: &Job, reply: &Reply) {
        self.reply(job, reply).await;
        self.ack(std::slice::from_ref(&job.receipt)).await;
    }

    /// Answers whoever waits for these commands.
    pub(super) async fn reply_all(&self, done: impl Iterator<Item = &(Job, Reply)>) {
        join_all(done.map(|(job, reply)| self.reply(job, reply))).await;
    }

    async fn reply(&self, job: &Job, reply: &Reply) {
        if !job.command.reply || !self.context.tenure.holds() {
            return;
        }
        let registry = &self.context.seams.registry;
        if let Err(error) = registry.put_reply(job.command.id, reply, REPLY_TTL).await {
            // The caller times out; the command itself is done.
            tracing::warn!(instance.id = %job.command.instance, error = %Chain(&error), "reply not written");
        }
    }

    pub(super) async fn ack(&self, receipts: &[Receipt]) {
        if receipts.is_empty() {
            return;
        }
        if let Err(error) = self.queue.ack(receipts).await {
            tracing::warn!(shard = %self.context.shard, error = %Chain(&error), "commands not acked; they come back");
        }
    }
}

fn mail(row: Instance, restart: bool, done: tokio::sync::oneshot::Sender<()>) -> Mail {
    let row = Box::new(row);
    if restart {
        Mail::Restart { row, done }
    } else {
        Mail::Reconcile { row, done }
    }
}

/// Whether the command's time is over.
pub(super) fn expired(command: &Command) -> bool {
    command.not_after <= UnixMs::now()
}
