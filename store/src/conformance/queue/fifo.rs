//! Queues with order.

use super::*;

pub(super) async fn a_group_comes_in_order(factory: &impl Factory) {
    let place = factory.make().await;
    let queue = place.queue("events", fifo_options(LONG)).await;
    for n in 0..25 {
        queue
            .send(&[
                grouped("a", &format!("a{n}")),
                grouped("b", &format!("b{n}")),
            ])
            .await
            .unwrap();
    }
    let mut got: Vec<Incoming> = Vec::new();
    while got.len() < 50 {
        let batch = queue.receive(10, PATIENCE).await.unwrap();
        assert!(!batch.is_empty());
        queue.ack(&receipts(&batch)).await.unwrap();
        got.extend(batch);
    }
    for group in ["a", "b"] {
        let of_group = got
            .iter()
            .filter(|message| message.group.as_deref() == Some(group));
        let bodies: Vec<_> = of_group.map(|message| message.body.clone()).collect();
        assert_eq!(
            bodies,
            (0..25).map(|n| format!("{group}{n}")).collect::<Vec<_>>()
        );
    }
    assert_empty(&*queue).await;
}

pub(super) async fn a_group_in_flight_waits_and_others_do_not(factory: &impl Factory) {
    let place = factory.make().await;
    let queue = place.queue("events", fifo_options(LONG)).await;
    queue
        .send(&[grouped("a", "a1"), grouped("a", "a2"), grouped("b", "b1")])
        .await
        .unwrap();
    let first = queue.receive(1, PATIENCE).await.unwrap();
    assert_eq!(bodies(&first), ["a1"]);
    let second = queue.receive(10, PATIENCE).await.unwrap();
    assert_eq!(bodies(&second), ["b1"]);
    assert_empty(&*queue).await;
    queue
        .send(&[grouped("a", "a3"), grouped("c", "c1")])
        .await
        .unwrap();
    assert_eq!(bodies(&queue.receive(10, PATIENCE).await.unwrap()), ["c1"]);
    assert_empty(&*queue).await;
}

pub(super) async fn a_batch_holds_several_of_one_group(factory: &impl Factory) {
    let place = factory.make().await;
    let queue = place.queue("events", fifo_options(LONG)).await;
    let batch: Vec<_> = (0..10).map(|n| grouped("a", &n.to_string())).collect();
    queue.send(&batch).await.unwrap();
    queue.send(&[grouped("a", "10")]).await.unwrap();
    let got = queue.receive(10, PATIENCE).await.unwrap();
    assert_eq!(
        bodies(&got),
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
    );
    // Part of the batch done: the rest still holds the group.
    queue.ack(&receipts(&got[..9])).await.unwrap();
    assert_empty(&*queue).await;
    queue.ack(&receipts(&got[9..])).await.unwrap();
    assert_eq!(receive_one(&*queue).await.body, "10");
}

pub(super) async fn a_group_goes_on_after_an_acknowledgement(factory: &impl Factory) {
    let place = factory.make().await;
    let queue = place.queue("events", fifo_options(LONG)).await;
    queue
        .send(&[grouped("a", "1"), grouped("a", "2")])
        .await
        .unwrap();
    let first = queue.receive(1, PATIENCE).await.unwrap();
    queue.ack(&receipts(&first)).await.unwrap();
    assert_eq!(receive_one(&*queue).await.body, "2");
}

pub(super) async fn a_released_message_comes_before_its_successors(factory: &impl Factory) {
    let place = factory.make().await;
    let queue = place.queue("events", fifo_options(LONG)).await;
    queue
        .send(&[grouped("a", "1"), grouped("a", "2"), grouped("a", "3")])
        .await
        .unwrap();
    let got = queue.receive(2, PATIENCE).await.unwrap();
    assert_eq!(bodies(&got), ["1", "2"]);
    queue
        .release(&got[0].receipt, Duration::ZERO)
        .await
        .unwrap();
    // The other one is still held, by a receipt that still works.
    assert_empty(&*queue).await;
    queue.extend(&got[1].receipt, LONG).await.unwrap();
    queue
        .release(&got[1].receipt, Duration::ZERO)
        .await
        .unwrap();
    let again = queue.receive(10, PATIENCE).await.unwrap();
    assert_eq!(bodies(&again), ["1", "2", "3"]);
    assert_eq!(
        again.iter().map(|m| m.attempts).collect::<Vec<_>>(),
        [2, 2, 1]
    );

    queue
        .release(&again[0].receipt, factory.tick())
        .await
        .unwrap();
    queue.ack(&receipts(&again[1..])).await.unwrap();
    queue.send(&[grouped("a", "4")]).await.unwrap();
    // A delayed release holds the group too.
    let last = queue.receive(10, PATIENCE).await.unwrap();
    assert_eq!(bodies(&last), ["1", "4"]);
}

pub(super) async fn a_duplicate_is_dropped(factory: &impl Factory) {
    let place = factory.make().await;
    let queue = place.queue("events", fifo_options(LONG)).await;
    let other = place.queue("others", fifo_options(LONG)).await;
    let message = grouped("a", "once");
    queue
        .send(&[message.clone(), message.clone()])
        .await
        .unwrap();
    queue
        .send(&[message.clone(), grouped("a", "new")])
        .await
        .unwrap();
    let got = receive_exactly(&*queue, 2).await;
    assert_eq!(bodies(&got), ["once", "new"]);
    queue.ack(&receipts(&got)).await.unwrap();
    // Also after it is gone, but not in another group or another queue.
    let elsewhere = Outgoing {
        group: Some("b".to_owned()),
        ..message.clone()
    };
    queue.send(&[message.clone(), elsewhere]).await.unwrap();
    let got = receive_one(&*queue).await;
    assert_eq!(got.group.as_deref(), Some("b"));
    queue.ack(&[got.receipt]).await.unwrap();
    assert_empty(&*queue).await;
    other.send(&[message]).await.unwrap();
    assert_eq!(receive_one(&*other).await.body, "once");
}

pub(super) async fn a_group_that_is_free_again_wakes_a_receiver(factory: &impl Factory) {
    let place = factory.make().await;
    let queue = place.queue("events", fifo_options(LONG)).await;
    queue
        .send(&[grouped("a", "1"), grouped("a", "2")])
        .await
        .unwrap();
    let held = queue.receive(1, PATIENCE).await.unwrap();
    let wait = |queue: &Arc<dyn Queue>| {
        let queue = queue.clone();
        tokio::spawn(async move { queue.receive(1, PATIENCE).await.unwrap() })
    };
    let waiting = wait(&queue);
    tokio::time::sleep(Duration::from_millis(20)).await;
    queue
        .release(&held[0].receipt, Duration::ZERO)
        .await
        .unwrap();
    let held = waiting.await.unwrap();
    assert_eq!(bodies(&held), ["1"]);

    let waiting = wait(&queue);
    tokio::time::sleep(Duration::from_millis(20)).await;
    queue.ack(&receipts(&held)).await.unwrap();
    assert_eq!(bodies(&waiting.await.unwrap()), ["2"]);
}
