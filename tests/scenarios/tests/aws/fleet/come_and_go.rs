//! Connectors die, join, drain and are replaced.

use std::time::Duration;

use pombal_scenarios::{Fleet, FleetOptions, Gaps, Member};

use super::town::Town;

/// A drain hands each shard over: nobody waits for the lease, which takes 12 s.
const HANDOVER: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread")]
async fn sessions_move_when_connectors_come_and_go() {
    let mut fleet = Fleet::start(FleetOptions::new(3)).await;
    let town = Town::open(&fleet).await;

    // One dies: after its lease the others have its shards.
    let victim = fleet.busiest().await;
    fleet.take(victim).kill();
    fleet.settle().await;
    town.is_open(&fleet.world).await;
    town.talks(&fleet.world).await;

    // Two join: everybody gets a fair share.
    fleet.add().await;
    fleet.add().await;
    fleet.settle().await;
    town.is_open(&fleet.world).await;

    // One drains: others have its shards before it ends.
    let leaver = fleet.busiest().await;
    let leaver = fleet.take(leaver);
    let gaps = Gaps::from_now(&fleet.world).await;
    let told_before: Vec<_> = fleet.members.iter().map(Member::gaps_told).collect();
    leaver.drain().await;
    fleet.settle().await;
    town.is_open(&fleet.world).await;
    let gaps = gaps.all(&fleet.world).await;
    assert!(!gaps.is_empty(), "no socket has moved");
    assert!(gaps.iter().all(|gap| *gap < HANDOVER), "{gaps:?}");
    // Operators hear of each.
    let told = fleet.members.iter().map(Member::gaps_told);
    let new = told.zip(&told_before);
    let new: Vec<_> = new
        .flat_map(|(all, old)| all[old.len()..].to_vec())
        .collect();
    assert_eq!(new.len(), gaps.len(), "{new:?} {gaps:?}");
    assert!(new.iter().all(|gap| *gap < HANDOVER), "{new:?}");

    // Everybody moves to another shard, most of them to another connector.
    town.moves(&fleet).await;
    town.is_open(&fleet.world).await;
    town.talks(&fleet.world).await;

    // All are replaced, one after the other.
    for _ in 0..fleet.members.len() {
        fleet.add().await;
        fleet.settle().await;
        fleet.take(0).drain().await;
    }
    fleet.settle().await;
    town.is_open(&fleet.world).await;
    town.talks(&fleet.world).await;

    // Two die at once.
    fleet.take(0).kill();
    fleet.take(0).kill();
    fleet.settle().await;
    town.talks(&fleet.world).await;
    town.ends(&fleet.world).await;
}
