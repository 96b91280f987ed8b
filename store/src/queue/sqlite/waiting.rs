//! Receivers that wait for a message.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use rusqlite::Result;
use tokio::sync::oneshot;

use crate::queue::{Error, Incoming};

use super::receive::Source;
use super::writer::Turn;

type ReceiveReply = oneshot::Sender<Result<Vec<Incoming>, Error>>;

/// How soon a line is served again that could not be, because the storage failed.
const RETRY: Duration = Duration::from_millis(100);

/// One receiver.
pub(super) struct Waiting {
    pub(super) source: Source,
    pub(super) max: usize,
    pub(super) until: Instant,
    pub(super) reply: ReceiveReply,
}

/// A receiver that got something.
pub(super) struct Served {
    pub(super) queue: i64,
    pub(super) messages: Vec<Incoming>,
    pub(super) reply: ReceiveReply,
}

/// The receivers of one queue, in the order of their calls.
#[derive(Default)]
struct Line {
    waiting: VecDeque<Waiting>,
    /// Somebody may get something now.
    fresh: bool,
    /// When the next hidden message may become available.
    due: Option<i64>,
}

/// All receivers that wait, by queue.
#[derive(Default)]
pub(super) struct Lines {
    lines: BTreeMap<i64, Line>,
}

impl Lines {
    pub(super) fn add(&mut self, waiting: Waiting) {
        let line = self.lines.entry(waiting.source.queue).or_default();
        line.waiting.push_back(waiting);
        line.fresh = true;
    }

    /// Serves every line whose queue may have something, into `served`.
    pub(super) fn serve(&mut self, turn: &mut Turn<'_>, served: &mut Vec<Served>) -> Result<()> {
        for line in self.lines.values_mut() {
            let due = line.due.is_some_and(|due| due <= turn.now);
            let touched = line
                .queue()
                .is_some_and(|queue| turn.touched.contains(&queue));
            if line.fresh || due || touched {
                line.serve(turn, served)?;
            }
        }
        Ok(())
    }

    /// After a transaction that failed: what was found out in it is void.
    pub(super) fn start_over(&mut self) {
        self.lines.values_mut().for_each(|line| line.fresh = true);
    }

    /// Answers those whose wait is over with nothing.
    pub(super) fn expire(&mut self, now: Instant) {
        self.lines.retain(|_, line| {
            line.waiting.retain(|waiting| !waiting.reply.is_closed());
            while let Some(at) = line.waiting.iter().position(|waiting| waiting.until <= now) {
                if let Some(waiting) = line.waiting.remove(at) {
                    // An error means that the caller is gone too.
                    let _ = waiting.reply.send(Ok(Vec::new()));
                }
            }
            !line.waiting.is_empty()
        });
    }

    /// How long nothing needs to be done here, from `now` (both clocks).
    pub(super) fn pause(&self, now: Instant, now_ms: i64) -> Option<Duration> {
        let lines = self.lines.values();
        let due = lines.clone().filter_map(|line| line.due).min().map(|due| {
            Duration::from_millis(u64::try_from(due.saturating_sub(now_ms)).unwrap_or_default())
        });
        let end = lines
            .clone()
            .flat_map(|line| &line.waiting)
            .map(|waiting| waiting.until)
            .min();
        let end = end.map(|end| end.saturating_duration_since(now));
        let retry = lines.clone().any(|line| line.fresh).then_some(RETRY);
        [due, end, retry].into_iter().flatten().min()
    }
}

impl Line {
    fn queue(&self) -> Option<i64> {
        self.waiting.front().map(|waiting| waiting.source.queue)
    }

    fn serve(&mut self, turn: &mut Turn<'_>, served: &mut Vec<Served>) -> Result<()> {
        while let Some(first) = self.waiting.front() {
            let source = first.source;
            if first.reply.is_closed() {
                self.waiting.pop_front();
                continue;
            }
            let messages = source.take(turn, first.max)?;
            if messages.is_empty() {
                self.due = source.due(turn)?;
                break;
            }
            if let Some(Waiting { reply, .. }) = self.waiting.pop_front() {
                served.push(Served {
                    queue: source.queue,
                    messages,
                    reply,
                });
            }
        }
        self.fresh = false;
        Ok(())
    }
}
