//! Leases and shards on a bad day: who did something is told so, and an epoch has one owner.

use std::collections::BTreeMap;

use bad_aws::{Fault, Happened, Rule, Service, Told, seeds};
use futures::future::join_all;
use pombal_domain::{ConnectorId, Epoch, OldOwner, ShardId, ShardRow};
use pombal_store::Registry;
use pombal_store::conformance::registry::beat;
use pombal_store::registry::{ConnectorBeat, Error};

use super::registry::{both, once};
use super::{PASSING, all_happened, mix};

fn old(lease: &ConnectorBeat) -> OldOwner {
    let (id, rvn) = (lease.id, Some(lease.rvn));
    OldOwner::Expired { id, rvn }
}

/// Everything that connectors write, one after the other. `bad` is called before each.
async fn every_change(registry: &Registry, good: &Registry, mut bad: impl FnMut()) {
    let (first, second) = (beat(ConnectorId::random()), beat(ConnectorId::random()));
    let shard = ShardId(3);
    for lease in [&first, &second] {
        bad();
        registry.renew_connector(lease).await.unwrap();
        let row = good.fleet().await.unwrap();
        assert_eq!(row.connector(lease.id).unwrap().rvn, lease.rvn);
    }

    bad();
    let fresh = ShardRow::fresh(shard);
    let taken = registry.take_shard(&fresh, first.id, OldOwner::None).await;
    assert_eq!(taken.unwrap(), Epoch(1));
    let seen = good.shard(shard).await.unwrap();
    assert_eq!((seen.owner, seen.epoch), (Some(first.id), Epoch(1)));

    bad();
    registry.request_shard(&seen, second.id).await.unwrap();
    let asked = good.shard(shard).await.unwrap();
    assert_eq!(asked.wanted_by, Some(second.id));

    bad();
    registry.refuse_shard(&asked).await.unwrap();
    assert_eq!(good.shard(shard).await.unwrap(), seen);

    bad();
    let taken = registry.take_shard(&seen, second.id, old(&first)).await;
    assert_eq!(taken.unwrap(), Epoch(2));
    let now = good.shard(shard).await.unwrap();
    assert_eq!((now.owner, now.epoch), (Some(second.id), Epoch(2)));

    bad();
    registry
        .release_shard(shard, second.id, Epoch(2))
        .await
        .unwrap();
    let now = good.shard(shard).await.unwrap();
    assert_eq!((now.owner, now.epoch), (None, Epoch(2)));

    bad();
    registry.ask_to_drain(first.id).await.unwrap();
    let fleet = good.fleet().await.unwrap();
    assert!(fleet.connector(first.id).unwrap().drain_requested);

    bad();
    registry.remove_connector(first.id).await.unwrap();
    let fleet = good.fleet().await.unwrap();
    assert_eq!(fleet.connector(first.id), None);
}

#[tokio::test]
async fn every_change_of_the_fleet_survives_every_fault() {
    for fault in PASSING.into_iter().chain([Fault::Conflict]) {
        let (proxy, good, registry) = both(1).await;
        let mut happened = Vec::new();
        every_change(&registry, &good, || happened.push(proxy.add(once(fault)))).await;
        all_happened(&happened);
    }
}

/// Done at the first try, and that is not told; the next one fails on what the first did.
#[tokio::test]
async fn a_change_that_meets_itself_is_a_success() {
    let (proxy, good, registry) = both(1).await;
    let mut happened = Vec::new();
    every_change(&registry, &good, || {
        happened.push(proxy.add(once(Fault::Lost)));
        happened.push(proxy.add(once(Fault::Conflict)));
    })
    .await;
    all_happened(&happened);
}

/// No answer to any try of a shard's write comes through.
#[tokio::test]
async fn who_changed_a_shard_is_told_so() {
    let (proxy, good, registry) = both(1).await;
    let never = |operation| {
        let rule = Rule::on(Service::DynamoDb, Fault::Lost).operation(operation);
        proxy.add(rule)
    };
    let lost = [never("TransactWriteItems"), never("UpdateItem")];
    let count = || lost.each_ref().map(Happened::count);
    let (first, second) = (beat(ConnectorId::random()), beat(ConnectorId::random()));
    good.renew_connector(&first).await.unwrap();
    let fresh = ShardRow::fresh(ShardId(1));

    let taken = registry.take_shard(&fresh, first.id, OldOwner::None).await;
    assert_eq!((taken.unwrap(), count()), (Epoch(1), [4, 0]));
    let seen = good.shard(fresh.shard).await.unwrap();
    registry.request_shard(&seen, second.id).await.unwrap();
    let asked = good.shard(fresh.shard).await.unwrap();
    registry.refuse_shard(&asked).await.unwrap();
    let taken = registry.take_shard(&seen, second.id, old(&first)).await;
    assert_eq!(taken.unwrap(), Epoch(2));
    let released = registry.release_shard(fresh.shard, second.id, Epoch(2));
    released.await.unwrap();
    // Tries after the first fail on what that did, which is no reason to try again.
    let [transactions, updates] = count();
    assert_eq!(transactions, 8);
    assert!(updates >= 3, "{updates}");

    // Another one is told, too.
    proxy.heal();
    let late = registry.take_shard(&seen, ConnectorId::random(), old(&first));
    let late = late.await;
    assert!(matches!(late, Err(Error::Conflict)), "{late:?}");
    let late = registry
        .release_shard(fresh.shard, first.id, Epoch(1))
        .await;
    assert!(matches!(late, Err(Error::Conflict)), "{late:?}");
}

