//! Instances: made and found.

use futures::future::join_all;

use super::*;

pub(super) async fn a_new_instance_is_found_in_every_way(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    // Made twice: no harm.
    registry.create_table_if_missing().await.unwrap();
    let one = instance("one", 3);
    let two = Instance {
        number: None,
        pairing: Pairing::Qr,
        ..instance("two", 3)
    };
    for made in [&one, &two] {
        registry.create_instance(made).await.unwrap();
        assert_eq!(
            registry.instance(&made.name).await.unwrap().as_ref(),
            Some(made)
        );
        let by_token = registry.instance_by_token(&made.token_hash).await.unwrap();
        assert_eq!(by_token.as_ref(), Some(made));
        let by_id = eventually(|| registry.instance_by_id(made.id), Option::is_some).await;
        assert_eq!(by_id.as_ref(), Some(made));
    }
    eventually(|| registry.count_instances(), |count| *count == 2).await;
}

pub(super) async fn what_does_not_exist_is_not_found(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    registry
        .create_instance(&instance("here", 0))
        .await
        .unwrap();
    assert_eq!(registry.instance(&name("elsewhere")).await.unwrap(), None);
    assert_eq!(registry.instance(&name("Here")).await.unwrap(), None);
    assert_eq!(
        registry.instance_by_id(InstanceId::random()).await.unwrap(),
        None
    );
    for hash in ["", "TOKEN", &token_hash(), &"x".repeat(5000)] {
        assert_eq!(registry.instance_by_token(hash).await.unwrap(), None);
    }
}

pub(super) async fn names_and_tokens_are_unique(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let first = instance("first", 0);
    registry.create_instance(&first).await.unwrap();
    let same_name = registry.create_instance(&instance("first", 1)).await;
    assert!(matches!(same_name, Err(Error::NameTaken)), "{same_name:?}");
    let same_token = Instance {
        token_hash: first.token_hash.clone(),
        ..instance("second", 1)
    };
    let refused = registry.create_instance(&same_token).await;
    assert!(matches!(refused, Err(Error::TokenTaken)), "{refused:?}");
    let both = Instance {
        id: InstanceId::random(),
        ..first.clone()
    };
    let both = registry.create_instance(&both).await;
    assert!(matches!(both, Err(Error::NameTaken)), "{both:?}");
    // Who adds the same one twice has added it once: the first answer may have been lost.
    registry.create_instance(&first).await.unwrap();
    // Nothing of the refused ones stayed.
    assert_eq!(
        registry.instance(&name("first")).await.unwrap(),
        Some(first.clone())
    );
    assert_eq!(registry.instance(&name("second")).await.unwrap(), None);
    assert_eq!(
        registry.instance_by_token(&first.token_hash).await.unwrap(),
        Some(first)
    );
}

pub(super) async fn of_many_that_want_a_name_one_gets_it(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let wanting: Vec<_> = (0..16).map(|shard| instance("wanted", shard)).collect();
    let results = join_all(wanting.iter().map(|one| registry.create_instance(one))).await;
    let there = registry.instance(&name("wanted")).await.unwrap().unwrap();
    for (one, result) in wanting.iter().zip(results) {
        let found = registry.instance_by_token(&one.token_hash).await.unwrap();
        if *one == there {
            assert!(result.is_ok(), "{result:?}");
            assert_eq!(found.as_ref(), Some(one));
        } else {
            assert!(matches!(result, Err(Error::NameTaken)), "{result:?}");
            assert_eq!(found, None);
        }
    }
}

pub(super) async fn of_many_that_want_a_token_one_gets_it(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let token_hash = token_hash();
    let wanting: Vec<_> = (0..16)
        .map(|n| Instance {
            token_hash: token_hash.clone(),
            ..instance(&format!("n{n}"), n)
        })
        .collect();
    let results = join_all(wanting.iter().map(|one| registry.create_instance(one))).await;
    let there = registry
        .instance_by_token(&token_hash)
        .await
        .unwrap()
        .unwrap();
    for (one, result) in wanting.iter().zip(results) {
        let found = registry.instance(&one.name).await.unwrap();
        if *one == there {
            assert!(result.is_ok(), "{result:?}");
            assert_eq!(found.as_ref(), Some(one));
        } else {
            assert!(matches!(result, Err(Error::TokenTaken)), "{result:?}");
            assert_eq!(found, None);
        }
    }
}

pub(super) async fn names_may_be_anything_that_is_valid(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let longest = "名".repeat(100);
    for called in [
        "Suporte São Paulo",
        "a.b_c-d",
        "名前",
        "NAME:x",
        "%20'\"`$1;--",
        &longest,
    ] {
        let made = instance(called, 0);
        registry.create_instance(&made).await.unwrap();
        assert_eq!(registry.instance(&made.name).await.unwrap(), Some(made));
    }
}
