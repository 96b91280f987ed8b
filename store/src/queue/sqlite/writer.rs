//! The thread that owns the connection.

use pombal_domain::Chain;
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Instant;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use crate::queue::{Error, Incoming};

use super::clock::Clock;
use super::receive::Source;
use super::schema::Durability;
use super::waiting::{Lines, Served, Waiting};
use super::{send, settle};

/// Most operations in one transaction: enough to share a sync, few enough to answer soon.
const MAX_OPERATIONS: usize = 512;

/// How often old deduplication ids are forgotten, in milliseconds.
const FORGET_EVERY: i64 = 60_000;

/// What an operation works with: the open transaction and its moment.
pub(super) struct Turn<'a> {
    pub(super) tx: &'a Connection,
    pub(super) now: i64,
    /// Queues where something may have become available.
    pub(super) touched: &'a mut BTreeSet<i64>,
}

/// Tells the caller how its operation ended, after the commit.
type Answer = Box<dyn FnOnce(Outcome) + Send>;
type Outcome = Result<(), Arc<rusqlite::Error>>;
/// An operation. An error of one undoes the whole transaction.
type Operation = Box<dyn FnOnce(&mut Turn<'_>) -> (rusqlite::Result<()>, Answer) + Send>;

enum Request {
    Run(Operation),
    Receive(Waiting),
}

/// The operation was dropped, because no transaction could be begun or the thread has died.
#[derive(Debug, thiserror::Error)]
#[error("queue writer gave no answer")]
struct NoAnswer;

/// Hands operations to the thread. A cheap clone; the thread ends with the last one.
#[derive(Clone)]
pub(super) struct Writer {
    requests: Sender<Request>,
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        durability: Durability,
        clock: Clock,
    ) -> io::Result<Self> {
        let (requests, inbox) = mpsc::channel();
        let service = Service {
            connection,
            durability,
            synced: None,
            clock,
            inbox,
            pending: VecDeque::new(),
            lines: Lines::default(),
            forget_at: 0,
        };
        thread::Builder::new()
            .name("queue-writer".to_owned())
            .spawn(move || service.run())?;
        Ok(Self { requests })
    }

    /// Runs `operation` in a transaction shared with others; returns after its commit.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut Turn<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        // An error means that the caller is gone, which undoes nothing.
        self.submit(operation, move |result| _ = reply.send(result))?;
        answer.await.map_err(|_| Error::storage(NoAnswer))?
    }

    /// As [`Self::call`], without a runtime.
    pub(super) fn call_blocking<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut Turn<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = mpsc::sync_channel(1);
        self.submit(operation, move |result| _ = reply.send(result))?;
        answer.recv().map_err(|_| Error::storage(NoAnswer))?
    }

    /// Receives, waiting as long as the request says. Messages for a caller who goes away
    /// before it has them become available again at once.
    pub(super) async fn receive(
        &self,
        source: Source,
        max: usize,
        until: Instant,
    ) -> Result<Vec<Incoming>, Error> {
        let (reply, answer) = oneshot::channel();
        let request = Request::Receive(Waiting {
            source,
            max,
            until,
            reply,
        });
        self.requests
            .send(request)
            .map_err(|_| Error::storage(NoAnswer))?;
        let mut receiving = Receiving {
            queue: source.queue,
            answer,
            requests: &self.requests,
        };
        (&mut receiving.answer)
            .await
            .map_err(|_| Error::storage(NoAnswer))?
    }

    fn submit<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut Turn<'_>) -> rusqlite::Result<T> + Send + 'static,
        reply: impl FnOnce(Result<T, Error>) + Send + 'static,
    ) -> Result<(), Error> {
        let operation: Operation = Box::new(move |turn| match operation(turn) {
            Ok(value) => (
                Ok(()),
                Box::new(|outcome: Outcome| reply(outcome.map(|()| value).map_err(Error::storage))),
            ),
            Err(error) => (
                Err(error),
                Box::new(|outcome: Outcome| {
                    let error = outcome
                        .err()
                        .map_or_else(|| Error::storage(NoAnswer), Error::storage);
                    reply(Err(error));
                }),
            ),
        });
        self.requests
            .send(Request::Run(operation))
            .map_err(|_| Error::storage(NoAnswer))
    }
}

