//! Instances that nobody uses (`DEL_INSTANCE`).

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use pombal_control_plane::janitor::Unused;
use pombal_control_plane::{EventsQueue, Janitor};
use pombal_domain::instance::Disconnection;
use pombal_domain::time::UnixMs;
use pombal_domain::{Cause, Desired, Instance, Integration, ShardId, Tombstone};
use pombal_store::Registry;
use pombal_store::media::local::LocalMedia;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::app::LONG;
use crate::connector::{in_state, open, project, with_code};
use crate::delivery::rig::{Rig, eventually};
use crate::receiver::{Behave, TestReceiver};

const AFTER: Duration = Duration::from_secs(300);
const HOOK: &str = "http://hook.test/";

struct House {
    rig: Rig,
    dir: TempDir,
}

impl House {
    async fn new() -> Self {
        let (rig, dir) = (Rig::new().await, tempfile::tempdir().unwrap());
        Self { rig, dir }
    }

    fn registry(&self) -> &Registry {
        &self.rig.stores.registry
    }

    fn janitor(&self, unused: Option<Duration>) -> Janitor {
        let media = LocalMedia::open(self.dir.path(), "http://api.test/", &[7; 32]).unwrap();
        let unused = unused.map(|after| Unused {
            after,
            events: EventsQueue(Arc::clone(&self.rig.queues.events)),
        });
        Janitor::new(
            self.registry().clone(),
            Arc::new(media),
            Arc::clone(&self.rig.queues.retries),
            self.rig.queues.bodies.clone(),
            1,
        )
        .deleting(unused)
    }

    /// One visit; how many instances were deleted.
    async fn visit(&self) -> usize {
        let report = self.janitor(Some(AFTER)).run(Instant::now() + LONG).await;
        assert_eq!(report.failures, 0);
        report.unused
    }

    /// An instance made `age` ago that nobody has wished connected.
    async fn made(&self, name: &str, age: Duration, url: &str) -> Instance {
        let mut row = crate::delivery::rig::listening(&*self.rig.stores.keys, name, url).await;
        row.desired = Desired::Disconnected;
        row.generation = 0;
        row.created_at = ago(age);
        row.updated_at = row.created_at;
        self.registry().create_instance(&row).await.unwrap();
        row
    }

    async fn names(&self) -> Vec<String> {
        let rows = self.registry().list_instances(None, 100).await.unwrap();
        rows.iter().map(|row| row.name.to_string()).collect()
    }
}

