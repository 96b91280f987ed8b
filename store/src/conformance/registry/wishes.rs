//! What users want of an instance.

use futures::future::join_all;
use pombal_domain::{EventName, WebhookConfig};

use super::projection::event;
use super::*;

fn webhook(url: &str) -> WebhookConfig {
    WebhookConfig {
        id: uuid::Uuid::new_v4(),
        enabled: true,
        url: url.to_owned(),
        headers: Some([("X-One".to_owned(), "1".to_owned())].into()),
        by_events: false,
        base64: true,
        events: vec![EventName::MessagesUpsert, EventName::GroupUpdate],
        created_at: UnixMs(1),
        updated_at: UnixMs(2),
    }
}

pub(super) async fn a_wish_counts_a_generation_up(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let made = instance("one", 0);
    registry.create_instance(&made).await.unwrap();
    let (name, id) = (&made.name, made.id);

    let after = registry
        .set_desired(name, id, Desired::Disconnected, None)
        .await
        .unwrap();
    assert!(after.updated_at > made.updated_at);
    let expected = Instance {
        desired: Desired::Disconnected,
        generation: 2,
        updated_at: after.updated_at,
        ..made.clone()
    };
    assert_eq!(after, expected);
    let after = registry
        .set_desired(name, id, Desired::Connected, Some(&Pairing::Qr))
        .await
        .unwrap();
    assert_eq!((after.generation, &after.pairing), (3, &Pairing::Qr));
    assert_eq!(registry.instance(name).await.unwrap(), Some(after));
}

pub(super) async fn a_wish_is_for_one_instance_only(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let made = instance("one", 0);
    registry.create_instance(&made).await.unwrap();
    for (name, id) in [
        (&made.name, InstanceId::random()),
        (&name("other"), made.id),
    ] {
        let wish = registry
            .set_desired(name, id, Desired::LoggedOut, None)
            .await;
        assert!(matches!(wish, Err(Error::NotFound)), "{wish:?}");
        let set = registry
            .set_webhook(name, id, &webhook("https://example.com"))
            .await;
        assert!(matches!(set, Err(Error::NotFound)), "{set:?}");
    }
    assert_eq!(registry.instance(&made.name).await.unwrap(), Some(made));
    assert_eq!(registry.instance(&name("other")).await.unwrap(), None);
}

pub(super) async fn a_webhook_is_set_and_changed(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let made = instance("one", 0);
    registry.create_instance(&made).await.unwrap();
    let plain = WebhookConfig {
        headers: None,
        ..webhook("https://example.com/2")
    };
    for wanted in [webhook("https://example.com/1"), plain] {
        registry
            .set_webhook(&made.name, made.id, &wanted)
            .await
            .unwrap();
        let row = registry.instance(&made.name).await.unwrap().unwrap();
        assert_eq!(row.webhook.as_ref(), Some(&wanted));
        assert_eq!(
            row,
            Instance {
                webhook: Some(wanted),
                updated_at: row.updated_at,
                ..made.clone()
            }
        );
    }
}

pub(super) async fn writers_do_not_undo_one_another(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let made = instance("one", 0);
    registry.create_instance(&made).await.unwrap();
    let last = webhook("https://example.com/last");
    join_all((1..=20).map(|n| {
        let (registry, made, last) = (&registry, &made, &last);
        async move {
            let wish = registry.set_desired(&made.name, made.id, Desired::LoggedOut, None);
            let set = registry.set_webhook(&made.name, made.id, last);
            let event = event(made, 1, n);
            let (wish, set, projected) = tokio::join!(wish, set, registry.project(&event));
            (wish.unwrap(), set.unwrap(), projected.unwrap())
        }
    }))
    .await;
    let row = registry.instance(&made.name).await.unwrap().unwrap();
    let expected = Instance {
        desired: Desired::LoggedOut,
        generation: 21,
        webhook: Some(last),
        observed: *event(&made, 1, 20).projection.unwrap().0,
        epoch: Epoch(1),
        seq: Seq(20),
        updated_at: row.updated_at,
        ..made
    };
    assert_eq!(row, expected);
}
