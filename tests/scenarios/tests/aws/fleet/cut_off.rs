//! A connector is cut off from a part of AWS. It lets the others have its shards, and comes
//! back.

use bad_aws::{Fault, Rule, Service};
use pombal_scenarios::{Fleet, FleetOptions};

use super::town::Town;

/// A short lease, for this is about everything else.
const LEASE_MS: &str = "4000";

async fn is_cut_off(service: Service, fault: Fault) {
    let options = FleetOptions::new(3).watched().env("LEASE_MS", LEASE_MS);
    let fleet = Fleet::start(options).await;
    let town = Town::open(&fleet).await;
    let victim = &fleet.members[fleet.busiest().await];

    let cut = victim.aws().add(Rule::on(service, fault));
    let others = format!("without {}", victim.name());
    fleet
        .settle_among(&others, |member| member.name() != victim.name())
        .await;
    town.is_open(&fleet.world).await;
    town.talks(&fleet.world).await;
    assert!(cut.count() > 0, "nothing was cut off");

    victim.aws().heal();
    fleet.settle().await;
    town.talks(&fleet.world).await;
    town.ends(&fleet.world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_registry() {
    is_cut_off(Service::DynamoDb, Fault::Swallowed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_object_store() {
    is_cut_off(Service::S3, Fault::Swallowed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_queues() {
    is_cut_off(Service::Sqs, Fault::Swallowed).await;
}
