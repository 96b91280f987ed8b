//! What was sent arrives, in its order, and what is acknowledged was handled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bad_aws::{BadAws, Fault, Happened, Rule, Service, Told, seeds};
use futures::future::join_all;
use pombal_store::Queue;
use pombal_store::conformance::aws;
use pombal_store::queue::sqs::Queues;
use pombal_store::queue::{Error, Incoming, Outgoing, QueueOptions, by_group};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{bad, mix};

const GROUPS: usize = 4;
const EACH: usize = 20;
/// Longer than any of these tests should take.
const PATIENCE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

/// A queue on a good connection, and the same one through a proxy.
async fn both(
    seed: u64,
    fifo: bool,
    visibility: Duration,
) -> (BadAws, Arc<dyn Queue>, Arc<dyn Queue>) {
    let options = QueueOptions {
        fifo,
        visibility,
        max_receives: None,
    };
    let queues = aws::queues(&aws::connect().await);
    queues.create_if_missing("q", &options).await.unwrap();
    let good = queues.queue("q", &options).await.unwrap();
    let (proxy, clients) = bad(seed).await;
    let through = Queues::new(clients.sqs(), queues.prefix());
    let through = through.queue("q", &options).await.unwrap();
    (proxy, good, through)
}

fn message(group: usize, n: usize, fifo: bool) -> Outgoing {
    Outgoing {
        body: format!("{group} {n}"),
        group: fifo.then(|| format!("g{group}")),
        dedup: fifo.then(|| format!("{group}-{n}")),
        delay: Duration::ZERO,
    }
}

fn read(message: &Incoming) -> (usize, usize) {
    let (group, n) = message.body.split_once(' ').unwrap();
    (group.parse().unwrap(), n.parse().unwrap())
}

/// Sends a batch as its callers do: again, until it is in.
async fn send(queue: &dyn Queue, batch: &[Outgoing]) {
    let end = Instant::now() + PATIENCE;
    while let Err(error) = queue.send(batch).await {
        assert!(matches!(error, Error::Storage(_)), "{error:?}");
        assert!(Instant::now() < end, "never sent: {error:?}");
    }
}

/// Sends every message, one of each group at a time.
async fn send_all(queue: &dyn Queue, fifo: bool) {
    for n in 0..EACH {
        let batch: Vec<_> = (0..GROUPS).map(|group| message(group, n, fifo)).collect();
        send(queue, &batch).await;
    }
}

fn everything() -> BTreeSet<(usize, usize)> {
    (0..GROUPS)
        .flat_map(|group| (0..EACH).map(move |n| (group, n)))
        .collect()
}

/// What receivers have handled, in the order in which they did.
#[derive(Default)]
struct Handled(Mutex<Vec<(usize, usize)>>);

impl Handled {
    fn note(&self, message: &Incoming) {
        self.0.lock().unwrap().push(read(message));
    }

    fn all(&self) -> BTreeSet<(usize, usize)> {
        self.0.lock().unwrap().iter().copied().collect()
    }

    /// The order in which the messages of each group were handled for the first time.
    fn first_times(&self) -> BTreeMap<usize, Vec<usize>> {
        let (mut seen, mut orders) = (BTreeSet::new(), BTreeMap::<_, Vec<_>>::new());
        for (group, n) in self.0.lock().unwrap().iter().copied() {
            if seen.insert((group, n)) {
                orders.entry(group).or_default().push(n);
            }
        }
        orders
    }
}

