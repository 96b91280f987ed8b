//! `sessions`: what the session store costs, in requests, bytes, time and memory.
//!
//! Requests are counted below `SlateDB`, on a paused clock, with the settings for a bucket
//! whose every write takes 30 ms. So they are exact, and the same in every run. What the
//! client asks of the store is written down in [`workload`].

mod bucket;
mod counting;
mod disk;
mod workload;

use crate::result::Row;

/// Numbers of instances on one shard.
const SIZES: [usize; 3] = [1, 100, 1000];

pub(crate) async fn run() -> Vec<Row> {
    // Memory first: the bucket below is in memory too.
    let on_disk = disk::run().await;
    let counted = tokio::task::spawn_blocking(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build();
        match runtime {
            Ok(runtime) => runtime.block_on(bucket::run()),
            Err(error) => panic!("no runtime: {error}"),
        }
    });
    let mut rows = match counted.await {
        Ok(rows) => rows,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    };
    rows.extend(on_disk);
    rows
}

/// A number with at most three decimals.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn ratio(count: u64, per: u64) -> f64 {
    (count as f64 / per as f64 * 1000.0).round() / 1000.0
}

fn row(metric: String, value: f64, unit: &'static str, target: Option<f64>) -> Row {
    Row {
        metric,
        value,
        unit,
        target,
        runs: 1,
        note: None,
    }
}
