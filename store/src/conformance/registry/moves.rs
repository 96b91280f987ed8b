//! Instances that move between deployments.

use pombal_domain::{Desired, Tombstone};

use super::*;

fn tombstone(of: &Instance) -> Tombstone {
    Tombstone {
        id: of.id,
        name: of.name.clone(),
        shard: of.shard,
    }
}

pub(super) async fn a_moved_instance_takes_no_wish_but_its_deletion(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let made = instance("one", 0);
    registry.create_instance(&made).await.unwrap();
    registry.mark_moved(&made).await.unwrap();

    let moved = registry.instance(&made.name).await.unwrap().unwrap();
    assert_eq!(moved.desired, Desired::Moved);
    assert_eq!(moved.generation, made.generation + 1);
    assert_eq!(moved.observed.state, ConnectionState::Close);
    assert_eq!(moved.data_key, made.data_key);
    for wish in [
        Desired::Connected,
        Desired::Disconnected,
        Desired::LoggedOut,
    ] {
        let refused = registry
            .set_desired(&made.name, made.id, wish, Some(&Pairing::Qr))
            .await;
        assert!(matches!(refused, Err(Error::Moved)), "{refused:?}");
    }
    // Marked from a row that has changed since: somebody wished otherwise.
    let again = registry.mark_moved(&made).await;
    assert!(matches!(again, Err(Error::Conflict)), "{again:?}");
    assert_eq!(registry.instance(&made.name).await.unwrap(), Some(moved));
    registry.delete_instance(&made).await.unwrap();
    assert_eq!(registry.instance(&made.name).await.unwrap(), None);
}

pub(super) async fn an_instance_that_arrives_takes_the_place_of_its_tombstone(
    factory: &impl Factory,
) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let made = instance("one", 3);
    assert_eq!(registry.tombstone(made.id).await.unwrap(), None);
    registry.announce_arrival(&tombstone(&made)).await.unwrap();
    assert_eq!(
        registry.tombstone(made.id).await.unwrap(),
        Some(tombstone(&made))
    );
    registry.finish_arrival(&made).await.unwrap();
    assert_eq!(registry.tombstone(made.id).await.unwrap(), None);
    assert_eq!(
        registry.instance_by_token(&made.token_hash).await.unwrap(),
        Some(made.clone())
    );
    eventually(
        || registry.shard_content(ShardId(3)),
        |content| content.tombstones.is_empty() && content.instances == [made.clone()],
    )
    .await;
}

pub(super) async fn an_arrival_that_is_refused_changes_nothing(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let here = instance("one", 0);
    registry.create_instance(&here).await.unwrap();

    let unannounced = instance("two", 0);
    let refused = registry.finish_arrival(&unannounced).await;
    assert!(matches!(refused, Err(Error::Conflict)), "{refused:?}");
    let same_name = instance("one", 0);
    registry
        .announce_arrival(&tombstone(&same_name))
        .await
        .unwrap();
    let refused = registry.finish_arrival(&same_name).await;
    assert!(matches!(refused, Err(Error::NameTaken)), "{refused:?}");
    let same_token = Instance {
        id: same_name.id,
        token_hash: here.token_hash.clone(),
        ..instance("three", 0)
    };
    let refused = registry.finish_arrival(&same_token).await;
    assert!(matches!(refused, Err(Error::TokenTaken)), "{refused:?}");

    assert!(registry.tombstone(same_name.id).await.unwrap().is_some());
    assert_eq!(
        registry.list_instances(None, 10).await.unwrap(),
        std::slice::from_ref(&here)
    );
}
