//! What events say of an instance.

use futures::future::join_all;
use pombal_domain::{Event, EventId, EventName, Projection};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use super::*;

/// An event whose projection says where in the stream it stands.
#[must_use]
pub fn event(instance: &Instance, epoch: u64, seq: u64) -> Event {
    Event {
        id: EventId::random(),
        instance: instance.id,
        name: instance.name.clone(),
        seq: Seq(seq),
        epoch: Epoch(epoch),
        at: UnixMs(0),
        event: EventName::ConnectionUpdate,
        data: serde_json::Value::Null,
        sender: None,
        farewell: None,
        only_to: None,
        projection: Some(Projection(Box::new(observed(
            seq,
            &format!("{epoch}.{seq}"),
        )))),
    }
}

pub(super) async fn a_projection_goes_forward_only(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let made = instance("one", 0);
    registry.create_instance(&made).await.unwrap();
    for (epoch, seq, newer) in [
        (1, 1, true),
        (1, 1, false),
        (1, 3, true),
        (1, 2, false),
        (0, 9, false),
        (2, 3, true),
        (2, 2, false),
        (1, 99, false),
        // Numbers, not texts.
        (2, 10, true),
        (2, 9, false),
        (10, 1, true),
        (9, 99, false),
        // A new epoch may begin at any seq.
        (11, 0, true),
    ] {
        let before = registry.instance(&made.name).await.unwrap().unwrap();
        let event = event(&made, epoch, seq);
        assert_eq!(
            registry.project(&event).await.unwrap(),
            newer,
            "({epoch}, {seq})"
        );
        let after = registry.instance(&made.name).await.unwrap().unwrap();
        if newer {
            assert_eq!((after.epoch, after.seq), (event.epoch, event.seq));
            assert_eq!(after.observed, *event.projection.unwrap().0);
        } else {
            assert_eq!(after, before);
        }
    }
    let silent = Event {
        projection: None,
        ..event(&made, 99, 99)
    };
    assert!(!registry.project(&silent).await.unwrap());
    let row = registry.instance(&made.name).await.unwrap().unwrap();
    assert_eq!((row.epoch, row.seq), (Epoch(11), Seq(0)));
}

pub(super) async fn a_projection_is_for_one_instance_only(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let (old, new) = (instance("one", 0), instance("one", 0));
    assert!(!registry.project(&event(&old, 1, 1)).await.unwrap());
    assert_eq!(registry.instance(&old.name).await.unwrap(), None);
    registry.create_instance(&new).await.unwrap();
    assert!(!registry.project(&event(&old, 5, 5)).await.unwrap());
    assert_eq!(registry.instance(&new.name).await.unwrap(), Some(new));
}

pub(super) async fn the_newest_of_many_projections_stays(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let made = instance("one", 0);
    registry.create_instance(&made).await.unwrap();
    for seed in 0..5 {
        let epochs = [seed * 2 + 1, seed * 2 + 2];
        let mut events: Vec<_> = epochs
            .iter()
            .flat_map(|epoch| (1..=8).map(|seq| event(&made, *epoch, seq)))
            .collect();
        events.shuffle(&mut StdRng::seed_from_u64(seed));
        let results = join_all(events.iter().map(|event| registry.project(event))).await;
        let newest = events
            .iter()
            .position(|e| (e.epoch.0, e.seq.0) == (epochs[1], 8))
            .unwrap();
        assert!(*results[newest].as_ref().unwrap());
        let row = registry.instance(&made.name).await.unwrap().unwrap();
        assert_eq!((row.epoch, row.seq), (Epoch(epochs[1]), Seq(8)));
        assert_eq!(
            row.observed,
            *event(&made, epochs[1], 8).projection.unwrap().0
        );
    }
}

pub(super) async fn what_is_shown_outside_the_stream_keeps_its_place(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let made = instance("one", 0);
    let other = instance("one", 0);
    assert!(
        !registry
            .show(&made.name, made.id, &made.observed)
            .await
            .unwrap()
    );
    registry.create_instance(&made).await.unwrap();
    assert!(registry.project(&event(&made, 3, 7)).await.unwrap());
    let shown = observed(0, "shown");
    assert!(!registry.show(&made.name, other.id, &shown).await.unwrap());
    assert!(registry.show(&made.name, made.id, &shown).await.unwrap());
    let row = registry.instance(&made.name).await.unwrap().unwrap();
    assert_eq!(
        (row.epoch, row.seq, row.observed),
        (Epoch(3), Seq(7), shown)
    );
    // The next event goes on top.
    assert!(registry.project(&event(&made, 3, 8)).await.unwrap());
}
