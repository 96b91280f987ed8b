//! Several connectors on one registry, on a paused clock: who has which shard.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use pombal_connector::{Connector, ConnectorOptions, Endpoint, Error, Seams, Status};
use pombal_domain::{ConnectorId, Fleet, ShardId};
use pombal_sessions::Medium;
use pombal_store::keys::file::FileKeys;
use pombal_store::{Queue, Registry, registry};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::counting::QuietQueue;

const SHARDS: u16 = 6;
/// Of the paused clock.
const PATIENCE: Duration = Duration::from_secs(120);
const SECOND: Duration = Duration::from_secs(1);

/// What all connectors share.
struct House {
    registry: Registry,
    seams: Seams,
    _dir: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = open(dir.path()).await;
        let queue = || QuietQueue::new() as Arc<dyn Queue>;
        let commands = (0..SHARDS).map(|shard| (ShardId(shard), queue()));
        let seams = Seams {
            registry: registry.clone(),
            keys: Arc::new(FileKeys::open(dir.path().join("master.key")).unwrap()),
            sessions: Arc::new(InMemory::new()),
            sessions_root: "sessions".to_owned(),
            sessions_medium: Medium::Bucket,
            events: QuietQueue::new(),
            commands: commands.collect::<BTreeMap<_, _>>(),
        };
        Self {
            registry,
            seams,
            _dir: dir,
        }
    }

    fn start(&self) -> Member {
        let endpoint = Endpoint::parse("ws://127.0.0.1:9/ws/chat").unwrap();
        let options = ConnectorOptions::new(endpoint);
        let connector = Connector::new(options, self.seams.clone()).unwrap();
        let (id, status) = (connector.id(), connector.status());
        let drain = CancellationToken::new();
        let running = tokio::spawn(connector.run(drain.clone()));
        Member {
            id,
            status,
            drain,
            running,
        }
    }

    /// Waits until these have so many shards each, and serve them.
    async fn until_shared(&self, members: &[(&Member, usize)]) {
        let end = Instant::now() + PATIENCE;
        loop {
            let fleet = self.registry.fleet().await.unwrap();
            let shared = members.iter().all(|(member, shards)| {
                let report = member.status.report();
                owned(&fleet, member.id) == *shards && report.serving == *shards
            });
            if shared {
                return;
            }
            assert!(Instant::now() < end, "not shared so: {fleet:#?}");
            sleep(SECOND / 10).await;
        }
    }
}

async fn open(dir: &Path) -> Registry {
    let registry = registry::embedded::open(dir.join("registry.db"));
    registry.await.unwrap()
}

fn owned(fleet: &Fleet, id: ConnectorId) -> usize {
    let rows = fleet.shards.iter();
    rows.filter(|row| row.owner == Some(id)).count()
}

/// One connector.
struct Member {
    id: ConnectorId,
    status: Status,
    drain: CancellationToken,
    running: JoinHandle<Result<(), Error>>,
}

impl Member {
    /// Its process is gone from one moment to the next.
    async fn dies(self) {
        self.running.abort();
        assert!(self.running.await.unwrap_err().is_cancelled());
    }

    async fn ends(self) {
        let ended = timeout(PATIENCE, self.running).await;
        ended.expect("it ends").unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_fleet_shares_and_the_dead_are_replaced() {
    let house = House::new().await;
    let first = house.start();
    house.until_shared(&[(&first, 6)]).await;
    let second = house.start();
    house.until_shared(&[(&first, 3), (&second, 3)]).await;
    let third = house.start();
    house
        .until_shared(&[(&first, 2), (&second, 2), (&third, 2)])
        .await;
    assert_eq!(first.status.report().losses, 0, "all was asked for");

    let died = Instant::now();
    first.dies().await;
    house.until_shared(&[(&second, 3), (&third, 3)]).await;
    let took = died.elapsed();
    // At least the lease from its last beat; at most three looks more.
    assert!(took >= SECOND * 9 && took <= SECOND * 21, "{took:?}");

    third.dies().await;
    house.until_shared(&[(&second, 6)]).await;
    let fleet = house.registry.fleet().await.unwrap();
    let epochs: Vec<u64> = fleet.shards.iter().map(|row| row.epoch.0).collect();
    assert!(
        epochs.iter().all(|epoch| (2..=6).contains(epoch)),
        "{epochs:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_drain_gives_everything_to_the_others_at_once() {
    let house = House::new().await;
    let first = house.start();
    house.until_shared(&[(&first, 6)]).await;
    let second = house.start();
    house.until_shared(&[(&first, 3), (&second, 3)]).await;

    let began = Instant::now();
    first.drain.cancel();
    let id = first.id;
    first.ends().await;
    let took = began.elapsed();
    assert!(took < SECOND * 12, "no lease is waited for: {took:?}");
    house.until_shared(&[(&second, 6)]).await;
    let fleet = house.registry.fleet().await.unwrap();
    assert_eq!(fleet.connector(id), None);
    assert_eq!(second.status.report().losses, 0);
}

#[tokio::test(start_paused = true)]
async fn an_operator_can_ask_for_a_drain() {
    let house = House::new().await;
    let (first, second) = (house.start(), house.start());
    house.until_shared(&[(&first, 3), (&second, 3)]).await;
    house.registry.ask_to_drain(first.id).await.unwrap();
    first.ends().await;
    house.until_shared(&[(&second, 6)]).await;
}

#[tokio::test(start_paused = true)]
async fn the_last_one_leaves_an_empty_fleet_behind() {
    let house = House::new().await;
    let only = house.start();
    house.until_shared(&[(&only, 6)]).await;
    only.drain.cancel();
    only.ends().await;
    let fleet = house.registry.fleet().await.unwrap();
    assert!(fleet.connectors.is_empty());
    assert!(fleet.shards.iter().all(|row| row.owner.is_none()));

    let began = Instant::now();
    let next = house.start();
    house.until_shared(&[(&next, 6)]).await;
    assert!(began.elapsed() < SECOND * 6, "{:?}", began.elapsed());
}
