//! Nobody reaches the registry.

use std::time::Duration;

use bad_aws::{Fault, Rule, Service};
use pombal_scenarios::{Fleet, FleetOptions, PATIENCE, eventually};

use super::town::Town;

/// Short, so that it is over several times in the outage.
const LEASE_MS: &str = "4000";
/// What is waited for can't be seen: that nobody does anything.
const OUTAGE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn everybody_waits_for_the_registry_and_nobody_steals() {
    let options = FleetOptions::new(3).watched().env("LEASE_MS", LEASE_MS);
    let fleet = Fleet::start(options).await;
    let town = Town::open(&fleet).await;
    let owned = |reports: Vec<Option<pombal_scenarios::Report>>| -> Vec<u64> {
        let reports = reports.into_iter().flatten();
        reports.map(|report| report.takeovers).collect()
    };
    let before = owned(fleet.reports().await);
    assert_eq!(before.len(), fleet.members.len());

    for member in &fleet.members {
        let rule = Rule::on(Service::DynamoDb, Fault::Swallowed);
        member.aws().add(rule);
    }
    eventually("everybody has let go", PATIENCE, async || {
        let reports = fleet.reports().await;
        let devices = fleet.world.whatsapp.devices().await;
        let let_go = reports.iter().flatten().all(|report| report.shards == 0);
        (let_go && devices.iter().all(|device| !device.connected)).then_some(())
    })
    .await;
    tokio::time::sleep(OUTAGE).await;
    assert_eq!(
        owned(fleet.reports().await),
        before,
        "somebody has taken a shard"
    );
    let devices = fleet.world.whatsapp.devices().await;
    assert!(devices.iter().all(|device| !device.connected));

    for member in &fleet.members {
        member.aws().heal();
    }
    fleet.settle().await;
    town.talks(&fleet.world).await;
    town.ends(&fleet.world).await;
}