/// Where nobody can tell whether a shard was taken, nobody is told that it was not.
#[tokio::test]
async fn a_conflict_is_told_only_where_the_row_says_so() {
    let (proxy, good, registry) = both(1).await;
    let me = ConnectorId::random();
    let fresh = ShardRow::fresh(ShardId(1));
    let taken = good.take_shard(&fresh, me, OldOwner::None).await;
    assert_eq!(taken.unwrap(), Epoch(1));
    // As a try of our own that fails on what another try of ours did.
    let rule = Rule::on(Service::DynamoDb, Fault::Failed).operation("GetItem");
    let unread = proxy.add(rule);
    let again = registry.take_shard(&fresh, me, OldOwner::None).await;
    assert!(matches!(again, Err(Error::Storage(_))), "{again:?}");
    all_happened(&[unread]);
    proxy.heal();
    let again = registry.take_shard(&fresh, me, OldOwner::None).await;
    assert_eq!(again.unwrap(), Epoch(1));
}

/// What a connector was told last of its tries to begin an epoch.
type LastTold = BTreeMap<Epoch, Result<(), Error>>;

/// Fights for a shard, going by what it reads and is told.
async fn fight(registry: &Registry, shard: ShardId) -> (ConnectorId, LastTold) {
    let me = ConnectorId::random();
    let mut told = LastTold::new();
    for round in 0..16 {
        // Most leases are over soon, or so the others think.
        if round % 6 == 0 {
            let _ = registry.renew_connector(&beat(me)).await;
        }
        let Ok(fleet) = registry.fleet().await else {
            continue;
        };
        let seen = fleet.shard(shard);
        let mut old = OldOwner::None;
        if seen.owner == Some(me) {
            let last = told.get(&seen.epoch);
            assert!(!matches!(last, Some(Err(Error::Conflict))), "{seen:?}");
            if round % 2 == 0 {
                let _ = registry.release_shard(shard, me, seen.epoch).await;
                continue;
            }
        } else if let Some(id) = seen.owner {
            let rvn = fleet.connector(id).map(|row| row.rvn);
            old = OldOwner::Expired { id, rvn };
        }
        let taken = registry.take_shard(&seen, me, old).await;
        let epoch = seen.epoch.next();
        if let Ok(taken) = taken {
            assert_eq!(taken, epoch);
        }
        told.insert(epoch, taken.map(drop));
    }
    (me, told)
}

async fn epochs_have_one_owner(seed: u64) {
    let shard = ShardId(0);
    let (proxy, good, registry) = both(seed).await;
    let mut faults = mix(&proxy, Service::DynamoDb, 5);
    faults.push(proxy.add(Rule::on(Service::DynamoDb, Fault::Conflict).percent(10)));
    let mut owners = BTreeMap::new();
    let mut refused = 0;
    for (me, told) in join_all((0..5).map(|_| fight(&registry, shard))).await {
        for (epoch, told) in told {
            match told {
                Ok(()) => assert_eq!(owners.insert(epoch, me), None, "{epoch:?} twice"),
                Err(Error::Conflict) => refused += 1,
                // May have been taken or not.
                Err(Error::Storage(_)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    let now = good.shard(shard).await.unwrap();
    assert!(now.epoch >= *owners.keys().max().unwrap());
    if let (Some(told), Some(owner)) = (owners.get(&now.epoch), now.owner) {
        assert_eq!(owner, *told);
    }
    assert!(owners.len() > 5 && refused > 5, "{refused}, {owners:?}");
    all_happened(&faults[..1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_epoch_has_one_owner_on_a_bad_day() {
    for seed in seeds(0xE90C) {
        let _told = Told(seed);
        epochs_have_one_owner(seed).await;
    }
}
