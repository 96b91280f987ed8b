//! Shards that are taken from connectors whose leases are over.

use futures::future::join_all;
use pombal_domain::{OldOwner, ShardRow};

use super::*;

/// A connector with a lease and a shard.
struct Owner {
    id: ConnectorId,
    rvn: Rvn,
    shard: ShardRow,
}

impl Owner {
    async fn of(registry: &Registry, shard: u16) -> Self {
        let lease = beat(ConnectorId::random());
        registry.renew_connector(&lease).await.unwrap();
        let fresh = ShardRow::fresh(ShardId(shard));
        registry
            .take_shard(&fresh, lease.id, OldOwner::None)
            .await
            .unwrap();
        Self {
            id: lease.id,
            rvn: lease.rvn,
            shard: registry.shard(fresh.shard).await.unwrap(),
        }
    }

    /// Seen with its lease.
    fn with_lease(&self) -> OldOwner {
        self.seen(Some(self.rvn))
    }

    fn seen(&self, rvn: Option<Rvn>) -> OldOwner {
        OldOwner::Expired { id: self.id, rvn }
    }

    /// Somebody takes the shard.
    async fn lose(&self, registry: &Registry, old: OldOwner) -> Result<Epoch, Error> {
        let taker = ConnectorId::random();
        registry.take_shard(&self.shard, taker, old).await
    }

    async fn has_kept(&self, registry: &Registry, result: Result<Epoch, Error>) {
        assert!(matches!(result, Err(Error::Conflict)), "{result:?}");
        assert_eq!(registry.shard(self.shard.shard).await.unwrap(), self.shard);
    }
}

pub(super) async fn a_shard_is_taken_from_who_has_not_renewed(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let owner = Owner::of(&registry, 2).await;
    let me = ConnectorId::random();
    // Twice, as after an answer that was lost.
    for _ in 0..2 {
        let taken = registry.take_shard(&owner.shard, me, owner.with_lease());
        assert_eq!(taken.await.unwrap(), Epoch(2));
        let now = registry.shard(owner.shard.shard).await.unwrap();
        assert_eq!((now.owner, now.epoch), (Some(me), Epoch(2)));
    }
    // Its row is not touched.
    let fleet = registry.fleet().await.unwrap();
    assert_eq!(fleet.connector(owner.id).unwrap().rvn, owner.rvn);
    // Nor is what was told changed by what the old owner does later.
    registry.renew_connector(&beat(owner.id)).await.unwrap();
    let again = registry.take_shard(&owner.shard, me, owner.with_lease());
    assert_eq!(again.await.unwrap(), Epoch(2));
}

pub(super) async fn who_has_renewed_keeps_its_shards(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let owner = Owner::of(&registry, 0).await;
    let renewed = beat(owner.id);
    registry.renew_connector(&renewed).await.unwrap();
    let result = owner.lose(&registry, owner.with_lease()).await;
    owner.has_kept(&registry, result).await;
    // With the lease as it is now, it does not.
    let old = owner.seen(Some(renewed.rvn));
    assert_eq!(owner.lose(&registry, old).await.unwrap(), Epoch(2));
}

pub(super) async fn a_shard_is_taken_from_who_has_no_row(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let owner = Owner::of(&registry, 0).await;
    registry.remove_connector(owner.id).await.unwrap();
    let old = owner.seen(None);
    assert_eq!(owner.lose(&registry, old).await.unwrap(), Epoch(2));
    // And no row was made by that.
    assert_eq!(registry.fleet().await.unwrap().connectors, []);
}

pub(super) async fn a_row_that_has_come_back_keeps_its_shards(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let owner = Owner::of(&registry, 0).await;
    // Seen without a row, and now it has one.
    let result = owner.lose(&registry, owner.seen(None)).await;
    owner.has_kept(&registry, result).await;
}

pub(super) async fn a_row_that_has_gone_is_not_the_row_that_was_seen(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let owner = Owner::of(&registry, 0).await;
    registry.remove_connector(owner.id).await.unwrap();
    let result = owner.lose(&registry, owner.with_lease()).await;
    owner.has_kept(&registry, result).await;
}

pub(super) async fn of_many_that_take_over_one_does(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let owner = Owner::of(&registry, 0).await;
    let takers: Vec<_> = (0..8).map(|_| ConnectorId::random()).collect();
    let takeovers = takers
        .iter()
        .map(|me| registry.take_shard(&owner.shard, *me, owner.with_lease()));
    let results = join_all(takeovers).await;
    let now = registry.shard(owner.shard.shard).await.unwrap();
    assert_eq!(now.epoch, Epoch(2));
    for (taker, result) in takers.iter().zip(results) {
        match result {
            Ok(epoch) => assert_eq!((now.owner, epoch), (Some(*taker), Epoch(2))),
            Err(Error::Conflict) => assert_ne!(now.owner, Some(*taker)),
            Err(other) => panic!("{other:?}"),
        }
    }

    // And of an owner that renews meanwhile and a taker, one succeeds first.
    for shard in 1..=8 {
        let owner = Owner::of(&registry, shard).await;
        let renewal = beat(owner.id);
        let (taken, renewed) = tokio::join!(
            owner.lose(&registry, owner.with_lease()),
            registry.renew_connector(&renewal)
        );
        renewed.unwrap();
        match taken {
            Ok(epoch) => assert_eq!(epoch, Epoch(2)),
            lost => owner.has_kept(&registry, lost).await,
        }
    }
}
