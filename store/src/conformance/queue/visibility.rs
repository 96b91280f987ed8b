//! Visibility timeouts, receipts, attempts and dead letters, on both kinds of queue.

use super::*;
use crate::queue::Error;

/// Both kinds, as `(name, options, message)`.
fn kinds(visibility: Duration) -> [(&'static str, QueueOptions, Outgoing); 2] {
    [
        ("standard", standard_options(visibility), plain("m")),
        ("fifo", fifo_options(visibility), grouped("a", "m")),
    ]
}

pub(super) async fn a_message_comes_back_after_its_timeout(factory: &impl Factory) {
    let place = factory.make().await;
    for (name, options, message) in kinds(factory.tick()) {
        let queue = place.queue(name, options).await;
        queue.send(&[message]).await.unwrap();
        let begun = Instant::now();
        assert_eq!(receive_one(&*queue).await.attempts, 1);
        let again = queue.receive(1, PATIENCE).await.unwrap();
        assert_eq!(again[0].attempts, 2);
        assert!(begun.elapsed() + Duration::from_millis(1) >= factory.tick());
    }
}

pub(super) async fn an_expired_receipt_does_nothing(factory: &impl Factory) {
    let place = factory.make().await;
    for (name, options, message) in kinds(factory.tick()) {
        let queue = place.queue(name, options).await;
        queue.send(&[message]).await.unwrap();
        let first = receive_one(&*queue).await;
        let second = queue.receive(1, PATIENCE).await.unwrap().remove(0);
        assert_ne!(first.receipt, second.receipt);
        queue
            .ack(std::slice::from_ref(&first.receipt))
            .await
            .unwrap();
        for dead in [
            first.receipt,
            Receipt("nonsense".to_owned()),
            Receipt("1.x".to_owned()),
        ] {
            let extended = queue.extend(&dead, LONG).await;
            assert!(
                matches!(extended, Err(Error::ReceiptExpired)),
                "{extended:?}"
            );
            let released = queue.release(&dead, Duration::ZERO).await;
            assert!(
                matches!(released, Err(Error::ReceiptExpired)),
                "{released:?}"
            );
        }
        // Still there, whether the second timeout has ended meanwhile or not.
        assert!(receive_one(&*queue).await.attempts >= 3);
    }
}

pub(super) async fn an_extended_message_stays_hidden(factory: &impl Factory) {
    let place = factory.make().await;
    for (name, options, message) in kinds(factory.tick() * 4) {
        let queue = place.queue(name, options).await;
        queue.send(&[message]).await.unwrap();
        let got = receive_one(&*queue).await;
        queue.extend(&got.receipt, LONG).await.unwrap();
        assert!(
            queue
                .receive(1, factory.tick() * 6)
                .await
                .unwrap()
                .is_empty()
        );
        queue.ack(&[got.receipt]).await.unwrap();
        assert_empty(&*queue).await;
    }
}

pub(super) async fn a_released_message_comes_back_at_once(factory: &impl Factory) {
    let place = factory.make().await;
    for (name, options, message) in kinds(LONG) {
        let queue = place.queue(name, options).await;
        queue.send(&[message]).await.unwrap();
        let got = receive_one(&*queue).await;
        queue.release(&got.receipt, Duration::ZERO).await.unwrap();
        assert_eq!(receive_one(&*queue).await.attempts, 2);
    }
}

pub(super) async fn a_released_message_comes_back_after_its_delay(factory: &impl Factory) {
    let place = factory.make().await;
    for (name, options, message) in kinds(LONG) {
        let queue = place.queue(name, options).await;
        queue.send(&[message]).await.unwrap();
        let got = receive_one(&*queue).await;
        // Somebody who waits already learns of the new time.
        let waiting = tokio::spawn({
            let queue = queue.clone();
            async move { queue.receive(1, PATIENCE).await.unwrap() }
        });
        let begun = Instant::now();
        queue.release(&got.receipt, factory.tick()).await.unwrap();
        assert_eq!(waiting.await.unwrap()[0].attempts, 2);
        assert!(begun.elapsed() + Duration::from_millis(1) >= factory.tick());
    }
}

pub(super) async fn attempts_are_counted(factory: &impl Factory) {
    let place = factory.make().await;
    for (name, options, message) in kinds(LONG) {
        let queue = place.queue(name, options).await;
        queue.send(&[message]).await.unwrap();
        for attempt in 1..=20 {
            let got = receive_one(&*queue).await;
            assert_eq!(got.attempts, attempt);
            queue.release(&got.receipt, Duration::ZERO).await.unwrap();
        }
    }
}

pub(super) async fn a_message_goes_to_the_dead_letter_queue(factory: &impl Factory) {
    let place = factory.make().await;
    for (name, options, message) in kinds(LONG) {
        let queue = place
            .queue(
                name,
                QueueOptions {
                    max_receives: Some(3),
                    ..options
                },
            )
            .await;
        assert!(place.dead_letters(name).await.is_empty());
        queue.send(&[message]).await.unwrap();
        for attempt in 1..=3 {
            let got = receive_one(&*queue).await;
            assert_eq!(got.attempts, attempt);
            assert!(place.dead_letters(name).await.is_empty());
            queue.release(&got.receipt, Duration::ZERO).await.unwrap();
        }
        assert_empty(&*queue).await;
        assert_eq!(place.dead_letters(name).await, [("m".to_owned(), 3)]);
    }
}

pub(super) async fn a_dead_letter_does_not_block_its_group(factory: &impl Factory) {
    let place = factory.make().await;
    let options = QueueOptions {
        max_receives: Some(1),
        ..fifo_options(LONG)
    };
    let queue = place.queue("fifo", options).await;
    let bad: Vec<_> = (0..10).map(|n| grouped("a", &format!("bad{n}"))).collect();
    queue.send(&bad).await.unwrap();
    queue.send(&[grouped("a", "good")]).await.unwrap();
    let got = queue.receive(10, PATIENCE).await.unwrap();
    assert_eq!(got.len(), 10);
    for message in &got {
        queue
            .release(&message.receipt, Duration::ZERO)
            .await
            .unwrap();
    }
    assert_eq!(
        bodies(&queue.receive(10, PATIENCE).await.unwrap()),
        ["good"]
    );
    let dead = place.dead_letters("fifo").await;
    assert_eq!(
        dead,
        (0..10).map(|n| (format!("bad{n}"), 1)).collect::<Vec<_>>()
    );
}
