//! SIGKILL at any moment: what was answered stays.

use std::collections::{BTreeSet, HashMap};

use super::*;
use crate::kill;

#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("queues.db");
    let mut sent = BTreeSet::new();
    let mut acking = BTreeSet::new();
    let mut acked = BTreeSet::new();
    for _ in 0..3 {
        let child = "queue::sqlite::tests::killed::child";
        for report in kill::run_and_kill(child, &path, 300) {
            let (what, body) = report.split_once(' ').unwrap();
            match what {
                "sent" => sent.insert(body.to_owned()),
                "acking" => acking.insert(body.to_owned()),
                "acked" => acked.insert(body.to_owned()),
                other => panic!("{other}"),
            };
        }
    }
    assert!(!acked.is_empty());

    let file = QueueFile::open(&path).unwrap();
    let queue = fifo(&file);
    let mut left = BTreeSet::new();
    let mut last: HashMap<String, u64> = HashMap::new();
    loop {
        let batch = queue.receive(10, Duration::ZERO).await.unwrap();
        if batch.is_empty() {
            break;
        }
        for message in batch {
            let number = message.body.rsplit('.').next().unwrap().parse().unwrap();
            let before = last.insert(message.body.rsplit_once('.').unwrap().0.to_owned(), number);
            assert!(
                before.is_none_or(|before| before < number),
                "{} after {before:?}",
                message.body
            );
            queue.ack(&[message.receipt]).await.unwrap();
            assert!(left.insert(message.body));
        }
    }
    let lost: Vec<_> = sent
        .difference(&acking)
        .filter(|body| !left.contains(*body))
        .collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    let again: Vec<_> = acked.intersection(&left).collect();
    assert!(again.is_empty(), "came again: {again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child process of another test"]
async fn child() {
    let Some(path) = kill::place() else { return };
    let queue = fifo(&QueueFile::open(path).unwrap());
    let run = uuid::Uuid::new_v4().simple();
    let senders = (0..4).map(|group| {
        let queue = queue.clone();
        tokio::spawn(async move {
            for n in (0..).step_by(3) {
                let bodies: Vec<_> = (n..n + 3).map(|n| format!("{run}-{group}.{n}")).collect();
                let batch: Vec<_> = bodies
                    .iter()
                    .map(|body| grouped(&format!("{run}-{group}"), body))
                    .collect();
                queue.send(&batch).await.unwrap();
                bodies
                    .iter()
                    .for_each(|body| kill::report(&format!("sent {body}")));
            }
        })
    });
    let senders: Vec<_> = senders.collect();
    loop {
        let batch = queue.receive(5, PATIENCE).await.unwrap();
        let receipts: Vec<_> = batch
            .iter()
            .map(|message| message.receipt.clone())
            .collect();
        batch
            .iter()
            .for_each(|message| kill::report(&format!("acking {}", message.body)));
        queue.ack(&receipts).await.unwrap();
        batch
            .iter()
            .for_each(|message| kill::report(&format!("acked {}", message.body)));
        assert!(senders.iter().all(|sender| !sender.is_finished()));
    }
}
