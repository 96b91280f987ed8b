//! What the conformance suite can't see: the file, and what stays of it.

mod killed;
mod measure;
mod reopened;
mod storage;

use std::sync::Arc;
use std::time::Duration;

use crate::queue::{Outgoing, Queue, QueueOptions, Receipt};

use super::QueueFile;

const LONG: Duration = Duration::from_secs(600);
const PATIENCE: Duration = Duration::from_secs(30);

fn fifo(file: &QueueFile) -> Arc<dyn Queue> {
    file.queue(
        "fifo",
        QueueOptions {
            fifo: true,
            visibility: LONG,
            max_receives: Some(100),
        },
    )
    .unwrap()
}

fn standard(file: &QueueFile) -> Arc<dyn Queue> {
    file.queue(
        "standard",
        QueueOptions {
            fifo: false,
            visibility: LONG,
            max_receives: None,
        },
    )
    .unwrap()
}

fn plain(body: &str) -> Outgoing {
    Outgoing {
        body: body.to_owned(),
        group: None,
        dedup: None,
        delay: Duration::ZERO,
    }
}

fn grouped(group: &str, body: &str) -> Outgoing {
    Outgoing {
        group: Some(group.to_owned()),
        dedup: Some(body.to_owned()),
        ..plain(body)
    }
}

/// What is available now, as bodies and attempts, with the receipts.
async fn available(queue: &dyn Queue) -> (Vec<(String, u32)>, Vec<Receipt>) {
    let got = queue.receive(10, Duration::ZERO).await.unwrap();
    got.into_iter()
        .map(|m| ((m.body, m.attempts), m.receipt))
        .unzip()
}
