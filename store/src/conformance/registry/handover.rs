//! Shards that somebody asks for.

use futures::future::join_all;
use pombal_domain::{OldOwner, ShardRow};

use super::*;

/// A shard that has just been taken by the connector that is returned.
async fn owned(registry: &Registry, shard: u16) -> (ConnectorId, ShardRow) {
    let (shard, owner) = (ShardId(shard), ConnectorId::random());
    let seen = registry.shard(shard).await.unwrap();
    registry
        .take_shard(&seen, owner, OldOwner::None)
        .await
        .unwrap();
    (owner, registry.shard(shard).await.unwrap())
}

#[track_caller]
fn is_conflict(result: &Result<(), Error>) {
    assert!(matches!(result, Err(Error::Conflict)), "{result:?}");
}

pub(super) async fn a_shard_is_asked_for_and_refused(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let (_, seen) = owned(&registry, 3).await;
    let me = ConnectorId::random();
    let asked = ShardRow {
        wanted_by: Some(me),
        ..seen.clone()
    };
    for _ in 0..2 {
        registry.request_shard(&seen, me).await.unwrap();
        assert_eq!(registry.shard(seen.shard).await.unwrap(), asked);
    }
    // Somebody else is too late, and may not refuse what it has not seen either.
    is_conflict(&registry.request_shard(&seen, ConnectorId::random()).await);
    let other = ShardRow {
        wanted_by: Some(ConnectorId::random()),
        ..seen.clone()
    };
    is_conflict(&registry.refuse_shard(&other).await);
    assert_eq!(registry.shard(seen.shard).await.unwrap(), asked);

    for _ in 0..2 {
        registry.refuse_shard(&asked).await.unwrap();
        assert_eq!(registry.shard(seen.shard).await.unwrap(), seen);
    }
    // One that is not waited for any more gives its place to another.
    registry.request_shard(&seen, me).await.unwrap();
    let next = ConnectorId::random();
    registry.request_shard(&asked, next).await.unwrap();
    let now = registry.shard(seen.shard).await.unwrap();
    assert_eq!(now.wanted_by, Some(next));
    is_conflict(&registry.refuse_shard(&asked).await);
}

pub(super) async fn a_wish_counts_for_the_owner_that_it_was_for(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let (owner, seen) = owned(&registry, 0).await;
    let me = ConnectorId::random();
    let asked = ShardRow {
        wanted_by: Some(me),
        ..seen.clone()
    };
    registry.request_shard(&seen, me).await.unwrap();
    // The owner takes it anew: whoever asked, asked the one before.
    let again = registry.take_shard(&asked, owner, OldOwner::None).await;
    assert_eq!(again.unwrap(), Epoch(2));
    let now = registry.shard(seen.shard).await.unwrap();
    assert_eq!((now.owner, now.wanted_by), (Some(owner), None));
    is_conflict(&registry.request_shard(&seen, me).await);
    is_conflict(&registry.refuse_shard(&asked).await);

    let foreign = ShardRow {
        owner: Some(ConnectorId::random()),
        ..now.clone()
    };
    is_conflict(&registry.request_shard(&foreign, me).await);
    is_conflict(&registry.refuse_shard(&foreign).await);
    assert_eq!(registry.shard(seen.shard).await.unwrap(), now);
}

pub(super) async fn of_many_that_ask_for_a_shard_one_is_waited_for(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let (_, seen) = owned(&registry, 0).await;
    let connectors: Vec<_> = (0..8).map(|_| ConnectorId::random()).collect();
    let asking = connectors
        .iter()
        .map(|me| registry.request_shard(&seen, *me));
    let results = join_all(asking).await;
    let now = registry.shard(seen.shard).await.unwrap();
    for (connector, result) in connectors.iter().zip(results) {
        match result {
            Ok(()) => assert_eq!(now.wanted_by, Some(*connector)),
            Err(Error::Conflict) => assert_ne!(now.wanted_by, Some(*connector)),
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(now.wanted_by.is_some());
}

pub(super) async fn nobody_is_asked_for_a_shard_without_owner(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let fresh = ShardRow::fresh(ShardId(7));
    is_conflict(&registry.request_shard(&fresh, ConnectorId::random()).await);
    is_conflict(&registry.refuse_shard(&fresh).await);
    // And no row was made.
    assert_eq!(registry.fleet().await.unwrap().shards, []);

    let (owner, seen) = owned(&registry, 7).await;
    registry
        .release_shard(seen.shard, owner, seen.epoch)
        .await
        .unwrap();
    let released = registry.shard(seen.shard).await.unwrap();
    is_conflict(&registry.request_shard(&released, owner).await);
    is_conflict(&registry.request_shard(&seen, owner).await);
    assert_eq!(registry.shard(seen.shard).await.unwrap(), released);
}
