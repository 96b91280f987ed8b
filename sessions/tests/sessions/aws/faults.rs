//! Sessions on S3 on a bad day: refusals, lost answers and conflicts as HTTP has them. What an
//! object store may do in general is in [`crate::faults`].

use std::sync::Arc;
use std::time::Duration;

use bad_aws::{BadAws, Fault, Happened, Rule, Service, Told, seeds};
use futures::future::join_all;
use object_store::ObjectStore;
use pombal_domain::InstanceId;
use pombal_sessions::{Closed, Error, Session, ShardDb, ShardDbOptions};
use pombal_store::conformance::aws;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::support::{SHARD, session};

/// Longer than a takeover may ever take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a commit has to get over.
const PASSING: [Fault; 7] = [
    Fault::Throttled,
    Fault::Failed,
    Fault::Unavailable,
    Fault::Cut,
    Fault::Lost,
    Fault::BrokenOff,
    Fault::Conflict,
];

/// A bucket on a good connection, and the same one through a proxy.
async fn both(seed: u64) -> (BadAws, Arc<dyn ObjectStore>, Arc<dyn ObjectStore>) {
    let name = aws::fresh("bad");
    let good = aws::connect().await;
    aws::make_bucket(&good, &name).await;
    let proxy = BadAws::start(&aws::endpoint(), seed).await.unwrap();
    let through = aws::connect_at(proxy.endpoint()).await;
    (
        proxy,
        good.bucket(&name).unwrap(),
        through.bucket(&name).unwrap(),
    )
}

async fn open(store: Arc<dyn ObjectStore>) -> Result<ShardDb, Error> {
    open_with(store, Duration::from_millis(5)).await
}

async fn open_with(store: Arc<dyn ObjectStore>, interval: Duration) -> Result<ShardDb, Error> {
    ShardDb::open(ShardDbOptions {
        commit_interval: interval,
        ..ShardDbOptions::new(store, "sessions", SHARD)
    })
    .await
}

async fn read(session: &Session, name: &str) -> Option<u64> {
    let row = session.get_meta(name).await.unwrap()?;
    Some(u64::from_be_bytes(row[..].try_into().unwrap()))
}

/// Each fault at each of the writes that take a shard and fill its log: nobody is fenced by
/// its own request.
#[tokio::test]
async fn no_fault_of_s3_fences_the_only_writer() {
    let instance = InstanceId::random();
    for fault in PASSING {
        let (proxy, good, bad) = both(1).await;
        // The first manifest, and the mark of a new writer in the log.
        let opening = ["/manifest/", "/wal/"].map(|part| {
            proxy.add(
                Rule::on(Service::S3, fault)
                    .operation("PUT")
                    .at(part)
                    .times(1),
            )
        });
        let db = open(bad).await;
        let db = db.unwrap_or_else(|error| panic!("{fault:?} at opening: {error:?}"));
        let s = session(&db, instance);
        let mut happened = Vec::from(opening);
        for n in 0..3_u64 {
            let rule = Rule::on(Service::S3, fault).operation("PUT").at("/wal/");
            happened.push(proxy.add(rule.times(1)));
            let written = s.put_meta("a", &n.to_be_bytes(), true).await;
            written.unwrap_or_else(|error| panic!("{fault:?} at a commit: {error:?}"));
        }
        for rule in happened {
            assert_eq!(rule.count(), 1, "{rule:?}");
        }
        let second = open(good).await.unwrap();
        assert_eq!(read(&session(&second, instance), "a").await, Some(2));
    }
}

/// Everything at once, on every request.
fn mix(proxy: &BadAws, percent: u32) -> Vec<Happened> {
    let each = PASSING.map(|fault| Rule::on(Service::S3, fault).percent(percent));
    each.into_iter().map(|rule| proxy.add(rule)).collect()
}

