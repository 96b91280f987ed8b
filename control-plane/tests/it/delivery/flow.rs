//! Order, independence, projections, and events that nobody wants.

use std::time::Duration;

use pombal_domain::{Epoch, InstanceId, Projection, Seq};
use pombal_store::queue::Outgoing;

use super::rig::{Rig, event, eventually};
use crate::connector::open;
use crate::receiver::{Behave, TestReceiver};

#[tokio::test]
async fn an_instances_events_arrive_in_order() {
    let rig = Rig::new().await;
    // Later requests would overtake earlier ones if there were two at a time.
    let receiver = TestReceiver::start(|_, before| {
        Behave::After(
            Duration::from_millis(if before % 3 == 0 { 20 } else { 0 }),
            200,
        )
    })
    .await;
    let row = rig.instance("b1", &receiver.url).await;
    rig.publish_all(&row, 1..=35).await;
    let service = rig.start();
    eventually("all delivered", || service.counts().delivered == 35).await;
    assert_eq!(receiver.seqs(), Vec::from_iter(1..=35));
    service.stop().await;
}

#[tokio::test]
async fn a_hanging_endpoint_holds_up_nobody_else() {
    let rig = Rig::new().await;
    let hanging = TestReceiver::start(|_, _| Behave::Hang).await;
    let healthy = TestReceiver::ok().await;
    let stuck = rig.instance("stuck", &hanging.url).await;
    let other = rig.instance("other", &healthy.url).await;
    // In one batch, and in later ones.
    for seq in 1..=15 {
        rig.publish_all(&stuck, [seq]).await;
        rig.publish_all(&other, [seq]).await;
    }
    let service = rig.start_with(|options| options.drain = Duration::from_millis(50));
    eventually("the others are delivered", || healthy.seqs().len() == 15).await;
    assert_eq!(healthy.seqs(), Vec::from_iter(1..=15));
    assert_eq!(hanging.seqs(), [1]);
    service.stop().await;
}

#[tokio::test]
async fn after_a_timeout_events_no_longer_wait_in_line() {
    let rig = Rig::new().await;
    let hanging = TestReceiver::start(|_, _| Behave::Hang).await;
    let row = rig.instance("b1", &hanging.url).await;
    rig.publish_all(&row, 1..=30).await;
    let mut last = event(&row, 31);
    last.projection = Some(Projection(Box::new(open(&row))));
    rig.publish(&last).await;
    let service = rig.start_with(|options| {
        options.attempt_timeout = Duration::from_millis(300);
        options.schedule.delays = vec![Duration::from_secs(600)];
        options.schedule.overload_floor = Duration::from_secs(600);
    });
    eventually("all are put off", || service.counts().failed == 31).await;
    // One time-out, not 31 in a row.
    assert_eq!(hanging.seqs(), [1]);
    assert_eq!(rig.stores.row("b1").await.seq, Seq(31));
    service.stop().await;
}

#[tokio::test]
async fn what_was_put_off_is_tried_and_dies_like_the_rest() {
    let rig = Rig::new().await;
    let hanging = TestReceiver::start(|_, _| Behave::Hang).await;
    let row = rig.instance("b1", &hanging.url).await;
    rig.publish_all(&row, 1..=5).await;
    let service = rig.start_with(|options| {
        options.attempt_timeout = Duration::from_millis(100);
        options.schedule.delays.truncate(1);
    });
    eventually("all are dead", || service.counts().dead == 5).await;
    // Two attempts for each, put off or not.
    assert_eq!(hanging.seqs().len(), 10);
    service.stop().await;
}

#[tokio::test]
async fn projections_are_written_even_if_nobody_listens() {
    let rig = Rig::new().await;
    let receiver = TestReceiver::ok().await;
    let row = rig
        .instance_with("b1", &receiver.url, |webhook| webhook.events.clear())
        .await;
    let mut projecting = event(&row, 5);
    projecting.epoch = Epoch(3);
    projecting.projection = Some(Projection(Box::new(open(&row))));
    rig.publish(&projecting).await;
    // From an owner that had lost the shard by then.
    let mut stale = event(&row, 9);
    stale.epoch = Epoch(2);
    rig.publish(&stale).await;
    let service = rig.start();
    eventually("both are done", || service.counts().stale == 1).await;
    assert_eq!(service.counts().unwanted, 1);
    let after = rig.stores.row("b1").await;
    assert_eq!(
        (after.observed, after.epoch, after.seq),
        (open(&row), Epoch(3), Seq(5))
    );
    assert_eq!(receiver.hits().len(), 0);
    service.stop().await;
}

#[tokio::test]
async fn orphans_and_unreadable_messages_block_nothing() {
    let (rig, receiver) = (Rig::new().await, TestReceiver::ok().await);
    let row = rig.instance("b1", &receiver.url).await;
    let mut former = event(&row, 1);
    former.instance = InstanceId::random();
    former.projection = Some(Projection(Box::new(open(&row))));
    rig.publish(&former).await;
    let garbage = Outgoing {
        body: "{\"not\":\"an event\"}".into(),
        group: Some(row.id.to_string()),
        dedup: Some("garbage".into()),
        delay: Duration::ZERO,
    };
    rig.queues.events.send(&[garbage]).await.unwrap();
    rig.publish_all(&row, [2]).await;
    let service = rig.start();
    eventually("the good one is delivered", || {
        service.counts().delivered == 1
    })
    .await;
    eventually("the orphan is counted", || service.counts().orphaned == 1).await;
    let letter = rig.dead_letter().await;
    assert_eq!(letter.body.as_deref(), Some("{\"not\":\"an event\"}"));
    assert!(letter.error.contains("missing field"), "{}", letter.error);
    assert_eq!(receiver.seqs(), [2]);
    assert_eq!(rig.stores.row("b1").await.seq, Seq(0));
    service.stop().await;
}
