//! How many messages a second go through.

use std::time::Instant;

use super::*;
use crate::queue::sqlite::Durability;

/// `cargo nextest run --release -p pombal-store --run-ignored only --no-capture measure`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn cycles_per_second() {
    for durability in [Durability::Full, Durability::Normal] {
        for tasks in [1_u32, 16] {
            let dir = tempfile::tempdir_in(".").unwrap();
            let path = dir.path().join("queues.db");
            let file = QueueFile::open_with(path, durability).unwrap();
            for fifo_queue in [false, true] {
                let queue = if fifo_queue {
                    fifo(&file)
                } else {
                    standard(&file)
                };
                let rounds = 6_000 / tasks;
                let begun = Instant::now();
                let running: Vec<_> = (0..tasks)
                    .map(|task| tokio::spawn(cycles(queue.clone(), fifo_queue, task, rounds)))
                    .collect();
                for task in running {
                    task.await.unwrap();
                }
                let rate = f64::from(rounds * tasks) / begun.elapsed().as_secs_f64();
                println!("{durability:?} fifo={fifo_queue} tasks={tasks}: {rate:.0} cycles/s");
            }
        }
    }
}

async fn cycles(queue: Arc<dyn Queue>, fifo: bool, task: u32, rounds: u32) {
    let body = "x".repeat(500);
    for n in 0..rounds {
        let mut message = plain(&body);
        if fifo {
            message.group = Some(format!("g{task}"));
            message.dedup = Some(format!("{task}.{n}"));
        }
        queue.send(&[message]).await.unwrap();
        let got = queue.receive(1, PATIENCE).await.unwrap();
        queue.ack(&[got[0].receipt.clone()]).await.unwrap();
    }
}
