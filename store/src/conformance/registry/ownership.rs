//! Shards that are taken and released.

use futures::future::join_all;
use pombal_domain::{OldOwner, ShardRow};

use super::*;
use crate::registry::ShardOwner;

pub(super) async fn a_shard_is_taken_epoch_by_epoch(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let shard = ShardId(5);
    let mut seen = registry.shard(shard).await.unwrap();
    assert_eq!(seen, ShardRow::fresh(shard));
    assert_eq!(registry.shard_owner(shard).await.unwrap(), None);
    for epoch in (1..=12).map(Epoch) {
        let owner = ConnectorId::random();
        let before = UnixMs::now();
        let taken = registry.take_shard(&seen, owner, OldOwner::None);
        assert_eq!(taken.await.unwrap(), epoch);
        let now = registry.shard(shard).await.unwrap();
        let expected = ShardRow {
            epoch,
            owner: Some(owner),
            since: now.since,
            ..ShardRow::fresh(shard)
        };
        assert_eq!(now, expected);
        assert!((before..=UnixMs::now()).contains(&now.since), "{now:?}");
        let told = registry.shard_owner(shard).await.unwrap();
        assert_eq!(told, Some(ShardOwner { owner, epoch }));
        // Whoever looked earlier is too late.
        let late = registry.take_shard(&seen, ConnectorId::random(), OldOwner::None);
        let late = late.await;
        assert!(matches!(late, Err(Error::Conflict)), "{late:?}");
        seen = now;
    }
    for wrong in [
        ShardRow {
            owner: Some(ConnectorId::random()),
            ..seen.clone()
        },
        ShardRow {
            owner: None,
            ..seen.clone()
        },
        ShardRow {
            epoch: seen.epoch.next(),
            ..seen.clone()
        },
    ] {
        let taken = registry.take_shard(&wrong, ConnectorId::random(), OldOwner::None);
        let taken = taken.await;
        assert!(matches!(taken, Err(Error::Conflict)), "{taken:?}");
    }
    assert_eq!(registry.shard(shard).await.unwrap(), seen);
    assert_eq!(registry.shard_owner(ShardId(50)).await.unwrap(), None);
    // Its own owner may take it anew, as one does that has dropped everything.
    let me = seen.owner.unwrap();
    let again = registry.take_shard(&seen, me, OldOwner::None).await;
    assert_eq!(again.unwrap(), seen.epoch.next());
}

pub(super) async fn of_many_that_want_a_shard_one_gets_it(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let mut seen = ShardRow::fresh(ShardId(0));
    for epoch in (1..=3).map(Epoch) {
        let connectors: Vec<_> = (0..16).map(|_| ConnectorId::random()).collect();
        let takers = connectors
            .iter()
            .map(|me| registry.take_shard(&seen, *me, OldOwner::None));
        let results = join_all(takers).await;
        let now = registry.shard(seen.shard).await.unwrap();
        assert_eq!(now.epoch, epoch);
        for (connector, result) in connectors.iter().zip(results) {
            match result {
                Ok(taken) => assert_eq!((now.owner, taken), (Some(*connector), epoch)),
                Err(Error::Conflict) => assert_ne!(now.owner, Some(*connector)),
                Err(other) => panic!("{other:?}"),
            }
        }
        seen = now;
    }
}

pub(super) async fn taking_twice_in_the_same_way_is_taking_once(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let (shard, me) = (ShardId(0), ConnectorId::random());
    for epoch in (1..=2).map(Epoch) {
        let seen = registry.shard(shard).await.unwrap();
        // As when the first answer was lost and the caller, or the SDK, tries again.
        for _ in 0..2 {
            let taken = registry.take_shard(&seen, me, OldOwner::None).await;
            assert_eq!(taken.unwrap(), epoch);
        }
    }
}

pub(super) async fn a_shard_is_released_by_its_owner_only(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let shard = ShardId(65_535);
    let (me, other) = (ConnectorId::random(), ConnectorId::random());
    let early = registry.release_shard(shard, me, Epoch(1)).await;
    assert!(matches!(early, Err(Error::Conflict)), "{early:?}");
    assert_eq!(registry.fleet().await.unwrap().shards, []);

    let fresh = ShardRow::fresh(shard);
    let epoch = registry.take_shard(&fresh, me, OldOwner::None).await;
    let epoch = epoch.unwrap();
    let seen = registry.shard(shard).await.unwrap();
    registry.request_shard(&seen, other).await.unwrap();
    for (who, when) in [(other, epoch), (me, Epoch(0)), (me, epoch.next())] {
        let wrong = registry.release_shard(shard, who, when).await;
        assert!(matches!(wrong, Err(Error::Conflict)), "{wrong:?}");
    }
    assert_eq!(registry.shard(shard).await.unwrap().owner, Some(me));

    // Twice, as after an answer that was lost.
    for _ in 0..2 {
        registry.release_shard(shard, me, epoch).await.unwrap();
        let now = registry.shard(shard).await.unwrap();
        let expected = ShardRow {
            owner: None,
            wanted_by: Some(other),
            since: now.since,
            ..seen.clone()
        };
        assert_eq!(now, expected);
        assert!(now.since >= seen.since, "{now:?}");
        assert_eq!(registry.shard_owner(shard).await.unwrap(), None);
    }

    let now = registry.shard(shard).await.unwrap();
    registry
        .take_shard(&now, other, OldOwner::None)
        .await
        .unwrap();
    let late = registry.release_shard(shard, me, epoch).await;
    assert!(matches!(late, Err(Error::Conflict)), "{late:?}");
    assert_eq!(registry.shard(shard).await.unwrap().owner, Some(other));
}

pub(super) async fn a_released_shard_is_taken_by_who_saw_it_released(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let (me, other) = (ConnectorId::random(), ConnectorId::random());
    let fresh = ShardRow::fresh(ShardId(1));
    registry
        .take_shard(&fresh, me, OldOwner::None)
        .await
        .unwrap();
    let owned = registry.shard(fresh.shard).await.unwrap();
    registry.request_shard(&owned, other).await.unwrap();
    registry
        .release_shard(fresh.shard, me, owned.epoch)
        .await
        .unwrap();

    let late = registry.take_shard(&owned, other, OldOwner::None).await;
    assert!(matches!(late, Err(Error::Conflict)), "{late:?}");
    let released = registry.shard(fresh.shard).await.unwrap();
    let taken = registry.take_shard(&released, other, OldOwner::None).await;
    assert_eq!(taken.unwrap(), Epoch(2));
    let now = registry.shard(fresh.shard).await.unwrap();
    assert_eq!((now.owner, now.wanted_by), (Some(other), None));
}