fn ago(age: Duration) -> UnixMs {
    let age = u64::try_from(age.as_millis()).unwrap();
    UnixMs(UnixMs::now().0 - age)
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

/// Closed for good, so long ago.
fn closed(row: &Instance, cause: Cause, age: Duration) -> pombal_domain::Observed {
    let outcome = cause.outcome();
    let mut observed = in_state(row, outcome.state);
    observed.reason = outcome.reason;
    observed.disconnection = Some(Disconnection {
        reason: outcome.reason,
        text: outcome.text.to_owned(),
        at: ago(age),
    });
    observed
}

#[tokio::test]
async fn who_was_never_paired_is_deleted_like_by_the_api() {
    let house = House::new().await;
    let receiver = TestReceiver::start(|_, _| Behave::Answer(200)).await;
    let old = house.made("old", minutes(6), &receiver.url).await;
    house.made("young", minutes(4), HOOK).await;
    let service = house.rig.start();
    assert_eq!(house.visit().await, 1);
    assert_eq!(house.names().await, ["young"]);
    // What is left of it is for its shard's owner.
    let content = house.registry().shard_content(ShardId(0)).await.unwrap();
    let tombstone = Tombstone {
        id: old.id,
        name: old.name.clone(),
        shard: old.shard,
    };
    assert_eq!(content.tombstones, [tombstone]);
    let found = house.registry().instance_by_token(&old.token_hash).await;
    assert_eq!(found.unwrap(), None);
    eventually("its webhook knows", || receiver.hits().len() == 2).await;
    let told: Vec<_> = receiver
        .hits()
        .iter()
        .map(|hit| hit.json()["event"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(told, ["instance.delete", "remove.instance"]);
    assert_eq!(house.visit().await, 0);
    service.stop().await;
}

#[tokio::test]
async fn nobody_is_deleted_unless_the_operator_says_so() {
    let house = House::new().await;
    house.made("old", minutes(60 * 24 * 365), HOOK).await;
    let report = house.janitor(None).run(Instant::now() + LONG).await;
    assert_eq!((report.unused, report.failures), (0, 0));
    assert_eq!(house.names().await, ["old"]);
}

#[tokio::test]
async fn a_logout_counts_from_its_moment_and_so_does_a_pairing_that_ran_out() {
    let house = House::new().await;
    let day = minutes(60 * 24);
    for (name, cause, age) in [
        ("logged-out-long-ago", Cause::LoggedOut, minutes(6)),
        ("logged-out-now", Cause::LoggedOut, minutes(4)),
        ("never-scanned", Cause::PairingExpired, minutes(6)),
        ("not-scanned-now", Cause::PairingExpired, minutes(4)),
        ("damaged", Cause::BadSession, minutes(6)),
    ] {
        let row = house.made(name, day, HOOK).await;
        project(house.registry(), &row, closed(&row, cause, age)).await;
    }
    assert_eq!(house.visit().await, 2);
    let left = ["damaged", "logged-out-now", "not-scanned-now"];
    assert_eq!(house.names().await, left);
}

#[tokio::test]
async fn a_paired_instance_stays_however_long_it_is_closed() {
    let house = House::new().await;
    let year = minutes(60 * 24 * 365);
    for cause in Cause::ALL {
        // It wipes the session, so nothing is paired any more.
        if cause == Cause::LoggedOut {
            continue;
        }
        let name = format!("{cause:?}").to_lowercase();
        let row = house.made(&name, year, HOOK).await;
        let mut observed = closed(&row, cause, year);
        observed.owner_jid = open(&row).owner_jid;
        project(house.registry(), &row, observed).await;
    }
    let row = house.made("open", year, HOOK).await;
    project(house.registry(), &row, open(&row)).await;
    assert_eq!(house.visit().await, 0);
    assert_eq!(house.names().await.len(), Cause::ALL.len());
}

#[tokio::test]
async fn a_wish_that_is_under_way_may_still_bring_an_account() {
    let house = House::new().await;
    let year = minutes(60 * 24 * 365);
    let row = house.made("pairing", year, HOOK).await;
    project(house.registry(), &row, with_code(&row, None)).await;
    let mut rows = Vec::new();
    for (name, desired) in [
        ("connects", Desired::Connected),
        ("logs-out", Desired::LoggedOut),
        ("moves-away", Desired::Moved),
    ] {
        let mut row = house.made(name, year, HOOK).await;
        house.registry().delete_instance(&row).await.unwrap();
        row.id = pombal_domain::InstanceId::random();
        (row.desired, row.generation) = (desired, 1);
        house.registry().create_instance(&row).await.unwrap();
        rows.push(row);
    }
    let mut cloud = house.made("cloud", year, HOOK).await;
    house.registry().delete_instance(&cloud).await.unwrap();
    cloud.id = pombal_domain::InstanceId::random();
    cloud.integration = Integration::Business;
    house.registry().create_instance(&cloud).await.unwrap();
    assert_eq!(house.visit().await, 0);
    assert_eq!(house.names().await.len(), 5);
    // Once somebody has settled the wish, it is over.
    let row = house.rig.stores.row("connects").await;
    let observed = closed(&row, Cause::PairingExpired, minutes(6));
    project(house.registry(), &row, observed).await;
    assert_eq!(house.visit().await, 1);
    assert!(!house.names().await.contains(&"connects".to_owned()));
}

#[tokio::test]
async fn several_janitors_delete_what_one_would_and_tell_it_once() {
    let house = House::new().await;
    let receiver = TestReceiver::start(|_, _| Behave::Answer(200)).await;
    for n in 0..20 {
        house
            .made(&format!("n{n}"), minutes(6), &receiver.url)
            .await;
    }
    let janitors: Vec<_> = (0..4).map(|_| house.janitor(Some(AFTER))).collect();
    let visits = janitors.iter().map(|j| j.run(Instant::now() + LONG));
    for report in join_all(visits).await {
        assert_eq!(report.failures, 0);
    }
    assert!(house.names().await.is_empty());
    let service = house.rig.start();
    eventually("all are told", || receiver.hits().len() >= 40).await;
    service.stop().await;
    assert_eq!(receiver.hits().len(), 40);
}

#[tokio::test]
async fn who_has_no_time_left_begins_nothing() {
    let house = House::new().await;
    house.made("old", minutes(6), HOOK).await;
    let report = house.janitor(Some(AFTER)).run(Instant::now()).await;
    assert_eq!((report.unused, report.failures), (0, 0));
    assert_eq!(house.visit().await, 1);
}

#[tokio::test]
async fn those_on_later_pages_are_found() {
    let house = House::new().await;
    let first = house.made("a", minutes(6), HOOK).await;
    crate::metrics::multiply(house.registry(), &first, 1100).await;
    assert_eq!(house.visit().await, 1101);
    assert!(house.names().await.is_empty());
}
