//! A clock that never runs behind the rows already written.
//!
//! `SlateDB` refuses a write whose time is older than the newest row, and closes the
//! database. A shard that moves to a machine with a slow clock, or a desktop whose clock
//! was set back, would then not start. So the clock is moved forward, at opening.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use slatedb::{Db, Error, VersionedManifest};
use slatedb_common::clock::{DefaultSystemClock, SystemClock, SystemClockTicker};

/// The system's clock plus an offset that is zero unless the clock lagged at opening.
#[derive(Debug, Default)]
pub(crate) struct ShardClock {
    system: DefaultSystemClock,
    offset_ms: AtomicI64,
}

impl ShardClock {
    /// Moves the clock forward to the newest table of level 0, if it lags behind. `SlateDB`
    /// refuses a table whose id is of an earlier time (`manifest/invariants.rs`). A table may be
    /// newer than every row in it.
    pub(crate) fn catch_up_with_tables(&self, manifest: &VersionedManifest) {
        let level_0 = manifest.l0().iter().map(|view| view.sst.id.value());
        let tables = level_0.chain(manifest.last_compacted_l0_sst_id());
        let newest_ms = tables.map(|id| id.timestamp_ms()).max().unwrap_or(0);
        self.catch_up_to(i64::try_from(newest_ms).unwrap_or(0));
    }

    /// Moves the clock forward to the newest row of `db`, if it lags behind.
    pub(crate) async fn catch_up(&self, db: &Db) -> Result<(), Error> {
        self.catch_up_to(newest_row_ms(db).await?);
        Ok(())
    }

    fn catch_up_to(&self, newest_ms: i64) {
        // Saturating: an empty database has the least tick.
        let lag_ms = newest_ms.saturating_sub(self.system.now().timestamp_millis());
        if lag_ms > self.offset_ms.fetch_max(lag_ms, Ordering::Relaxed) {
            tracing::warn!(lag_ms, "the system clock is behind the session database");
        }
    }
}

/// Time of the newest row: the manifest knows it for flushed rows; the others are in memory.
async fn newest_row_ms(db: &Db) -> Result<i64, Error> {
    let manifest = db.manifest();
    let mut newest_ms = manifest.last_l0_clock_tick();
    let flushed_seq = manifest.last_l0_seq();
    if db.status().durable_seq <= flushed_seq {
        return Ok(newest_ms);
    }
    let mut rows = db.scan_prefix_by_recency(b"").await?;
    // Memory comes first, so the first flushed row ends it. An error comes from a flushed
    // table too; whoever needs a row of that table will report it.
    while let Ok(Some(row)) = rows.next_entry().await
        && row.seq > flushed_seq
    {
        newest_ms = newest_ms.max(row.create_ts.unwrap_or(i64::MIN));
    }
    Ok(newest_ms)
}

impl SystemClock for ShardClock {
    fn now(&self) -> DateTime<Utc> {
        let offset = TimeDelta::milliseconds(self.offset_ms.load(Ordering::Relaxed));
        self.system.now() + offset
    }

    fn sleep<'a>(&'a self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        self.system.sleep(duration)
    }

    fn ticker<'a>(&'a self, duration: Duration) -> SystemClockTicker<'a> {
        SystemClockTicker::new(self, duration)
    }
}
