//! Two sinks, one of which fails: the other does not notice.

use std::sync::Arc;
use std::time::Duration;

use pombal_control_plane::delivery::Sink;
use pombal_domain::Projection;
use pombal_store::Queue;

use super::rig::{Rig, event, eventually, global};
use crate::app::LONG;
use crate::connector::open;
use crate::flaky::Flaky;
use crate::receiver::{Behave, TestReceiver};

/// What an endpoint has while the other sink waits. A healthy one is quicker on any machine.
const SHARED: Duration = Duration::from_secs(2);

/// Which of the two endpoints is the bad one.
const BOTH_WAYS: [Sink; 2] = [Sink::Instance, Sink::Global];

/// The receivers as own and operator's.
fn placed<'r>(
    bad: Sink,
    worse: &'r TestReceiver,
    better: &'r TestReceiver,
) -> (&'r TestReceiver, &'r TestReceiver) {
    match bad {
        Sink::Instance => (worse, better),
        Sink::Global => (better, worse),
    }
}

#[tokio::test]
async fn a_dead_endpoint_does_not_delay_the_other_sink() {
    for bad in BOTH_WAYS {
        let rig = Rig::new().await;
        let silent = TestReceiver::start(|_, _| Behave::Hang).await;
        let healthy = TestReceiver::ok().await;
        let (own, operator) = placed(bad, &silent, &healthy);
        let row = rig.instance("b1", &own.url).await;
        rig.publish_all(&row, 1..=20).await;
        let service = rig.start_with(|options| {
            options.shared_attempt_timeout = SHARED;
            options.schedule.delays = vec![Duration::from_secs(600)];
            options.schedule.overload_floor = Duration::from_secs(600);
            options.global = Some(global(&operator.url));
        });
        // An attempt has 30 s where nobody waits, and nothing here waits for as long.
        eventually("one sink has all", || healthy.seqs().len() == 20).await;
        assert_eq!(healthy.seqs(), Vec::from_iter(1..=20));
        eventually("the other's wait", || service.counts().failed == 20).await;
        // One time-out, not twenty in a row.
        assert_eq!(silent.seqs(), [1], "{bad:?}");
        service.stop().await;
    }
}

#[tokio::test]
async fn a_sink_that_is_slow_does_not_hold_the_other_to_its_pace() {
    for bad in BOTH_WAYS {
        let rig = Rig::new().await;
        // It always answers, but never as soon as somebody else waits for it.
        let answer = SHARED + Duration::from_secs(1);
        let slow = TestReceiver::start(move |_, _| Behave::After(answer, 200)).await;
        let quick = TestReceiver::ok().await;
        let (own, operator) = placed(bad, &slow, &quick);
        let row = rig.instance("b1", &own.url).await;
        rig.publish_all(&row, 1..=12).await;
        let service = rig.start_with(|options| {
            options.shared_attempt_timeout = SHARED;
            options.global = Some(global(&operator.url));
        });
        eventually("both have all", || service.counts().delivered == 24).await;
        assert_eq!(quick.seqs(), Vec::from_iter(1..=12));
        let hits = quick.hits();
        let took = hits[11].at - hits[0].at;
        // In line it would be twelve of the other's answers.
        assert!(took < answer * 6, "{bad:?}: {took:?}");
        // Only the one that was cut short comes twice.
        let mut seqs = slow.seqs();
        seqs.sort_unstable();
        seqs.dedup();
        assert_eq!(seqs, Vec::from_iter(1..=12));
        assert_eq!(slow.hits().len(), 13, "{bad:?}");
        service.stop().await;
    }
}

#[tokio::test]
async fn a_dead_operators_endpoint_stalls_for_all_instances_and_for_it_alone() {
    let rig = Rig::new().await;
    let silent = TestReceiver::start(|_, _| Behave::Hang).await;
    let healthy = TestReceiver::ok().await;
    let first = rig.instance("b1", &healthy.url).await;
    let service = rig.start_with(|options| {
        options.shared_attempt_timeout = SHARED;
        options.schedule.delays = vec![Duration::from_secs(600)];
        options.schedule.overload_floor = Duration::from_secs(600);
        options.global = Some(global(&silent.url));
    });
    rig.publish_all(&first, [1]).await;
    eventually("it is stalled", || service.counts().failed == 1).await;
    let second = rig.instance("b2", &healthy.url).await;
    rig.publish_all(&second, [2, 3]).await;
    let mut last = event(&second, 4);
    last.projection = Some(Projection(Box::new(open(&second))));
    rig.publish(&last).await;
    eventually("all are done", || {
        (service.counts().failed, service.counts().delivered) == (4, 4)
    })
    .await;
    assert_eq!((silent.seqs(), healthy.seqs()), (vec![1], vec![1, 2, 3, 4]));
    assert_eq!(rig.stores.row("b2").await.observed, open(&second));
    service.stop().await;
}

