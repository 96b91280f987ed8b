//! Transactions that fail, receivers that go away, queues that are not what was thought.

use super::*;
use crate::queue::Error;
use crate::queue::sqlite::settle;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_transaction_fails_its_callers_and_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let file = QueueFile::open(dir.path().join("queues.db")).unwrap();
    let queue = standard(&file);
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.receive(1, PATIENCE).await }
    });
    let broken = file.writer.call(|turn| {
        turn.tx
            .execute("INSERT INTO queue (name, fifo) VALUES ('half', 0)", [])?;
        turn.tx.execute("INSERT INTO nowhere VALUES (1)", [])
    });
    assert!(matches!(broken.await, Err(Error::Storage(_))));
    // What it did before it failed is undone, and the receiver still waits.
    file.queue(
        "half",
        QueueOptions {
            fifo: true,
            visibility: LONG,
            max_receives: None,
        },
    )
    .unwrap();
    assert!(!waiting.is_finished());
    queue.send(&[plain("m")]).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap()[0].body, "m");
}

#[tokio::test]
async fn a_receive_that_nobody_waits_for_any_more_is_undone() {
    let dir = tempfile::tempdir().unwrap();
    let file = QueueFile::open(dir.path().join("queues.db")).unwrap();
    let queue = fifo(&file);
    queue
        .send(&[grouped("a", "1"), grouped("a", "2")])
        .await
        .unwrap();
    let (_, receipts) = available(&*queue).await;
    let id = file.writer.call(|turn| {
        turn.tx
            .query_row("SELECT id FROM queue WHERE name = 'fifo'", [], |row| {
                row.get(0)
            })
    });
    let id = id.await.unwrap();
    let undone = file.writer.call(move |turn| {
        receipts
            .iter()
            .try_for_each(|receipt| settle::undo(turn, id, receipt))
    });
    undone.await.unwrap();
    let expected = [("1".to_owned(), 1), ("2".to_owned(), 1)];
    assert_eq!(available(&*queue).await.0, expected);
}

#[tokio::test]
async fn receivers_that_come_and_go_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = QueueFile::open(dir.path().join("queues.db")).unwrap();
    let queue = fifo(&file);
    for n in 0..50 {
        let body = n.to_string();
        let message = [grouped("a", &body)];
        let sent = queue.send(&message);
        // Dropped at some point of its way, perhaps when it has a message already.
        let dropped =
            tokio::time::timeout(Duration::from_micros(n * 20), queue.receive(1, PATIENCE));
        let (sent, received) = tokio::join!(sent, dropped);
        sent.unwrap();
        let message = match received {
            Ok(messages) => messages.unwrap().remove(0),
            Err(_) => queue.receive(1, PATIENCE).await.unwrap().remove(0),
        };
        assert_eq!((message.body, message.attempts), (body, 1));
        queue.ack(&[message.receipt]).await.unwrap();
    }
}

#[tokio::test]
async fn a_queue_keeps_its_kind_of_order() {
    let dir = tempfile::tempdir().unwrap();
    let file = QueueFile::open(dir.path().join("queues.db")).unwrap();
    let options = QueueOptions {
        fifo: true,
        visibility: LONG,
        max_receives: None,
    };
    let _queue = file.queue("one", options.clone()).unwrap();
    let other = file.queue(
        "one",
        QueueOptions {
            fifo: false,
            ..options.clone()
        },
    );
    assert!(matches!(other, Err(Error::Invalid(_))));
    let endless = QueueOptions {
        visibility: Duration::from_secs(43_201),
        ..options
    };
    assert!(matches!(file.queue("two", endless), Err(Error::Invalid(_))));
    assert!(file.dead_letters("one").await.unwrap().is_empty());
}
