//! What a connector costs that has nothing to do: hours of its own timers on a paused clock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pombal_connector::{Connector, ConnectorOptions, Endpoint, Seams};
use pombal_costs::counts::{IDLE_SHARD_HOUR, POLLS_PER_HOUR, RECONCILES_PER_HOUR};
use pombal_domain::ShardId;
use pombal_sessions::Medium;
use pombal_store::keys::file::FileKeys;
use pombal_store::{Queue, registry};
use tokio_util::sync::CancellationToken;

use crate::counting::{CountingBucket, QuietQueue};

const HOUR: Duration = Duration::from_secs(3600);
/// DESIGN § 6.
const MAX_S3_PER_HOUR: u64 = 100;

fn endpoint() -> Endpoint {
    Endpoint::parse("ws://127.0.0.1:9/ws/chat").unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_idle_shard_on_a_bucket_costs_so_much_an_hour() {
    let dir = tempfile::tempdir().unwrap();
    let (bucket, queue) = (Arc::new(CountingBucket::default()), QuietQueue::new());
    let registry = registry::embedded::open(dir.path().join("registry.db"));
    let commands: Arc<dyn Queue> = queue.clone();
    let seams = Seams {
        registry: registry.await.unwrap(),
        keys: Arc::new(FileKeys::open(dir.path().join("master.key")).unwrap()),
        sessions: bucket.clone(),
        sessions_root: "sessions".to_owned(),
        sessions_medium: Medium::Bucket,
        events: QuietQueue::new(),
        commands: BTreeMap::from([(ShardId(0), commands)]),
    };
    // Its beats are counted where they are billed: `aws::idle`.
    let options = ConnectorOptions {
        lease: None,
        ..ConnectorOptions::new(endpoint())
    };
    let connector = Connector::new(options, seams).unwrap();
    let status = connector.status();
    let drain = CancellationToken::new();
    let running = tokio::spawn(connector.run(drain.clone()));
    // The first hour has what opening the shard left behind.
    tokio::time::sleep(HOUR).await;
    assert_eq!(status.report().reason, None);

    for hour in 2..=4 {
        let (polls, before) = (queue.polls(), bucket.requests());
        tokio::time::sleep(HOUR).await;
        let polls = queue.polls() - polls;
        let after = bucket.requests();
        let asked = |class| after.get(class).unwrap_or(&0) - before.get(class).unwrap_or(&0);
        println!("hour {hour}: {polls} polls, since the start {after:?}");
        assert!(polls.abs_diff(POLLS_PER_HOUR) <= 1, "{polls} polls");
        let mut all = 0;
        for class in ["s3 GET", "s3 LIST", "s3 PUT", "s3 POST"] {
            let limit = IDLE_SHARD_HOUR.of(class);
            assert!(
                asked(class) <= limit,
                "hour {hour}: {} {class}",
                asked(class)
            );
            all += asked(class);
        }
        assert!(all > 0, "the timers did not run");
        assert!(all <= MAX_S3_PER_HOUR, "hour {hour}: {all} requests");
    }
    drain.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(status.report().reason.as_deref(), Some("draining"));
}

#[test]
fn wishes_are_looked_at_twice_a_minute() {
    let every = ConnectorOptions::new(endpoint()).reconcile_interval;
    assert_eq!(HOUR.as_secs() / every.as_secs(), RECONCILES_PER_HOUR);
}