/// Receives until everything is handled and the queue is empty for good: `good` sees nothing
/// any more. A receiver drops some messages unhandled, as one that dies would.
async fn receive_all(queue: &dyn Queue, good: &dyn Queue, handled: &Handled, seed: u64) {
    let end = Instant::now() + PATIENCE;
    let mut chance = StdRng::seed_from_u64(seed);
    loop {
        let missing = everything().len() - handled.all().len();
        assert!(Instant::now() < end, "{missing} never came");
        let Ok(messages) = queue.receive(10, SECOND).await else {
            continue;
        };
        if messages.is_empty() && missing == 0 {
            let left = good.receive(10, Duration::ZERO).await.unwrap();
            if left.is_empty() {
                return;
            }
            for message in left.iter().rev() {
                good.release(&message.receipt, Duration::ZERO)
                    .await
                    .unwrap();
            }
        }
        for batch in by_group(messages) {
            // What comes after a message that was dropped waits for it.
            let kept = batch.iter().take_while(|_| !chance.random_ratio(1, 12));
            let kept: Vec<_> = kept.collect();
            for message in &kept {
                handled.note(message);
            }
            let receipts: Vec<_> = kept.iter().map(|m| m.receipt.clone()).collect();
            // Not acknowledged: it comes again.
            let _ = queue.ack(&receipts).await;
            for message in batch[kept.len()..].iter().rev() {
                let _ = queue.release(&message.receipt, Duration::ZERO).await;
            }
        }
    }
}

/// What can happen to sends and acknowledgements of batches besides.
fn partly(proxy: &BadAws, percent: u32) -> Vec<Happened> {
    [Fault::Partial, Fault::PartialLost]
        .map(|fault| proxy.add(Rule::on(Service::Sqs, fault).percent(percent)))
        .into()
}

