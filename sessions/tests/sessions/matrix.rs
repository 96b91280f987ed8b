//! Every write against every fault: old or new, never torn; durable after `Ok`; repeatable.

use std::sync::Arc;

use object_store::memory::InMemory;
use pombal_domain::InstanceId;
use pombal_sessions::{Session, ShardDb};
use tokio::time::timeout;

use crate::faults::{ALWAYS, Fault, FaultStore, Op};
use crate::support::{key, open, session};
use crate::writes::{CHANGES, Change, PATIENCE, dump_and_take, seed};

/// A fault of writes, how often, and whether the write must succeed in spite of it.
const WRITE_FAULTS: &[(Fault, u32, Option<bool>)] = &[
    (Fault::Refused, 1, Some(true)),
    (Fault::Refused, ALWAYS, Some(false)),
    (Fault::TimedOut, 1, Some(true)),
    (Fault::TimedOut, ALWAYS, None),
    (Fault::Conflict, 1, Some(true)),
    (Fault::Slow, ALWAYS, Some(true)),
    (Fault::CrashBefore, 1, Some(false)),
    (Fault::CrashAfter, 1, Some(false)),
];

/// Opens a fork of `disk`: what a new process would find there.
async fn reopen(disk: &InMemory, instance: InstanceId) -> (ShardDb, Session) {
    let db = open(Arc::new(disk.fork())).await;
    let s = session(&db, instance);
    (db, s)
}

async fn state(disk: &InMemory, instance: InstanceId) -> String {
    let (_db, s) = reopen(disk, instance).await;
    dump_and_take(&s).await.unwrap()
}

struct Case {
    instance: InstanceId,
    seeded: InMemory,
    old: String,
}

impl Case {
    async fn new() -> Self {
        let instance = InstanceId::random();
        let disk = InMemory::new();
        let db = open(Arc::new(disk.clone())).await;
        seed(&session(&db, instance)).await;
        // A table opens faster than a long log.
        db.close().await.unwrap();
        let old = state(&disk, instance).await;
        Self {
            instance,
            seeded: disk.fork(),
            old,
        }
    }

    /// The state after the change when nothing fails.
    async fn new_state(&self, change: &Change) -> String {
        let disk = self.seeded.fork();
        let db = open(Arc::new(disk.clone())).await;
        (change.make)(&session(&db, self.instance)).await.unwrap();
        state(&disk, self.instance).await
    }
}

/// Every write meets some of the faults, and every fault many of the writes.
#[tokio::test(start_paused = true)]
async fn a_write_is_made_wholly_or_not_at_all_whatever_fails() {
    writes_against_faults(2).await;
}

#[tokio::test(start_paused = true)]
#[ignore = "every write against every fault, for the night"]
async fn every_write_is_made_wholly_or_not_at_all_whatever_fails() {
    writes_against_faults(WRITE_FAULTS.len()).await;
}

async fn writes_against_faults(each: usize) {
    let case = Case::new().await;
    for (n, change) in CHANGES.iter().enumerate() {
        let new = case.new_state(change).await;
        let faults = WRITE_FAULTS.iter().cycle().skip(n * each).take(each);
        for &(fault, times, expected) in faults {
            let what = format!("{} with {fault:?} x{times}", change.name);
            let disk = case.seeded.fork();
            let faults = FaultStore::over(Arc::new(disk.clone()));
            let db = open(faults.clone()).await;
            let s = session(&db, case.instance);
            s.get_meta("warm").await.unwrap();
            faults.plan(Op::Put, "/wal/", 0, times, fault);
            // A crashed process answers nobody.
            let result = timeout(PATIENCE, (change.make)(&s)).await;
            let acknowledged = matches!(result, Ok(Ok(())));
            let wrote = faults.injected() > 0;
            if wrote && let Some(expected) = expected {
                assert_eq!(acknowledged, expected, "{what}: {result:?}");
            }
            faults.crash();

            let after = state(&disk, case.instance).await;
            if acknowledged {
                assert_eq!(after, new, "{what}: acknowledged, then lost");
            } else {
                assert!(after == case.old || after == new, "{what}: torn:\n{after}");
            }
            // Whoever got an error makes the write again, in a new process.
            let db = open(Arc::new(disk.clone())).await;
            (change.make)(&session(&db, case.instance)).await.unwrap();
            let again = state(&disk, case.instance).await;
            assert_eq!(again, new, "{what}: not the same when made twice");
        }
    }
}

/// A write that reads first, with every row in a table and nothing in memory.
#[tokio::test(start_paused = true)]
async fn a_failed_read_is_an_error_and_no_absence() {
    let case = Case::new().await;
    let mut reading = 0;
    for change in CHANGES {
        let new = case.new_state(change).await;
        let what = format!("{} with failed reads", change.name);
        let disk = case.seeded.fork();
        let faults = FaultStore::over(Arc::new(disk.clone()));
        let db = open(faults.clone()).await;
        let s = db.session(case.instance, key(1));
        faults.plan(Op::Get, "/compacted/", 0, ALWAYS, Fault::Refused);
        let result = (change.make)(&s).await;
        reading += u32::from(faults.injected() > 0);
        faults.heal();
        if result.is_ok() {
            // It did not need the read.
            assert_eq!(state(&disk, case.instance).await, new, "{what}");
            continue;
        }
        assert_eq!(state(&disk, case.instance).await, case.old, "{what}");
        // A read that failed is no reason to give the shard up.
        (change.make)(&s).await.unwrap();
        assert_eq!(state(&disk, case.instance).await, new, "{what}, again");
    }
    assert!(reading > 20, "only {reading} changes read a table");
}
