//! A file that is closed and opened again.

use super::*;
use crate::queue::sqlite::clock::Clock;
use crate::queue::sqlite::schema;

#[tokio::test]
async fn messages_in_flight_are_available_and_delays_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("queues.db");
    {
        let file = QueueFile::open(&path).unwrap();
        let (fifo, standard) = (fifo(&file), standard(&file));
        fifo.send(&[grouped("a", "a1"), grouped("a", "a2"), grouped("b", "b1")])
            .await
            .unwrap();
        let (_, receipts) = available(&*fifo).await;
        // `b1` is given back for later; the others stay in flight.
        fifo.release(&receipts[2], LONG).await.unwrap();
        let late = Outgoing {
            delay: LONG,
            ..plain("late")
        };
        standard.send(&[plain("held"), late]).await.unwrap();
        assert_eq!(available(&*standard).await.0, [("held".to_owned(), 1)]);
    }
    let file = QueueFile::open(&path).unwrap();
    let (fifo, standard) = (fifo(&file), standard(&file));
    // Deduplication lasts too.
    fifo.send(&[grouped("a", "a1"), grouped("a", "a3")])
        .await
        .unwrap();
    let expected = [("a1", 2), ("a2", 2), ("a3", 1)].map(|(body, n)| (body.to_owned(), n));
    assert_eq!(available(&*fifo).await.0, expected);
    assert_eq!(available(&*standard).await.0, [("held".to_owned(), 2)]);
}

#[tokio::test]
async fn a_clock_that_was_set_back_delays_nothing_further() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("queues.db");
    {
        let file = QueueFile::open(&path).unwrap();
        standard(&file)
            .send(&[Outgoing {
                delay: LONG,
                ..plain("late")
            }])
            .await
            .unwrap();
        let fifo = fifo(&file);
        fifo.send(&[grouped("a", "a1")]).await.unwrap();
        let (_, receipts) = available(&*fifo).await;
        fifo.release(&receipts[0], LONG).await.unwrap();
    }
    let a_year_ago = Clock::start().now() - 365 * 86_400_000;
    let connection = schema::open(&path, a_year_ago).unwrap();
    for (table, longest) in [
        ("SELECT max(visible_at) FROM message", 600_000),
        ("SELECT max(busy_until) FROM message_group", 600_000),
        ("SELECT max(until) FROM dedup", 300_000),
    ] {
        let end: i64 = connection.query_row(table, [], |row| row.get(0)).unwrap();
        assert_eq!(end - a_year_ago, longest, "{table}");
    }
}

#[tokio::test]
async fn a_file_is_open_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("queues.db");
    let file = QueueFile::open(&path).unwrap();
    let _queue = standard(&file);
    assert!(QueueFile::open(&path).is_err());
    // And the first one goes on.
    standard(&file).send(&[plain("m")]).await.unwrap();
}