/// A caller that may be dropped while its messages are on their way.
struct Receiving<'a> {
    queue: i64,
    answer: oneshot::Receiver<Result<Vec<Incoming>, Error>>,
    requests: &'a Sender<Request>,
}

impl Drop for Receiving<'_> {
    fn drop(&mut self) {
        self.answer.close();
        if let Ok(Ok(lost)) = self.answer.try_recv() {
            // An error means that the file is closed: opening it makes them available too.
            let _ = self.requests.send(give_back(self.queue, lost));
        }
    }
}

/// Makes messages as if they had not been received.
fn give_back(queue: i64, lost: Vec<Incoming>) -> Request {
    Request::Run(Box::new(move |turn| {
        let undone = lost
            .iter()
            .try_for_each(|m| settle::undo(turn, queue, &m.receipt));
        (undone, Box::new(|_| ()))
    }))
}

/// The thread's state.
struct Service {
    connection: Connection,
    durability: Durability,
    /// What the connection is set to.
    synced: Option<Durability>,
    clock: Clock,
    inbox: Receiver<Request>,
    /// Taken from the inbox, not yet run.
    pending: VecDeque<Request>,
    lines: Lines,
    forget_at: i64,
}

impl Service {
    fn run(mut self) {
        while self.fill() {
            let now = self.clock.catch_up();
            let mut answers = Vec::new();
            let mut served = Vec::new();
            let outcome = self
                .transact(now, &mut answers, &mut served)
                .map_err(Arc::new);
            if let Err(error) = &outcome {
                tracing::error!(
                    error = %Chain(error),
                    "queue transaction failed"
                );
                self.lines.start_over();
            }
            for answer in answers {
                answer(outcome.clone());
            }
            for served in served {
                self.deliver(served, &outcome);
            }
            self.lines.expire(Instant::now());
        }
    }

    /// Waits until there is something to do. False: nobody is left who could ask.
    fn fill(&mut self) -> bool {
        if self.pending.is_empty() {
            let pause = self.lines.pause(Instant::now(), self.clock.catch_up());
            let first = match pause {
                None => self
                    .inbox
                    .recv()
                    .map_err(|_| RecvTimeoutError::Disconnected),
                Some(pause) => self.inbox.recv_timeout(pause),
            };
            match first {
                Ok(request) => self.pending.push_back(request),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
        let room = MAX_OPERATIONS.saturating_sub(self.pending.len());
        self.pending.extend(self.inbox.try_iter().take(room));
        true
    }

    fn transact(
        &mut self,
        now: i64,
        answers: &mut Vec<Answer>,
        served: &mut Vec<Served>,
    ) -> rusqlite::Result<()> {
        // A receive need not outlast a power cut: nobody holds its receipt then.
        let only_receives = self
            .pending
            .iter()
            .all(|r| matches!(r, Request::Receive(_)));
        let durability = if only_receives {
            Durability::Normal
        } else {
            self.durability
        };
        let tx = begin(&mut self.connection, &mut self.synced, durability)
            .inspect_err(|_| self.pending.clear())?;
        let mut touched = BTreeSet::new();
        let mut turn = Turn {
            tx: &tx,
            now,
            touched: &mut touched,
        };
        while let Some(request) = self.pending.pop_front() {
            match request {
                Request::Receive(waiting) => self.lines.add(waiting),
                Request::Run(operation) => {
                    let (result, answer) = operation(&mut turn);
                    answers.push(answer);
                    result?;
                }
            }
        }
        self.lines.serve(&mut turn, served)?;
        if now >= self.forget_at {
            send::forget(&tx, now)?;
            self.forget_at = now + FORGET_EVERY;
        }
        tx.commit()
    }

    fn deliver(&mut self, served: Served, outcome: &Outcome) {
        let Served {
            queue,
            messages,
            reply,
        } = served;
        let result = outcome.clone().map(|()| messages).map_err(Error::storage);
        if let Err(Ok(lost)) = reply.send(result) {
            self.pending.push_back(give_back(queue, lost));
        }
    }
}

fn begin<'a>(
    connection: &'a mut Connection,
    synced: &mut Option<Durability>,
    durability: Durability,
) -> rusqlite::Result<Transaction<'a>> {
    if *synced != Some(durability) {
        connection.pragma_update(None, "synchronous", durability.pragma())?;
        *synced = Some(durability);
    }
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}