#[tokio::test]
async fn sinks_are_tried_again_by_themselves_and_get_it_once() {
    let rig = Rig::new().await;
    let fails = |times| {
        let status = move |before| if before < times { 500 } else { 200 };
        TestReceiver::start(move |_, before| Behave::Answer(status(before)))
    };
    let (own, operator) = (fails(2).await, fails(1).await);
    let row = rig.instance("b1", &own.url).await;
    rig.publish_all(&row, [1]).await;
    let service = rig.start_with(|o| o.global = Some(global(&operator.url)));
    eventually("both have it", || service.counts().delivered == 2).await;
    service.stop().await;
    assert_eq!((own.seqs(), operator.seqs()), (vec![1; 3], vec![1; 2]));
    assert_eq!(own.hits()[0].text, operator.hits()[1].text);
    for queue in [&rig.queues.events, &rig.queues.retries] {
        let left = queue.receive(10, Duration::ZERO).await.unwrap();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[tokio::test]
async fn a_sink_that_gives_up_says_which_it_was() {
    for bad in BOTH_WAYS {
        let rig = Rig::new().await;
        let gone = TestReceiver::start(|_, _| Behave::Answer(410)).await;
        let healthy = TestReceiver::ok().await;
        let (own, operator) = placed(bad, &gone, &healthy);
        let row = rig.instance("b1", &own.url).await;
        rig.publish_all(&row, [1]).await;
        let service = rig.start_with(|o| o.global = Some(global(&operator.url)));
        let letter = rig.dead_letter().await;
        assert_eq!((letter.sink, letter.attempts), (bad, 1));
        eventually("the other has it", || service.counts().delivered == 1).await;
        service.stop().await;
    }
}

#[tokio::test]
async fn a_letter_for_the_operator_outlives_the_instance() {
    let rig = Rig::new().await;
    let own = TestReceiver::start(|_, _| Behave::Answer(500)).await;
    let operator =
        TestReceiver::start(|_, before| Behave::Answer(if before == 0 { 500 } else { 200 })).await;
    let row = rig.instance("b1", &own.url).await;
    rig.publish_all(&row, [1]).await;
    let service = rig.start_with(|options| {
        options.schedule.delays = vec![Duration::from_millis(1500)];
        options.global = Some(global(&operator.url));
    });
    eventually("both failed", || service.counts().failed == 2).await;
    rig.stores.registry.delete_instance(&row).await.unwrap();
    eventually("one delivered, one orphaned", || {
        (service.counts().delivered, service.counts().orphaned) == (1, 1)
    })
    .await;
    assert_eq!((own.seqs(), operator.seqs()), (vec![1], vec![1, 1]));
    let shown = operator.hits()[1].json()["destination"].clone();
    assert_eq!(shown, format!("{}/messages-upsert", operator.url));
    service.stop().await;
}

#[tokio::test]
async fn a_queue_that_fails_loses_nothing_for_either() {
    for bad in BOTH_WAYS {
        let mut rig = Rig::new().await;
        let flaky = Arc::new(Flaky::new(Arc::clone(&rig.queues.retries)));
        rig.queues.retries = Arc::clone(&flaky) as Arc<dyn Queue>;
        flaky.refuse(3);
        let failing =
            TestReceiver::start(|_, before| Behave::Answer(if before < 4 { 500 } else { 200 }))
                .await;
        let healthy = TestReceiver::ok().await;
        let (own, operator) = placed(bad, &failing, &healthy);
        let row = rig.instance("b1", &own.url).await;
        rig.publish_all(&row, [1, 2]).await;
        let service = rig.start_with(|o| o.global = Some(global(&operator.url)));
        // No letter can be written, so the message stays, and comes again to both.
        eventually("both have both", || {
            let has = |receiver: &TestReceiver| receiver.seqs().contains(&2);
            has(own) && has(operator) && failing.hits().len() >= 6
        })
        .await;
        service.stop().await;
        assert_eq!(healthy.seqs(), [1, 1, 1, 1, 2], "{bad:?}");
        let ids = healthy.hits().into_iter().map(|hit| hit.text);
        assert_eq!(ids.collect::<std::collections::BTreeSet<_>>().len(), 2);
        let mut seqs = failing.seqs();
        seqs.sort_unstable();
        assert_eq!(seqs, [1, 1, 1, 1, 1, 2], "{bad:?}");
    }
}

#[tokio::test]
async fn what_was_in_flight_at_the_end_comes_again_to_both() {
    let rig = Rig::new().await;
    let own = TestReceiver::ok().await;
    let operator = TestReceiver::start(|_, before| match before {
        0 => Behave::Hang,
        _ => Behave::Answer(200),
    })
    .await;
    let row = rig.instance("b1", &own.url).await;
    rig.publish_all(&row, [1, 2]).await;
    let with_global = |options: &mut pombal_control_plane::DeliveryOptions| {
        options.drain = Duration::from_millis(50);
        options.shared_attempt_timeout = LONG;
        options.global = Some(global(&operator.url));
    };
    let service = rig.start_with(with_global);
    eventually("both attempts run", || {
        !operator.hits().is_empty() && service.counts().delivered == 1
    })
    .await;
    service.stop().await;
    let service = rig.start_with(with_global);
    eventually("both have both", || service.counts().delivered == 4).await;
    assert_eq!(
        (own.seqs(), operator.seqs()),
        (vec![1, 1, 2], vec![1, 1, 2])
    );
    service.stop().await;
}
