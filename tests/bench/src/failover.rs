//! `failover`: for how long an instance has no socket when its connector dies, is stopped, or
//! is replaced. On an emulator of AWS, with as many shards as the template has by itself.

mod town;

use std::time::Duration;

use pombal_scenarios::{Fleet, FleetOptions, Gaps, eventually};

use crate::result::Row;
use town::Town;

/// Instances in a full run.
const INSTANCES: usize = 500;
/// Says how many there are in a trial.
const COUNT: &str = "POMBAL_FAILOVER_INSTANCES";
/// As in `template.yaml`.
const SHARDS: usize = 16;
/// Longest wait for all sockets, which are opened at a measured pace.
const PATIENCE: Duration = Duration::from_secs(300);

/// Targets of the plan, milliseconds.
const KILL_P95_MS: f64 = 30_000.0;
const TERM_P95_MS: f64 = 3_000.0;

pub(crate) async fn run() -> Vec<Row> {
    let count = std::env::var(COUNT).map_or(INSTANCES, |text| match text.parse() {
        Ok(count) => count,
        Err(error) => panic!("{COUNT}={text}: {error}"),
    });
    let mut fleet = Fleet::start(FleetOptions::new(2).shards(SHARDS)).await;
    let town = Town::pair(&fleet.world, count).await;
    fleet.settle().await;
    let mut rows = Vec::new();

    let gaps = Gaps::from_now(&fleet.world).await;
    fleet.take(0).kill();
    everybody_is_back(&fleet, count).await;
    rows.extend(gone(&fleet, &gaps, "SIGKILL", Some(KILL_P95_MS)).await);

    let gaps = Gaps::from_now(&fleet.world).await;
    fleet.add().await;
    everybody_is_back(&fleet, count).await;
    rows.extend(gone(&fleet, &gaps, "a connector joins", None).await);

    let gaps = Gaps::from_now(&fleet.world).await;
    fleet.take(0).drain().await;
    everybody_is_back(&fleet, count).await;
    rows.extend(gone(&fleet, &gaps, "SIGTERM", Some(TERM_P95_MS)).await);

    fleet.add().await;
    everybody_is_back(&fleet, count).await;
    let gaps = Gaps::from_now(&fleet.world).await;
    for _ in 0..fleet.members.len() {
        fleet.add().await;
        everybody_is_back(&fleet, count).await;
        fleet.take(0).drain().await;
    }
    everybody_is_back(&fleet, count).await;
    rows.extend(gone(&fleet, &gaps, "rolling deploy", None).await);

    rows.push(town.new_codes(&fleet.world).await);
    fleet.world.assert_no_violations().await;
    rows
}

/// Waits until the shards are shared out, and every socket is open.
async fn everybody_is_back(fleet: &Fleet, count: usize) {
    fleet.settle().await;
    eventually("every instance is open", PATIENCE, async || {
        let reports = fleet.reports().await.into_iter().flatten();
        let open: usize = reports.map(|report| report.open).sum();
        let devices = fleet.world.whatsapp.devices().await;
        let connected = devices.iter().filter(|device| device.connected).count();
        (open == count && connected == count).then_some(())
    })
    .await;
}

/// From the end of a device's socket to its next login: the middle, the 95th of a hundred, and
/// the longest.
async fn gone(fleet: &Fleet, gaps: &Gaps, when: &str, p95_ms: Option<f64>) -> [Row; 3] {
    let mut gaps = gaps.all(&fleet.world).await;
    assert!(!gaps.is_empty(), "{when}: no socket has moved");
    let metric = format!("{when}: socket's end to next login,");
    let mut rows = [0.5, 0.95, 1.0].map(|p| Row::percentile(&metric, p, &mut gaps));
    rows[1].target = p95_ms;
    rows[2].metric = format!("{metric} longest");
    rows
}
