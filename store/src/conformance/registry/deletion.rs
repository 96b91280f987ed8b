//! Instances that are deleted.

use futures::future::join_all;
use pombal_domain::{Desired, Tombstone};

use super::*;

pub(super) async fn a_deleted_instance_leaves_a_tombstone_only(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let made = instance("one", 4);
    registry.create_instance(&made).await.unwrap();
    // Found by what names it, whatever else has changed since it was read.
    registry
        .set_desired(&made.name, made.id, Desired::LoggedOut, None)
        .await
        .unwrap();
    registry.delete_instance(&made).await.unwrap();

    assert_eq!(registry.instance(&made.name).await.unwrap(), None);
    assert_eq!(
        registry.instance_by_token(&made.token_hash).await.unwrap(),
        None
    );
    assert_eq!(registry.instance_by_id(made.id).await.unwrap(), None);
    let content = eventually(
        || registry.shard_content(ShardId(4)),
        |content| content.instances.is_empty() && !content.tombstones.is_empty(),
    )
    .await;
    let tombstone = Tombstone {
        id: made.id,
        name: made.name.clone(),
        shard: made.shard,
    };
    assert_eq!(content.tombstones, std::slice::from_ref(&tombstone));
    assert_eq!(registry.count_instances().await.unwrap(), 0);
    assert!(registry.list_instances(None, 10).await.unwrap().is_empty());
    let again = registry.delete_instance(&made).await;
    assert!(matches!(again, Err(Error::NotFound)), "{again:?}");

    // Name and token are free again, and the tombstone is not in the way.
    let next = Instance {
        id: InstanceId::random(),
        ..made.clone()
    };
    registry.create_instance(&next).await.unwrap();
    for _ in 0..2 {
        registry.remove_tombstone(&tombstone).await.unwrap();
        eventually(
            || registry.shard_content(ShardId(4)),
            |content| content.tombstones.is_empty() && content.instances == [next.clone()],
        )
        .await;
    }
}

pub(super) async fn a_deletion_is_for_one_instance_only(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let (old, new) = (instance("one", 0), instance("one", 0));
    registry.create_instance(&old).await.unwrap();
    registry.delete_instance(&old).await.unwrap();
    registry.create_instance(&new).await.unwrap();
    let again = registry.delete_instance(&old).await;
    assert!(matches!(again, Err(Error::NotFound)), "{again:?}");
    assert_eq!(
        registry.instance(&new.name).await.unwrap(),
        Some(new.clone())
    );
    assert_eq!(
        registry.instance_by_token(&new.token_hash).await.unwrap(),
        Some(new)
    );
}

pub(super) async fn of_many_that_delete_one_succeeds(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let made = instance("one", 0);
    registry.create_instance(&made).await.unwrap();
    let results = join_all((0..16).map(|_| registry.delete_instance(&made))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let lost = results.iter().filter_map(|result| result.as_ref().err());
    assert!(
        lost.into_iter()
            .all(|error| matches!(error, Error::NotFound))
    );
}

pub(super) async fn a_tombstone_tells_since_when_it_stands(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let (gone, stays) = (instance("one", 3), instance("two", 3));
    registry.create_instance(&gone).await.unwrap();
    registry.create_instance(&stays).await.unwrap();
    let before = UnixMs::now();
    registry.delete_instance(&gone).await.unwrap();
    let after = UnixMs::now();
    let graves = eventually(|| registry.graves(ShardId(3)), |graves| !graves.is_empty()).await;
    assert_eq!(graves.len(), 1);
    assert_eq!(graves[0].tombstone.id, gone.id);
    assert!((before..=after).contains(&graves[0].since), "{graves:?}");
    assert!(registry.graves(ShardId(4)).await.unwrap().is_empty());
}

pub(super) async fn whoever_has_changed_is_not_deleted_as_untouched(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let seen = instance("one", 2);
    registry.create_instance(&seen).await.unwrap();
    let (name, id) = (&seen.name, seen.id);
    let spared = async |seen: &Instance, what: &str| {
        assert!(!registry.delete_untouched(seen).await.unwrap(), "{what}");
        registry.instance(name).await.unwrap().unwrap()
    };
    registry
        .set_settings(name, id, &seen.settings)
        .await
        .unwrap();
    let seen = spared(&seen, "a user has changed it").await;
    assert!(registry.project(&event(&seen, 1, 1)).await.unwrap());
    let seen = spared(&seen, "an event has come").await;
    let wish = registry.set_desired(name, id, Desired::Connected, None);
    wish.await.unwrap();
    let seen = spared(&seen, "somebody has a wish").await;
    let hash = token_hash();
    let replaced = registry.replace_token(&seen, &hash, vec![1]);
    replaced.await.unwrap();
    let seen = spared(&seen, "it has another token").await;
    registry.ask_to_move(name, id, ShardId(3)).await.unwrap();
    spared(&seen, "it changes shards").await;
}

pub(super) async fn whoever_has_not_changed_is_deleted_once(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let seen = instance("one", 2);
    registry.create_instance(&seen).await.unwrap();
    let results = join_all((0..8).map(|_| registry.delete_untouched(&seen))).await;
    // Whoever comes too late finds it gone.
    assert!(results.into_iter().all(|gone| gone.unwrap()));
    assert_eq!(registry.instance(&seen.name).await.unwrap(), None);
    let found = registry.instance_by_token(&seen.token_hash).await;
    assert_eq!(found.unwrap(), None);
    let tombstones = async || Ok(registry.shard_content(ShardId(2)).await?.tombstones);
    let left = eventually(tombstones, |left| !left.is_empty()).await;
    assert_eq!(left.len(), 1);
    assert_eq!((left[0].id, left[0].shard), (seen.id, ShardId(2)));
    // The name may belong to somebody else by now.
    let next = instance("one", 2);
    registry.create_instance(&next).await.unwrap();
    assert!(registry.delete_untouched(&seen).await.unwrap());
    assert_eq!(registry.instance(&next.name).await.unwrap(), Some(next));
}
