//! Shards: what is there, and whose they are.

use futures::future::join_all;
use pombal_domain::ConnectorId;

use super::*;
use crate::registry::ShardOwner;

pub(super) async fn a_shard_has_its_own_instances_only(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    for (called, shard) in [("a", 1), ("b", 1), ("c", 11), ("d", 0)] {
        registry
            .create_instance(&instance(called, shard))
            .await
            .unwrap();
    }
    for (shard, expected) in [
        (0, vec!["d"]),
        (1, vec!["a", "b"]),
        (11, vec!["c"]),
        (2, vec![]),
    ] {
        let content = eventually(
            || registry.shard_content(ShardId(shard)),
            |content| content.instances.len() == expected.len(),
        )
        .await;
        let mut names: Vec<_> = content
            .instances
            .iter()
            .map(|row| row.name.as_str())
            .collect();
        names.sort_unstable();
        assert_eq!(names, expected);
        assert!(content.tombstones.is_empty());
    }
}

pub(super) async fn a_shard_is_taken_epoch_by_epoch(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let shard = ShardId(5);
    assert_eq!(registry.shard_owner(shard).await.unwrap(), None);
    let mut seen = None;
    for epoch in 1..=12 {
        let owner = ConnectorId::random();
        let taken = registry.take_shard(shard, owner, seen).await.unwrap();
        assert_eq!(taken, Epoch(epoch));
        let now = registry.shard_owner(shard).await.unwrap();
        assert_eq!(
            now,
            Some(ShardOwner {
                owner,
                epoch: taken
            })
        );
        // Whoever looked earlier is too late.
        let late = registry
            .take_shard(shard, ConnectorId::random(), seen)
            .await;
        assert!(matches!(late, Err(Error::Conflict)), "{late:?}");
        seen = now;
    }
    let seen = seen.unwrap();
    for wrong in [
        ShardOwner {
            owner: ConnectorId::random(),
            ..seen
        },
        ShardOwner {
            epoch: seen.epoch.next(),
            ..seen
        },
    ] {
        let taken = registry
            .take_shard(shard, ConnectorId::random(), Some(wrong))
            .await;
        assert!(matches!(taken, Err(Error::Conflict)), "{taken:?}");
    }
    assert_eq!(registry.shard_owner(shard).await.unwrap(), Some(seen));
    assert_eq!(registry.shard_owner(ShardId(50)).await.unwrap(), None);
    // Its own owner may take it anew, as a process that started again does.
    assert_eq!(
        registry
            .take_shard(shard, seen.owner, Some(seen))
            .await
            .unwrap(),
        seen.epoch.next()
    );
}

pub(super) async fn of_many_that_want_a_shard_one_gets_it(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let shard = ShardId(0);
    let mut seen = None;
    for epoch in 1..=3 {
        let connectors: Vec<_> = (0..16).map(|_| ConnectorId::random()).collect();
        let results = join_all(
            connectors
                .iter()
                .map(|me| registry.take_shard(shard, *me, seen)),
        )
        .await;
        let now = registry.shard_owner(shard).await.unwrap().unwrap();
        assert_eq!(now.epoch, Epoch(epoch));
        for (connector, result) in connectors.iter().zip(results) {
            match result {
                Ok(taken) => assert_eq!((now.owner, taken), (*connector, Epoch(epoch))),
                Err(Error::Conflict) => assert_ne!(now.owner, *connector),
                Err(other) => panic!("{other:?}"),
            }
        }
        seen = Some(now);
    }
}

pub(super) async fn taking_twice_in_the_same_way_is_taking_once(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let (shard, me) = (ShardId(0), ConnectorId::random());
    // As when the first answer was lost and the caller, or the SDK, tries again.
    for _ in 0..2 {
        assert_eq!(
            registry.take_shard(shard, me, None).await.unwrap(),
            Epoch(1)
        );
    }
    let seen = registry.shard_owner(shard).await.unwrap();
    for _ in 0..2 {
        assert_eq!(
            registry.take_shard(shard, me, seen).await.unwrap(),
            Epoch(2)
        );
    }
}
