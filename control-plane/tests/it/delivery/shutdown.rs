//! Messages in flight: kept while they are worked on, given back at the end.

use std::time::{Duration, Instant};

use pombal_store::queue::QueueOptions;

use super::rig::{Rig, eventually};
use crate::receiver::{Behave, TestReceiver};

#[tokio::test]
async fn a_shutdown_finishes_the_attempt_and_gives_back_the_rest() {
    let rig = Rig::new().await;
    let receiver = TestReceiver::start(|_, before| {
        Behave::After(
            Duration::from_millis(if before == 0 { 300 } else { 0 }),
            200,
        )
    })
    .await;
    let row = rig.instance("b1", &receiver.url).await;
    rig.publish_all(&row, 1..=5).await;
    let service = rig.start();
    eventually("the first attempt runs", || !receiver.hits().is_empty()).await;
    service.cancel();
    eventually("it is delivered", || service.counts().delivered == 1).await;
    service.stop().await;
    assert_eq!(receiver.seqs(), [1]);
    let service = rig.start();
    eventually("the rest is delivered", || service.counts().delivered == 4).await;
    assert_eq!(receiver.seqs(), [1, 2, 3, 4, 5]);
    service.stop().await;
}

#[tokio::test]
async fn an_attempt_that_does_not_end_is_given_back() {
    let rig = Rig::new().await;
    let receiver = TestReceiver::start(|_, before| {
        if before == 0 {
            Behave::Hang
        } else {
            Behave::Answer(200)
        }
    })
    .await;
    let row = rig.instance("b1", &receiver.url).await;
    rig.publish_all(&row, [1, 2]).await;
    let service = rig.start_with(|options| options.drain = Duration::from_millis(50));
    eventually("the attempt runs", || !receiver.hits().is_empty()).await;
    let started = Instant::now();
    service.stop().await;
    let service = rig.start();
    eventually("both are delivered", || service.counts().delivered == 2).await;
    // Long before the attempt or the visibility of the messages would have ended.
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(receiver.seqs(), [1, 1, 2]);
    service.stop().await;
}

#[tokio::test]
async fn a_slow_attempt_is_not_made_twice() {
    let mut rig = Rig::new().await;
    let visibility = Duration::from_millis(600);
    let options = QueueOptions {
        fifo: true,
        visibility,
        max_receives: None,
    };
    rig.queues.events = rig.stores.queues.queue("short-events", options).unwrap();
    let receiver = TestReceiver::start(|_, before| {
        Behave::After(
            Duration::from_millis(if before == 0 { 2000 } else { 0 }),
            200,
        )
    })
    .await;
    let row = rig.instance("b1", &receiver.url).await;
    rig.publish_all(&row, [1, 2]).await;
    let one = rig.start_with(|options| options.visibility = visibility);
    let two = rig.start_with(|options| options.visibility = visibility);
    eventually("both are delivered", || {
        one.counts().delivered + two.counts().delivered == 2
    })
    .await;
    assert_eq!(receiver.seqs(), [1, 2]);
    one.stop().await;
    two.stop().await;
}
