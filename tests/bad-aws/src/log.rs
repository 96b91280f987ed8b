//! What came by.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::call::{Call, Service};
use crate::fault::Fault;

/// One request that came.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The service.
    pub service: Service,
    /// As the service calls it; on S3 the method, or `LIST`.
    pub operation: String,
    /// The table, the queue's name, the key's id, or the path of the object.
    pub resource: String,
    /// The same for all tries of one request: the SDK's own id, or else method and address.
    pub request: String,
    /// Whether it asks for a strongly consistent read.
    pub is_consistent: bool,
    /// When it came.
    pub at: Instant,
    /// What happened to it.
    pub fault: Option<Fault>,
}

impl Entry {
    pub(crate) fn new(call: &Call, fault: Option<Fault>) -> Self {
        Self {
            service: call.service,
            operation: call.operation.clone(),
            resource: call.resource.clone(),
            request: call.request.clone(),
            is_consistent: call.is_consistent,
            at: Instant::now(),
            fault,
        }
    }
}

/// All requests of a proxy's life, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub struct Log(pub Vec<Entry>);

impl Log {
    /// Those to `service` alone.
    #[must_use]
    pub fn of(&self, service: Service) -> Self {
        let of = |entry: &&Entry| entry.service == service;
        Self(self.0.iter().filter(of).cloned().collect())
    }

    /// When each try of each request came, by request.
    #[must_use]
    pub fn tries(&self) -> BTreeMap<&str, Vec<Instant>> {
        let mut tries: BTreeMap<&str, Vec<Instant>> = BTreeMap::new();
        for entry in &self.0 {
            tries.entry(&entry.request).or_default().push(entry.at);
        }
        tries
    }

    /// The most tries that any request had.
    #[must_use]
    pub fn most_tries(&self) -> usize {
        self.tries().values().map(Vec::len).max().unwrap_or(0)
    }

    /// The pauses before try `nth` (the second has number 2) of each request that had it.
    #[must_use]
    pub fn pauses_before(&self, nth: usize) -> Vec<Duration> {
        let tries = self.tries();
        let pause = |at: &Vec<Instant>| Some(at.get(nth - 1)?.duration_since(*at.get(nth - 2)?));
        tries.values().filter_map(pause).collect()
    }
}