async fn everything_arrives(seed: u64, fifo: bool) {
    let (proxy, good, queue) = both(seed, fifo, Duration::from_secs(2)).await;
    let mut faults = partly(&proxy, 10);
    faults.extend(mix(&proxy, Service::Sqs, 4));
    let settling: &[Fault] = match fifo {
        true => &[Fault::Late, Fault::Expired],
        false => &[Fault::Late, Fault::Expired, Fault::Twice],
    };
    let settling = settling.iter().map(|fault| {
        let rule = Rule::on(Service::Sqs, *fault).operation("ReceiveMessage");
        proxy.add(rule.percent(10))
    });
    faults.extend(settling);
    let handled = Handled::default();
    let receivers = join_all((0..2).map(|n| receive_all(&*queue, &*good, &handled, seed + n)));
    tokio::join!(send_all(&*queue, fifo), receivers);
    assert_eq!(handled.all(), everything());
    if fifo {
        for (group, order) in handled.first_times() {
            assert!(order.is_sorted(), "group {group}: {order:?}");
        }
    }
    let happened: u64 = faults.iter().map(Happened::count).sum();
    assert!(happened > 20, "{faults:?}");
    assert!(proxy.log().of(Service::Sqs).most_tries() <= 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_arrives_in_order_on_a_bad_day() {
    for seed in seeds(0xF1F0) {
        let _told = Told(seed);
        everything_arrives(seed, true).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_arrives_at_least_once_on_a_bad_day() {
    for seed in seeds(0x57A4DA4D) {
        let _told = Told(seed);
        everything_arrives(seed, false).await;
    }
}

/// Whatever happens to the sender, a FIFO queue has each message once.
async fn doubles_are_dropped(seed: u64) {
    let (proxy, good, queue) = both(seed, true, Duration::from_secs(30)).await;
    let mut faults = partly(&proxy, 15);
    faults.extend(mix(&proxy, Service::Sqs, 8));
    send_all(&*queue, true).await;
    // The last batch once more, for a sender that has forgotten that it was in.
    let again: Vec<_> = (0..GROUPS).map(|g| message(g, EACH - 1, true)).collect();
    send(&*queue, &again).await;
    let happened: u64 = faults.iter().map(Happened::count).sum();
    assert!(happened > 8, "{faults:?}");
    let (handled, mut count) = (Handled::default(), 0);
    while count < everything().len() {
        let got = good.receive(10, 5 * SECOND).await.unwrap();
        assert!(!got.is_empty(), "only {count} came");
        got.iter().for_each(|message| handled.note(message));
        count += got.len();
        let receipts: Vec<_> = got.into_iter().map(|m| m.receipt).collect();
        good.ack(&receipts).await.unwrap();
    }
    assert_eq!((handled.all(), count), (everything(), everything().len()));
    assert!(good.receive(10, SECOND).await.unwrap().is_empty());
    for (group, order) in handled.first_times() {
        assert!(order.is_sorted(), "group {group}: {order:?}");
    }
}

#[tokio::test]
async fn doubles_are_dropped_on_a_bad_day() {
    for seed in seeds(0xD0B1E) {
        let _told = Told(seed);
        doubles_are_dropped(seed).await;
    }
}

#[tokio::test]
async fn a_batch_that_fails_in_part_loses_nothing() {
    for fault in [Fault::Partial, Fault::PartialLost] {
        let (proxy, good, queue) = both(1, true, Duration::from_secs(30)).await;
        let refused = proxy.add(Rule::on(Service::Sqs, fault).times(3));
        let batch: Vec<_> = (0..6).map(|group| message(group, 0, true)).collect();
        queue.send(&batch).await.unwrap();
        assert_eq!(refused.count(), 3);
        let got = good.receive(10, 5 * SECOND).await.unwrap();
        let there: BTreeSet<_> = got.iter().map(read).collect();
        assert_eq!(there, (0..6).map(|group| (group, 0)).collect());
        // And so is an acknowledgement.
        let refused = proxy.add(Rule::on(Service::Sqs, fault).times(3));
        let receipts: Vec<_> = got.into_iter().map(|m| m.receipt).collect();
        queue.ack(&receipts).await.unwrap();
        assert_eq!(refused.count(), 3);
        for receipt in &receipts {
            let gone = good.extend(receipt, SECOND).await;
            assert!(matches!(gone, Err(Error::ReceiptExpired)), "{gone:?}");
        }
    }
}

#[tokio::test]
async fn a_receipt_that_expired_hides_nothing_and_removes_nothing() {
    let (proxy, _good, queue) = both(1, true, Duration::from_secs(30)).await;
    let sent = [message(0, 0, true), message(0, 1, true)];
    queue.send(&sent).await.unwrap();
    let expired = proxy.add(Rule::on(Service::Sqs, Fault::Expired).times(1));
    let first = queue.receive(10, 5 * SECOND).await.unwrap();
    assert_eq!((first.len(), expired.count()), (2, 1));
    for message in &first {
        let hidden = queue.extend(&message.receipt, SECOND).await;
        assert!(matches!(hidden, Err(Error::ReceiptExpired)), "{hidden:?}");
    }
    let receipts: Vec<_> = first.iter().map(|m| m.receipt.clone()).collect();
    queue.ack(&receipts).await.unwrap();
    // They come again, in their order.
    let second = queue.receive(10, 5 * SECOND).await.unwrap();
    assert_eq!(
        second.iter().map(read).collect::<Vec<_>>(),
        [(0, 0), (0, 1)]
    );
    assert!(second.iter().all(|message| message.attempts > 1));
}

/// The answer to a receive is lost: the SDK's next try gets the same messages, so that their
/// group does not stand still until they are visible again.
#[tokio::test]
async fn a_receive_that_is_tried_again_gets_its_messages() {
    for fault in [Fault::Lost, Fault::BrokenOff] {
        let (proxy, _good, queue) = both(1, true, Duration::from_secs(30)).await;
        let sent = [message(0, 0, true), message(0, 1, true)];
        queue.send(&sent).await.unwrap();
        let lost = proxy.add(Rule::on(Service::Sqs, fault).times(1));
        let got = queue.receive(10, 5 * SECOND).await.unwrap();
        assert_eq!(lost.count(), 1);
        assert_eq!(got.iter().map(read).collect::<Vec<_>>(), [(0, 0), (0, 1)]);
    }
}
