//! A machine whose clock is behind the one that wrote before.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use object_store::memory::InMemory;
use pombal_domain::InstanceId;
use pombal_sessions::guarded;
use slatedb::Db;
use slatedb_common::clock::{DefaultSystemClock, SystemClock, SystemClockTicker};

use crate::support::{open, session};

#[derive(Debug, Default)]
struct HourAhead(DefaultSystemClock);

impl SystemClock for HourAhead {
    fn now(&self) -> DateTime<Utc> {
        self.0.now() + TimeDelta::hours(1)
    }

    fn sleep<'a>(&'a self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        self.0.sleep(duration)
    }

    fn ticker<'a>(&'a self, duration: Duration) -> SystemClockTicker<'a> {
        SystemClockTicker::new(self, duration)
    }
}

#[tokio::test]
async fn a_shard_written_under_a_fast_clock_opens_and_writes() {
    for clean in [false, true] {
        let store = Arc::new(InMemory::new());
        let before = Db::builder("sessions/7", guarded(store.clone()))
            .with_system_clock(Arc::new(HourAhead::default()))
            .build()
            .await
            .unwrap();
        before.put(b"row", b"from the future").await.unwrap();
        before.flush().await.unwrap();
        if clean {
            before.close().await.unwrap();
        }
        let db = open(store.clone()).await;
        let s = session(&db, InstanceId::random());
        s.put_meta("a", b"1", true).await.unwrap();
        // A second change of owner, now with rows of ours.
        let db = open(store).await;
        let s = session(&db, s.instance());
        assert_eq!(s.get_meta("a").await.unwrap().as_deref(), Some(&b"1"[..]));
        s.put_meta("a", b"2", true).await.unwrap();
    }
}

/// An owner that is idle for long before it closes, and one whose clock is behind by less: no
/// row is newer than now, but a table is.
#[tokio::test(start_paused = true)]
async fn a_table_from_the_future_keeps_no_later_one_out() {
    let store = Arc::new(InMemory::new());
    let db = open(store.clone()).await;
    let s = session(&db, InstanceId::random());
    s.put_meta("a", b"1", true).await.unwrap();
    // `SlateDB`'s clock follows tokio's; a new one starts at the system's time again.
    tokio::time::sleep(Duration::from_secs(600)).await;
    db.close().await.unwrap();
    for n in 0..3_u8 {
        let db = open(store.clone()).await;
        let s = session(&db, s.instance());
        s.put_meta("a", &[n], true).await.unwrap();
        db.close().await.unwrap();
    }
}
