//! Tokens that are replaced.

use futures::future::join_all;

use super::*;

pub(super) async fn a_new_token_opens_and_the_old_one_does_not(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let made = instance("one", 3);
    registry.create_instance(&made).await.unwrap();
    let hash = token_hash();
    registry
        .replace_token(&made, &hash, vec![7, 0, 255])
        .await
        .unwrap();
    let now = registry.instance(&made.name).await.unwrap().unwrap();
    let wanted = Instance {
        token_hash: hash.clone(),
        token_sealed: vec![7, 0, 255],
        updated_at: now.updated_at,
        ..made.clone()
    };
    assert_eq!(now, wanted);
    assert!(now.updated_at > made.updated_at);
    let by = async |hash: &str| registry.instance_by_token(hash).await.unwrap();
    assert_eq!(by(&hash).await, Some(now));
    assert_eq!(by(&made.token_hash).await, None);

    // Who saw the old one is too late, unless he has done just this.
    let late = registry.replace_token(&made, &token_hash(), vec![1]).await;
    assert!(matches!(late, Err(Error::Conflict)), "{late:?}");
    registry
        .replace_token(&made, &hash, vec![7, 0, 255])
        .await
        .unwrap();
    // The old one is free again.
    let other = Instance {
        token_hash: made.token_hash.clone(),
        ..instance("two", 3)
    };
    registry.create_instance(&other).await.unwrap();
}

pub(super) async fn a_token_that_is_taken_replaces_none(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let (one, two) = (instance("one", 0), instance("two", 0));
    registry.create_instance(&one).await.unwrap();
    registry.create_instance(&two).await.unwrap();
    for taken in [&two.token_hash, &one.token_hash] {
        let refused = registry.replace_token(&one, taken, vec![1]).await;
        assert!(matches!(refused, Err(Error::TokenTaken)), "{refused:?}");
    }
    for row in [&one, &two] {
        let found = registry.instance_by_token(&row.token_hash).await.unwrap();
        assert_eq!(found.as_ref(), Some(row));
    }
    registry.delete_instance(&one).await.unwrap();
    let gone = registry.replace_token(&one, &token_hash(), vec![1]).await;
    assert!(matches!(gone, Err(Error::NotFound)), "{gone:?}");
}

pub(super) async fn of_many_that_replace_a_token_one_does(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let made = instance("one", 0);
    registry.create_instance(&made).await.unwrap();
    let hashes: Vec<_> = (0..16).map(|_| token_hash()).collect();
    let results = hashes.iter().map(|hash| {
        let sealed = hash.as_bytes().to_vec();
        registry.replace_token(&made, hash, sealed)
    });
    let results = join_all(results).await;
    let now = registry.instance(&made.name).await.unwrap().unwrap();
    assert_eq!(now.token_sealed, now.token_hash.as_bytes());
    for (hash, result) in hashes.iter().zip(results) {
        let found = registry.instance_by_token(hash).await.unwrap();
        if *hash == now.token_hash {
            assert!(result.is_ok(), "{result:?}");
            assert_eq!(found.as_ref(), Some(&now));
        } else {
            assert!(matches!(result, Err(Error::Conflict)), "{result:?}");
            assert_eq!(found, None);
        }
    }
}

pub(super) async fn a_deletion_takes_the_newest_token_along(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let made = instance("one", 0);
    registry.create_instance(&made).await.unwrap();
    let hash = token_hash();
    registry.replace_token(&made, &hash, vec![1]).await.unwrap();
    // Read before the token was replaced.
    registry.delete_instance(&made).await.unwrap();
    assert_eq!(registry.instance(&made.name).await.unwrap(), None);
    // Nothing of it is left that would be in the way.
    let next = Instance {
        token_hash: hash,
        ..instance("one", 0)
    };
    registry.create_instance(&next).await.unwrap();
}
