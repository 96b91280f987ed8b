//! Batches that are handed in: who shares one waits for its end, and for nobody's endpoint.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use object_store::memory::InMemory;
use pombal_control_plane::delivery::{DeliveryHandler, DeliveryOptions, HandlerQueues, Work};
use pombal_domain::InstanceId;
use pombal_store::keys::{DataKey, Error};
use pombal_store::queue::large::LargeBodies;
use pombal_store::{Keys, Queue};

use super::rig::{Rig, global, quick};
use crate::app::{LONG, egress};
use crate::receiver::{Behave, TestReceiver};

/// What an endpoint has while others wait.
const SHARED: Duration = Duration::from_millis(400);

/// A delivery that gets its batches handed in.
struct Handed<'a> {
    rig: &'a Rig,
    handler: DeliveryHandler,
}

impl<'a> Handed<'a> {
    fn new(rig: &'a Rig) -> Self {
        Self::with(rig, Arc::clone(&rig.stores.keys), |_| {})
    }

    fn with(rig: &'a Rig, keys: Arc<dyn Keys>, change: impl FnOnce(&mut DeliveryOptions)) -> Self {
        let mut options = quick();
        options.shared_attempt_timeout = SHARED;
        change(&mut options);
        let large = |queue: &Arc<dyn Queue>| {
            let bucket = Arc::new(InMemory::new());
            Arc::new(LargeBodies::new(Arc::clone(queue), bucket, "bodies"))
        };
        let queues = HandlerQueues {
            events: large(&rig.queues.events),
            retries: large(&rig.queues.retries),
            dead: Arc::clone(&rig.queues.dead),
        };
        let registry = rig.stores.registry.clone();
        let handler = DeliveryHandler::new(registry, keys, egress(true), queues, options);
        Self { rig, handler }
    }

    /// Hands in one batch; how many messages it had, and how many of them are not done.
    async fn batch(&self, work: Work) -> (usize, usize) {
        let queue = match work {
            Work::Events => &self.rig.queues.events,
            Work::Retries => &self.rig.queues.retries,
        };
        let batch = queue.receive(10, LONG).await.unwrap();
        let mut done: Vec<_> = batch.iter().map(|m| m.receipt.clone()).collect();
        let end = tokio::time::Instant::now() + Duration::from_secs(60);
        let undone = self.handler.work_on(work, batch, end).await;
        let all = done.len();
        done.retain(|receipt| !undone.contains(receipt));
        queue.ack(&done).await.unwrap();
        (all, undone.len())
    }

    /// Hands in batches until so many messages are done.
    async fn until_done(&self, work: Work, mut wanted: usize) {
        while wanted > 0 {
            let (all, undone) = self.batch(work).await;
            assert!(all > 0, "{wanted} messages never came");
            wanted -= all - undone;
        }
    }
}

#[tokio::test]
async fn a_slow_endpoint_goes_on_in_the_next_batch_and_in_order() {
    let rig = Rig::new().await;
    let slow = TestReceiver::start(|_, _| Behave::After(SHARED / 3, 200)).await;
    let quick = TestReceiver::ok().await;
    let slow_row = rig.instance("slow", &slow.url).await;
    let quick_row = rig.instance("quick", &quick.url).await;
    rig.publish_all(&slow_row, 1..=8).await;
    rig.publish_all(&quick_row, 1..=2).await;
    let handed = Handed::new(&rig);
    let start = Instant::now();
    let (all, undone) = handed.batch(Work::Events).await;
    assert!(start.elapsed() < SHARED * 2 + Duration::from_secs(1));
    assert_eq!((all, quick.seqs()), (10, vec![1, 2]));
    assert!((1..8).contains(&undone), "{undone} given back");
    handed.until_done(Work::Events, undone).await;
    assert_eq!(slow.seqs(), Vec::from_iter(1..=8));
    assert_eq!(handed.handler.handle().counts().failed, 0);
}

#[tokio::test]
async fn an_endpoint_that_keeps_nobody_waiting_has_its_full_time() {
    let rig = Rig::new().await;
    let slow = TestReceiver::start(|_, _| Behave::After(SHARED * 2, 200)).await;
    let row = rig.instance("slow", &slow.url).await;
    rig.publish_all(&row, 1..=3).await;
    let handed = Handed::new(&rig);
    assert_eq!(handed.batch(Work::Events).await, (3, 0));
    assert_eq!(slow.seqs(), [1, 2, 3]);
    assert_eq!(handed.handler.handle().counts().delivered, 3);
}

