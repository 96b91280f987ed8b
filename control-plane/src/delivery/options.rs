//! How the delivery behaves.

use std::time::Duration;

use super::global::GlobalSink;
use super::schedule::Schedule;
use super::shelf::Shelf;

/// How the delivery behaves.
#[derive(Debug, Clone)]
pub struct DeliveryOptions {
    /// The API's own address, `server_url` in bodies.
    pub server_url: String,
    /// Put the instance's token into bodies as `apikey` (`WEBHOOK_INCLUDE_APIKEY`).
    /// Default false.
    pub expose_keys: bool,
    /// Longest wait for an endpoint's answer. Default 30 s.
    pub attempt_timeout: Duration,
    /// Longest wait for an endpoint's answer while others wait. These are other instances of the
    /// same batch: a function answers for all of it at once, and after as long, no attempt of
    /// that batch begins any more; a service works on instances by themselves. And everywhere,
    /// the other sink that wants the same event. Default 5 s.
    pub shared_attempt_timeout: Duration,
    /// After a time-out, so long an endpoint's events are not tried in line but put into the
    /// retry queue at once. Default 30 s.
    pub stall: Duration,
    /// When to try again.
    pub schedule: Schedule,
    /// Most instances with an attempt in flight, and most retries in flight. At least 10.
    /// Default 256.
    pub max_in_flight: usize,
    /// The visibility timeout of both queues; it is extended while an attempt runs.
    /// Default 60 s.
    pub visibility: Duration,
    /// How long one receive waits for messages; a shutdown waits as long. Default 1 s.
    pub receive_wait: Duration,
    /// First wait after a failure on our own side; it doubles up to 32 times as much.
    /// Default 1 s.
    pub error_backoff: Duration,
    /// How long a shutdown waits for attempts in flight. Default 35 s.
    pub drain: Duration,
    /// Media for bodies that want them. Default none.
    pub shelf: Option<Shelf>,
    /// The operator's webhook. Default none.
    pub global: Option<GlobalSink>,
}

impl DeliveryOptions {
    /// The defaults.
    #[must_use]
    pub fn new(server_url: impl Into<String>) -> Self {
        Self {
            server_url: server_url.into(),
            expose_keys: false,
            attempt_timeout: Duration::from_secs(30),
            shared_attempt_timeout: Duration::from_secs(5),
            stall: Duration::from_secs(30),
            schedule: Schedule::default(),
            max_in_flight: 256,
            visibility: Duration::from_secs(60),
            receive_wait: Duration::from_secs(1),
            error_backoff: Duration::from_secs(1),
            drain: Duration::from_secs(35),
            shelf: None,
            global: None,
        }
    }

    /// How long an endpoint of a service may take: only a second sink ever waits there.
    pub(super) fn patience(&self) -> Duration {
        match self.global {
            Some(_) => self.shared_attempt_timeout,
            None => self.attempt_timeout,
        }
    }
}
