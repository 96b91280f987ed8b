//! Queues without order.

use super::*;

pub(super) async fn what_is_sent_is_received_once(factory: &impl Factory) {
    let place = factory.make().await;
    let queue = place.queue("work", standard_options(LONG)).await;
    queue.send(&[]).await.unwrap();
    let batch: Vec<_> = (0..10).map(|n| plain(&n.to_string())).collect();
    queue.send(&batch).await.unwrap();
    queue.send(&[plain("10")]).await.unwrap();

    let got = receive_exactly(&*queue, 11).await;
    let mut numbers: Vec<u32> = bodies(&got)
        .iter()
        .map(|body| body.parse().unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..11).collect::<Vec<_>>());
    assert!(
        got.iter()
            .all(|message| message.attempts == 1 && message.group.is_none())
    );
    assert_empty(&*queue).await;
    queue.ack(&receipts(&got)).await.unwrap();
    // Twice is no error.
    queue.ack(&receipts(&got)).await.unwrap();
    assert_empty(&*queue).await;
}

pub(super) async fn queues_are_apart(factory: &impl Factory) {
    let place = factory.make().await;
    let one = place.queue("one", standard_options(LONG)).await;
    let two = place.queue("two", standard_options(LONG)).await;
    one.send(&[plain("for one")]).await.unwrap();
    assert_empty(&*two).await;
    let got = receive_one(&*one).await;
    // A receipt is worth nothing elsewhere, and a queue opened again is the same queue.
    two.ack(std::slice::from_ref(&got.receipt)).await.unwrap();
    let again = place.queue("one", standard_options(LONG)).await;
    again.extend(&got.receipt, LONG).await.unwrap();
    again.ack(&[got.receipt]).await.unwrap();
}

pub(super) async fn a_delayed_message_stays_hidden(factory: &impl Factory) {
    let place = factory.make().await;
    let queue = place.queue("work", standard_options(LONG)).await;
    let delay = factory.tick() * 2;
    let sent = Instant::now();
    queue
        .send(&[
            Outgoing {
                delay,
                ..plain("later")
            },
            plain("now"),
        ])
        .await
        .unwrap();
    assert_eq!(receive_one(&*queue).await.body, "now");
    assert_eq!(receive_one(&*queue).await.body, "later");
    // The delay began after `sent`; a millisecond for rounding.
    assert!(
        sent.elapsed() + Duration::from_millis(1) >= delay,
        "{:?}",
        sent.elapsed()
    );
}

pub(super) async fn a_receive_waits_for_a_message(factory: &impl Factory) {
    let place = factory.make().await;
    let queue = place.queue("work", standard_options(LONG)).await;
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.receive(1, PATIENCE).await.unwrap() }
    });
    // Likely after the receive began; the case holds either way.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let sent = Instant::now();
    queue.send(&[plain("at last")]).await.unwrap();
    assert_eq!(bodies(&waiting.await.unwrap()), ["at last"]);
    assert!(sent.elapsed() < PATIENCE);
}

pub(super) async fn a_receive_waits_no_longer_than_asked(factory: &impl Factory) {
    let place = factory.make().await;
    let queue = place.queue("work", standard_options(LONG)).await;
    let begun = Instant::now();
    assert!(queue.receive(1, factory.tick()).await.unwrap().is_empty());
    assert!(begun.elapsed() >= factory.tick());
    assert!(queue.receive(0, PATIENCE).await.unwrap().is_empty());
    assert!(begun.elapsed() < PATIENCE);
}

pub(super) async fn a_dropped_receive_takes_nothing_with_it(factory: &impl Factory) {
    let place = factory.make().await;
    let queue = place.queue("work", standard_options(factory.tick())).await;
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.receive(1, PATIENCE).await }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    queue.send(&[plain("for the next one")]).await.unwrap();
    assert_eq!(receive_one(&*queue).await.body, "for the next one");
}

pub(super) async fn bodies_come_back_as_they_were(factory: &impl Factory) {
    let place = factory.make().await;
    let queue = place.queue("work", standard_options(LONG)).await;
    let largest = "x".repeat(factory.max_body());
    for body in [
        r#"{"text":"não 名前 \"quoted\"\n"}"#,
        "  ",
        // Not XML, which is what SQS wants.
        "\u{FFFF}\u{FFFE}\0\u{1B}",
        &largest,
    ] {
        queue.send(&[plain(body)]).await.unwrap();
        let got = receive_one(&*queue).await;
        assert!(got.body == body, "{} bytes came back changed", body.len());
        queue.ack(&[got.receipt]).await.unwrap();
    }
}

pub(super) async fn a_full_batch_of_large_bodies_arrives(factory: &impl Factory) {
    let place = factory.make().await;
    let queue = place.queue("work", fifo_options(LONG)).await;
    // Each within the limit, all together far beyond it.
    let bytes = factory.max_body().min(crate::queue::MAX_BODY_BYTES) / 2;
    let bodies_sent: Vec<_> = (b'a'..b'k')
        .map(|letter| char::from(letter).to_string().repeat(bytes))
        .collect();
    let batch: Vec<_> = bodies_sent
        .iter()
        .map(|body| Outgoing {
            dedup: Some(body[..1].to_owned()),
            ..grouped("a", body)
        })
        .collect();
    queue.send(&batch).await.unwrap();
    let mut got = Vec::new();
    while got.len() < batch.len() {
        let some = queue.receive(10, PATIENCE).await.unwrap();
        assert!(!some.is_empty(), "only {} came", got.len());
        queue.ack(&receipts(&some)).await.unwrap();
        got.extend(some);
    }
    assert!(
        bodies(&got) == bodies_sent,
        "bodies changed or out of order"
    );
}
