//! The rows of connectors, and the fleet as everybody sees it.

use pombal_domain::{ConnectorRow, Fleet, OldOwner, ShardRow};

use super::*;

/// The row that a renewal leaves, if nobody asked anything of the connector.
fn row(beat: &ConnectorBeat) -> ConnectorRow {
    ConnectorRow {
        id: beat.id,
        rvn: beat.rvn,
        accepting: beat.accepting,
        drain_requested: false,
        instances: beat.instances,
        open: beat.open,
        started_at: beat.started_at,
        renewed_at: beat.renewed_at,
    }
}

pub(super) async fn the_fleet_shows_every_change_at_once(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    assert_eq!(registry.fleet().await.unwrap(), Fleet::default());
    let mut expected = Fleet::default();
    for n in 0..5 {
        let mut lease = beat(ConnectorId::random());
        registry.renew_connector(&lease).await.unwrap();
        expected.connectors.push(row(&lease));
        expected.connectors.sort_by_key(|row| row.id);
        assert_eq!(registry.fleet().await.unwrap(), expected);

        lease = ConnectorBeat {
            accepting: false,
            instances: 1_000 + n,
            open: n,
            ..beat(lease.id)
        };
        registry.renew_connector(&lease).await.unwrap();
        let at = expected
            .connectors
            .iter()
            .position(|row| row.id == lease.id);
        expected.connectors[at.unwrap()] = row(&lease);
        assert_eq!(registry.fleet().await.unwrap(), expected);
    }
    // Numbers whose order as plain text would be another.
    for number in [10, 9, 65_535, 100, 0] {
        let fresh = ShardRow::fresh(ShardId(number));
        let (owner, other) = (ConnectorId::random(), ConnectorId::random());
        let shows = async |fleet: &mut Fleet| {
            let now = registry.shard(fresh.shard).await.unwrap();
            fleet.shards.retain(|row| row.shard != fresh.shard);
            fleet.shards.push(now.clone());
            fleet.shards.sort_by_key(|row| row.shard);
            assert_eq!(&registry.fleet().await.unwrap(), fleet);
            now
        };
        let taken = registry.take_shard(&fresh, owner, OldOwner::None);
        let epoch = taken.await.unwrap();
        let now = shows(&mut expected).await;
        assert_eq!((now.owner, now.epoch), (Some(owner), Epoch(1)));
        registry.request_shard(&now, other).await.unwrap();
        assert_eq!(shows(&mut expected).await.wanted_by, Some(other));
        let released = registry.release_shard(fresh.shard, owner, epoch);
        released.await.unwrap();
        assert_eq!(shows(&mut expected).await.owner, None);
    }
    // Nothing else is of the fleet.
    registry.create_instance(&instance("one", 9)).await.unwrap();
    assert_eq!(registry.fleet().await.unwrap(), expected);
}

pub(super) async fn a_renewal_leaves_what_operators_asked(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let lease = beat(ConnectorId::random());
    registry.renew_connector(&lease).await.unwrap();
    // Twice, as operators do.
    for _ in 0..2 {
        registry.ask_to_drain(lease.id).await.unwrap();
    }
    for _ in 0..2 {
        let lease = beat(lease.id);
        registry.renew_connector(&lease).await.unwrap();
        let asked = ConnectorRow {
            drain_requested: true,
            ..row(&lease)
        };
        assert_eq!(registry.fleet().await.unwrap().connectors, [asked]);
    }
}

pub(super) async fn a_renewal_that_comes_late_changes_nothing(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let late = beat(ConnectorId::random());
    let last = beat(late.id);
    // Done twice, as a retry does whose first answer was lost.
    for _ in 0..2 {
        registry.renew_connector(&last).await.unwrap();
    }
    let renewed = registry.renew_connector(&late).await;
    assert!(matches!(renewed, Err(Error::Conflict)), "{renewed:?}");
    assert_eq!(registry.fleet().await.unwrap().connectors, [row(&last)]);
}

pub(super) async fn who_is_not_there_is_not_asked_to_drain(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let asked = registry.ask_to_drain(ConnectorId::random()).await;
    assert!(matches!(asked, Err(Error::NotFound)), "{asked:?}");
    assert_eq!(registry.fleet().await.unwrap(), Fleet::default());
}

pub(super) async fn a_connector_is_removed_and_may_come_back(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let (gone, stays) = (beat(ConnectorId::random()), beat(ConnectorId::random()));
    for lease in [&gone, &stays] {
        registry.renew_connector(lease).await.unwrap();
    }
    registry.ask_to_drain(gone.id).await.unwrap();
    for _ in 0..2 {
        registry.remove_connector(gone.id).await.unwrap();
        assert_eq!(registry.fleet().await.unwrap().connectors, [row(&stays)]);
    }
    registry.renew_connector(&gone).await.unwrap();
    let fleet = registry.fleet().await.unwrap();
    assert_eq!(fleet.connector(gone.id), Some(&row(&gone)));
    assert_eq!(fleet.connectors.len(), 2);
}