#[tokio::test]
async fn an_endpoint_that_is_always_slow_gets_only_one_event_twice() {
    let rig = Rig::new().await;
    let slow = TestReceiver::start(|_, _| Behave::After(SHARED * 2, 200)).await;
    let quick = TestReceiver::ok().await;
    let slow_row = rig.instance("slow", &slow.url).await;
    let quick_row = rig.instance("quick", &quick.url).await;
    let handed = Handed::new(&rig);
    for round in 1..=3 {
        rig.publish_all(&slow_row, [round * 2 - 1, round * 2]).await;
        rig.publish_all(&quick_row, [round]).await;
        assert_eq!(handed.batch(Work::Events).await, (3, 0));
        // Cut short in line, and tried there no more: what follows goes to the retries.
        handed.until_done(Work::Retries, 2).await;
    }
    assert_eq!(quick.seqs(), [1, 2, 3]);
    let mut seqs = slow.seqs();
    seqs.sort_unstable();
    assert_eq!(seqs, [1, 1, 2, 3, 4, 5, 6]);
    let counts = handed.handler.handle().counts();
    assert_eq!((counts.failed, counts.delivered), (6, 9));
}

#[tokio::test]
async fn what_has_no_time_for_one_sink_is_not_begun_for_the_other() {
    let rig = Rig::new().await;
    let silent = TestReceiver::start(|_, _| Behave::Hang).await;
    let shared = SHARED * 4;
    let operator = TestReceiver::start(move |_, _| Behave::After(shared / 3, 200)).await;
    let row = rig.instance("b1", &silent.url).await;
    let other = rig.instance_with("b2", &silent.url, |webhook| webhook.enabled = false);
    let other = other.await;
    let keys = Arc::clone(&rig.stores.keys);
    let handed = Handed::with(&rig, keys, |options| {
        options.shared_attempt_timeout = shared;
        options.global = Some(global(&operator.url));
        options.schedule.delays = vec![LONG; 3];
        options.schedule.overload_floor = LONG;
    });
    let mut left = 8;
    rig.publish_all(&row, 1..=left).await;
    for round in 1.. {
        rig.publish_all(&other, [100 + round]).await;
        let (all, undone) = handed.batch(Work::Events).await;
        assert!(all > undone, "nothing was done");
        left = u64::try_from(undone).unwrap();
        if left == 0 {
            break;
        }
    }
    // Each came to the operator once, and has one letter for the instance.
    let own: Vec<u64> = operator
        .seqs()
        .into_iter()
        .filter(|seq| *seq < 100)
        .collect();
    assert_eq!(own, Vec::from_iter(1..=8));
    assert_eq!(silent.seqs(), [1]);
    assert_eq!(handed.handler.handle().counts().failed, 8);
}

/// Keys with a mistake in their code that one instance meets.
struct Mistaken {
    keys: Arc<dyn Keys>,
    at: InstanceId,
}

#[async_trait]
impl Keys for Mistaken {
    async fn wrap(&self, instance: InstanceId, key: &DataKey) -> Result<Vec<u8>, Error> {
        self.keys.wrap(instance, key).await
    }

    async fn unwrap(&self, instance: InstanceId, wrapped: &[u8]) -> Result<DataKey, Error> {
        assert_ne!(instance, self.at, "a mistake");
        self.keys.unwrap(instance, wrapped).await
    }
}

#[tokio::test]
async fn a_panic_is_the_affair_of_one_instance() {
    let (rig, receiver) = (Rig::new().await, TestReceiver::ok().await);
    let bad = rig.instance("bad", &receiver.url).await;
    let good = rig.instance("good", &receiver.url).await;
    rig.publish_all(&bad, [101, 102]).await;
    rig.publish_all(&good, [1, 2]).await;
    let keys = Arc::new(Mistaken {
        keys: Arc::clone(&rig.stores.keys),
        at: bad.id,
    });
    let handed = Handed::with(&rig, keys, |options| {
        options.expose_keys = true;
        // Writing the backtrace stops everything for a while.
        options.shared_attempt_timeout = LONG;
    });
    assert_eq!(handed.batch(Work::Events).await, (4, 2));
    assert_eq!(receiver.seqs(), [1, 2]);

    // It stays until the mistake is mended.
    let handed = Handed::new(&rig);
    assert_eq!(handed.batch(Work::Events).await, (2, 0));
    assert_eq!(receiver.seqs(), [1, 2, 101, 102]);
}
