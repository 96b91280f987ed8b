//! Many receivers that acknowledge, release and crash at random.

use std::collections::HashMap;
use std::sync::Mutex;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;

const GROUPS: usize = 12;
const PER_GROUP: usize = 40;
const RECEIVERS: u64 = 8;

/// What has happened to the groups so far.
#[derive(Default)]
struct Ledger {
    /// Each group's next message that is not acknowledged.
    next: HashMap<String, usize>,
    /// Where each group's messages that were never received begin.
    fresh: HashMap<String, usize>,
    acknowledged: usize,
}

pub(super) async fn nothing_is_lost_or_reordered_under_crashes_and_releases(
    factory: &impl Factory,
) {
    let place = factory.make().await;
    // Well above the time between a receive and its acknowledgement here.
    let queue = place
        .queue("events", fifo_options(factory.tick() * 16))
        .await;
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let receivers: Vec<_> = (0..RECEIVERS)
        .map(|seed| tokio::spawn(receiver(queue.clone(), ledger.clone(), seed)))
        .collect();
    for n in 0..PER_GROUP {
        let messages: Vec<_> = (0..GROUPS)
            .map(|group| grouped(&format!("g{group}"), &n.to_string()))
            .collect();
        for batch in messages.chunks(10) {
            queue.send(batch).await.unwrap();
            // A producer that got no answer sends again.
            queue.send(&batch[..1]).await.unwrap();
        }
    }
    for receiver in receivers {
        receiver.await.unwrap();
    }
    assert_empty(&*queue).await;
    let ledger = ledger.lock().unwrap();
    assert_eq!(ledger.acknowledged, GROUPS * PER_GROUP);
    assert!((0..GROUPS).all(|group| ledger.next[&format!("g{group}")] == PER_GROUP));
}

async fn receiver(queue: Arc<dyn Queue>, ledger: Arc<Mutex<Ledger>>, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let end = Instant::now() + PATIENCE * 4;
    while ledger.lock().unwrap().acknowledged < GROUPS * PER_GROUP {
        assert!(Instant::now() < end, "messages are missing");
        let max = random.random_range(1..=10);
        let batch = queue
            .receive(max, Duration::from_millis(100))
            .await
            .unwrap();
        let mut by_group: HashMap<String, Vec<Incoming>> = HashMap::new();
        for message in batch {
            by_group
                .entry(message.group.clone().unwrap())
                .or_default()
                .push(message);
        }
        for (group, messages) in by_group {
            work(&*queue, &ledger, &mut random, &group, messages).await;
        }
    }
}

/// Works on messages of one group in order: acknowledges some, then perhaps stumbles.
async fn work(
    queue: &dyn Queue,
    ledger: &Mutex<Ledger>,
    random: &mut StdRng,
    group: &str,
    messages: Vec<Incoming>,
) {
    {
        let mut ledger = ledger.lock().unwrap();
        let next = *ledger.next.entry(group.to_owned()).or_default();
        let numbers: Vec<usize> = messages.iter().map(|m| m.body.parse().unwrap()).collect();
        let expected: Vec<usize> = (next..next + numbers.len()).collect();
        assert_eq!(numbers, expected, "{group}: lost, repeated or out of order");
        // Forgotten messages come back with their attempts counted; fresh ones have one.
        let fresh = ledger.fresh.get(group).copied().unwrap_or_default();
        for (message, number) in messages.iter().zip(numbers) {
            assert_eq!(
                message.attempts > 1,
                number < fresh,
                "{group} {number}: a duplicate"
            );
        }
    }
    let good = if random.random_bool(0.3) {
        random.random_range(0..=messages.len())
    } else {
        messages.len()
    };
    let (done, rest) = messages.split_at(good);
    {
        // Before the acknowledgement: with it the group is free for others.
        let mut ledger = ledger.lock().unwrap();
        *ledger.next.get_mut(group).unwrap() += done.len();
        let seen = ledger.next[group] + rest.len();
        let seen = seen.max(ledger.fresh.get(group).copied().unwrap_or_default());
        ledger.fresh.insert(group.to_owned(), seen);
        ledger.acknowledged += done.len();
    }
    queue.ack(&receipts(done)).await.unwrap();
    if random.random_bool(0.5) {
        for message in rest {
            queue
                .release(&message.receipt, Duration::ZERO)
                .await
                .unwrap();
        }
    }
    // Otherwise it crashes: what it holds comes back by itself.
}
