//! Spreads logins over time, so that a restart or a takeover is not a storm.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering as Memory};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pombal_domain::time::UnixMs;
use rand::RngExt;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;

/// Hands out login slots at a steady rate, after a first burst of one second's worth. Whoever
/// has had traffic most recently goes first.
#[derive(Debug, Clone)]
pub(crate) struct Pacing {
    inner: Arc<Inner>,
    _driver: Arc<AbortOnDropHandle<()>>,
}

#[derive(Debug)]
struct Inner {
    per_second: AtomicU32,
    waiting: Mutex<BinaryHeap<Waiter>>,
    arrivals: AtomicU64,
    arrived: Notify,
}

impl Pacing {
    /// At most `per_second` logins each second. Has to be called in a runtime.
    pub(crate) fn new(per_second: u32) -> Self {
        let inner = Arc::new(Inner {
            per_second: AtomicU32::new(per_second),
            waiting: Mutex::default(),
            arrivals: AtomicU64::default(),
            arrived: Notify::new(),
        });
        let driver = AbortOnDropHandle::new(tokio::spawn(hand_out(Arc::clone(&inner))));
        Self {
            inner,
            _driver: Arc::new(driver),
        }
    }

    /// Changes the rate.
    pub(crate) fn set_rate(&self, per_second: u32) {
        self.inner.per_second.store(per_second, Memory::Relaxed);
    }

    /// Whether nobody waits for a slot.
    pub(crate) fn is_idle(&self) -> bool {
        self.inner.waiting().is_empty()
    }

    /// Waits for a slot, for an instance whose last event was at `last_event_at`. Dropping the
    /// future before it is ready gives the slot to the next one.
    pub(crate) async fn slot(&self, last_event_at: UnixMs) {
        let (go, gone) = oneshot::channel();
        self.inner.waiting().push(Waiter {
            last_event_at,
            arrival: self.inner.arrivals.fetch_add(1, Memory::Relaxed),
            go,
        });
        self.inner.arrived.notify_one();
        // Fails when the runtime ends, and then nothing matters.
        let _ = gone.await;
    }
}

impl Inner {
    fn interval(&self) -> Duration {
        Duration::from_secs(1) / self.per_second.load(Memory::Relaxed).max(1)
    }

    fn waiting(&self) -> MutexGuard<'_, BinaryHeap<Waiter>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the first one go that still waits. False: nobody does.
    fn let_one_go(&self) -> bool {
        loop {
            let Some(waiter) = self.waiting().pop() else {
                return false;
            };
            if waiter.go.send(()).is_ok() {
                return true;
            }
        }
    }
}

async fn hand_out(pacing: Arc<Inner>) {
    const BURST: Duration = Duration::from_secs(1);
    let mut next = Instant::now();
    loop {
        if pacing.waiting().is_empty() {
            // Whoever comes between the look and the wait has left a permit.
            pacing.arrived.notified().await;
            continue;
        }
        let interval = pacing.interval();
        let now = Instant::now();
        // Slots that nobody wanted are kept for a burst, and no longer.
        next = next.max(now.checked_sub(BURST).map_or(now, |first| first + interval));
        if next > now {
            // Jitter within the slot: two connectors started together don't stay in step.
            let jitter = interval.mul_f64(rand::rng().random_range(0.0..1.0));
            sleep_until(next + jitter).await;
        }
        if pacing.let_one_go() {
            next += interval;
        }
    }
}

/// One that waits for a slot.
#[derive(Debug)]
struct Waiter {
    last_event_at: UnixMs,
    arrival: u64,
    go: oneshot::Sender<()>,
}

impl Ord for Waiter {
    /// The greatest goes first: the most recent traffic, then the earliest arrival.
    fn cmp(&self, other: &Self) -> Ordering {
        let recent = self.last_event_at.cmp(&other.last_event_at);
        recent.then(other.arrival.cmp(&self.arrival))
    }
}

impl PartialOrd for Waiter {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiter {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiter {}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use futures::stream::FuturesUnordered;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn logins_keep_the_rate_after_a_burst() {
        let pacing = Pacing::new(20);
        // Its clock starts, and then a minute is quiet.
        tokio::task::yield_now().await;
        tokio::time::advance(Duration::from_secs(60)).await;
        let start = Instant::now();
        for _ in 0..20 {
            pacing.slot(UnixMs(0)).await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO, "one second's worth");
        for _ in 0..40 {
            pacing.slot(UnixMs(0)).await;
        }
        let took = start.elapsed();
        assert!(
            took >= Duration::from_millis(1_950) && took < Duration::from_millis(2_101),
            "{took:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn recent_traffic_goes_first_and_who_gave_up_takes_no_slot() {
        let pacing = Pacing::new(1);
        pacing.slot(UnixMs(0)).await;
        let wait = |at| {
            let pacing = pacing.clone();
            async move {
                pacing.slot(UnixMs(at)).await;
                at
            }
        };
        let mut waiting: FuturesUnordered<_> = [3, 9, 5, 7].map(wait).into_iter().collect();
        let gave_up = tokio::spawn(wait(8));
        assert!(futures::poll!(waiting.next()).is_pending());
        tokio::task::yield_now().await;
        gave_up.abort();
        let start = Instant::now();
        let mut order = Vec::new();
        while let Some(at) = waiting.next().await {
            order.push(at);
        }
        assert_eq!(order, [9, 7, 5, 3]);
        let took = start.elapsed();
        assert!(took < Duration::from_millis(5_001), "{took:?}");
        assert!(pacing.is_idle());
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_can_change() {
        let pacing = Pacing::new(1);
        pacing.set_rate(100);
        pacing.slot(UnixMs(0)).await;
        let start = Instant::now();
        for _ in 0..200 {
            pacing.slot(UnixMs(0)).await;
        }
        assert!(start.elapsed() < Duration::from_millis(2_100));
    }
}
