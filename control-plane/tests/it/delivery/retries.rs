//! Failures, and when they are tried again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use pombal_control_plane::delivery::{RetryLetter, Sink};
use pombal_domain::time::UnixMs;
use pombal_store::queue::Outgoing;

use super::rig::{Rig, event, eventually};
use crate::receiver::{Behave, Hit, TestReceiver};

#[tokio::test]
async fn a_failed_event_is_tried_again_by_the_next_process() {
    let rig = Rig::new().await;
    let status = Arc::new(AtomicU16::new(500));
    let answer = Arc::clone(&status);
    let receiver = TestReceiver::start(move |hit, _| {
        Behave::Answer(if hit.seq() == 1 {
            answer.load(Ordering::SeqCst)
        } else {
            200
        })
    })
    .await;
    let row = rig.instance("b1", &receiver.url).await;
    rig.publish_all(&row, [1, 2]).await;
    let service = rig.start_with(|o| o.schedule.delays = vec![Duration::from_millis(400)]);
    eventually("one failed, one delivered", || {
        (service.counts().failed, service.counts().delivered) == (1, 1)
    })
    .await;
    service.stop().await;
    assert_eq!(receiver.seqs(), [1, 2]);

    status.store(200, Ordering::SeqCst);
    let service = rig.start();
    eventually("the other is delivered", || service.counts().delivered == 1).await;
    assert_eq!(receiver.seqs(), [1, 2, 1]);
    let hits = receiver.hits();
    assert_eq!(hits[0].header("webhook-id"), hits[2].header("webhook-id"));
    assert_eq!(hits[0].text, hits[2].text);
    service.stop().await;
}

#[tokio::test]
async fn when_the_schedule_is_over_the_event_is_dead() {
    let rig = Rig::new().await;
    // A redirect is a failure: nobody follows it.
    let receiver = TestReceiver::start(|_, _| Behave::Answer(307)).await;
    let row = rig.instance("b1", &receiver.url).await;
    rig.publish_all(&row, [1]).await;
    let service = rig.start();
    let letter = rig.dead_letter().await;
    assert_eq!(
        (letter.attempts, &*letter.error),
        (4, "the endpoint answered 307")
    );
    assert_eq!(letter.event.map(|e| e.seq.0), Some(1));
    assert_eq!(receiver.seqs(), [1; 4]);
    eventually("it is counted", || service.counts().dead == 1).await;
    assert_eq!(service.counts().failed, 3);
    service.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_not_asked_again() {
    let rig = Rig::new().await;
    let receiver = TestReceiver::start(|_, _| Behave::Answer(410)).await;
    let row = rig.instance("b1", &receiver.url).await;
    rig.publish_all(&row, [1]).await;
    let service = rig.start();
    let letter = rig.dead_letter().await;
    assert_eq!(
        (letter.attempts, &*letter.error),
        (1, "the endpoint answered 410")
    );
    assert_eq!(receiver.seqs(), [1]);
    service.stop().await;
}

#[tokio::test]
async fn an_endpoint_with_too_much_to_do_gets_time() {
    let gap = |hits: &[Hit]| hits[1].at - hits[0].at;
    let rig = Rig::new().await;
    for (name, first, at_least) in [
        ("too-many", Behave::Answer(429), 400),
        ("silent", Behave::Hang, 400),
        ("asks", Behave::RetryAfter(503, "1"), 1000),
    ] {
        let receiver = TestReceiver::start(move |_, before| {
            if before == 0 {
                first
            } else {
                Behave::Answer(204)
            }
        })
        .await;
        let row = rig.instance(name, &receiver.url).await;
        rig.publish_all(&row, [1]).await;
        let asks = name == "asks";
        let service = rig.start_with(|options| {
            options.attempt_timeout = Duration::from_millis(100);
            options.schedule.jitter = 0.0;
            options.schedule.delays = vec![Duration::from_millis(if asks { 600 } else { 1 })];
            options.schedule.overload_floor = Duration::from_millis(400);
        });
        eventually("delivered at last", || service.counts().delivered == 1).await;
        assert!(gap(&receiver.hits()).as_millis() >= at_least, "{name}");
        service.stop().await;
    }
}

#[tokio::test]
async fn a_letter_that_comes_early_waits_until_it_is_due() {
    let (rig, receiver) = (Rig::new().await, TestReceiver::ok().await);
    let row = rig.instance("b1", &receiver.url).await;
    let due_at = UnixMs::now().plus(Duration::from_millis(400));
    let letter = RetryLetter {
        event: event(&row, 1),
        sink: Sink::Instance,
        attempts: 6,
        due_at,
        error: "x".into(),
    };
    let message = Outgoing {
        body: serde_json::to_string(&letter).unwrap(),
        group: None,
        dedup: None,
        delay: Duration::ZERO,
    };
    rig.queues.retries.send(&[message]).await.unwrap();
    let service = rig.start();
    eventually("delivered", || service.counts().delivered == 1).await;
    assert!(UnixMs::now() >= due_at);
    assert_eq!(receiver.seqs(), [1]);
    service.stop().await;
}

#[tokio::test]
async fn a_retry_goes_where_the_webhook_points_now() {
    let rig = Rig::new().await;
    let (old, new) = (
        TestReceiver::start(|_, _| Behave::Answer(500)).await,
        TestReceiver::ok().await,
    );
    let row = rig.instance("b1", &old.url).await;
    let gone = rig.instance("b2", &old.url).await;
    rig.publish_all(&row, [1]).await;
    rig.publish_all(&gone, [2]).await;
    let slow = |o: &mut pombal_control_plane::DeliveryOptions| {
        o.schedule.delays = vec![Duration::from_millis(300)];
    };
    let service = rig.start_with(slow);
    eventually("both failed", || service.counts().failed == 2).await;
    let mut webhook = row.webhook.clone().unwrap();
    webhook.url = new.url.clone();
    rig.stores
        .registry
        .set_webhook(&row.name, row.id, &webhook)
        .await
        .unwrap();
    rig.stores.registry.delete_instance(&gone).await.unwrap();
    eventually("one delivered, one orphaned", || {
        (service.counts().delivered, service.counts().orphaned) == (1, 1)
    })
    .await;
    assert_eq!((new.seqs(), old.seqs().len()), (vec![1], 2));
    service.stop().await;
}