async fn what_was_acknowledged_is_there(seed: u64) {
    const WRITERS: usize = 6;
    const ROUNDS: u64 = 12;
    let instance = InstanceId::random();
    let (proxy, good, bad) = both(seed).await;
    let faults = mix(&proxy, 5);
    let mut told = [0; WRITERS];
    // Opened again and again on the bad connection, each time after a crash of the one before.
    for life in 0..2 {
        let db = open(bad.clone()).await.unwrap();
        let s = session(&db, instance);
        for (n, told) in told.iter().enumerate().filter(|(_, told)| **told > 0) {
            assert_eq!(read(&s, &format!("n{n}")).await, Some(*told));
        }
        let writers = told.iter_mut().enumerate().map(|(n, told)| {
            let s = &s;
            async move {
                for round in 1..=ROUNDS {
                    let value = life * ROUNDS + round;
                    s.put_meta(&format!("n{n}"), &value.to_be_bytes(), true)
                        .await
                        .unwrap();
                    *told = value;
                }
            }
        });
        join_all(writers).await;
    }
    let db = open(good).await.unwrap();
    let s = session(&db, instance);
    for (n, told) in told.iter().enumerate() {
        assert_eq!(read(&s, &format!("n{n}")).await, Some(*told), "n{n}");
    }
    let happened: u64 = faults.iter().map(Happened::count).sum();
    assert!(happened > 10, "{faults:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_on_a_bad_day() {
    for seed in seeds(0x5E5510) {
        let _told = Told(seed);
        what_was_acknowledged_is_there(seed).await;
    }
}

/// Two writers, both on a bad connection. What the first was told before the second had opened,
/// the second finds; afterwards the first is told of no write.
async fn one_of_two_writers_is_fenced(seed: u64) {
    const WRITERS: usize = 8;
    let instance = InstanceId::random();
    let (proxy, good, bad) = both(seed).await;
    let faults = mix(&proxy, 4);
    // As in production. `SlateDB` looks for the end of the log object by object: behind a writer
    // that is much faster than its own requests it never gets there.
    let interval = Duration::from_millis(100);
    let first = open_with(bad.clone(), interval).await.unwrap();
    let old = session(&first, instance);
    let (tell, mut heard) = mpsc::unbounded_channel();
    let writers = (0..WRITERS).map(|n| {
        let (old, tell) = (old.clone(), tell.clone());
        async move {
            for round in 1_u64.. {
                let name = format!("n{n}");
                if let Err(error) = old.put_meta(&name, &round.to_be_bytes(), true).await {
                    return error;
                }
                tell.send((n, round)).unwrap();
            }
            unreachable!("never fenced")
        }
    });
    let takeover = async {
        for _ in 0..3 * WRITERS {
            heard.recv().await.unwrap();
        }
        let second = open(bad).await.unwrap();
        let mut found = Vec::new();
        for n in 0..WRITERS {
            found.push(read(&session(&second, instance), &format!("n{n}")).await);
        }
        (second, found)
    };
    let both = async { tokio::join!(join_all(writers), takeover) };
    let (refused, (second, found)) = timeout(PATIENCE, both).await.expect("a takeover");
    for error in refused {
        assert!(matches!(error, Error::Fenced { .. }), "{error:?}");
    }
    assert_eq!(first.closed().await, Closed::Fenced);
    let mut told = vec![0; WRITERS];
    while let Ok((n, round)) = heard.try_recv() {
        told[n] = told[n].max(round);
    }
    for (n, (told, found)) in told.into_iter().zip(&found).enumerate() {
        assert!(*found >= Some(told), "n{n}: told {told}, found {found:?}");
    }
    let new = session(&second, instance);
    new.put_meta("mine", &1_u64.to_be_bytes(), true)
        .await
        .unwrap();
    proxy.heal();
    let third = open(good).await.unwrap();
    let s = session(&third, instance);
    assert_eq!(read(&s, "mine").await, Some(1));
    for (n, found) in found.into_iter().enumerate() {
        assert_eq!(read(&s, &format!("n{n}")).await, found, "n{n}");
    }
    let happened: u64 = faults.iter().map(Happened::count).sum();
    assert!(happened > 5, "{faults:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_writers_is_fenced_on_a_bad_day() {
    for seed in seeds(0xFE9CE) {
        let _told = Told(seed);
        one_of_two_writers_is_fenced(seed).await;
    }
}
