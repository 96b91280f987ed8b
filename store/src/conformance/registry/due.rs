//! What is due later.

use super::*;
use crate::registry::{DUE_PARTITIONS, Due, MAX_DUE_BYTES};

/// Everything that is due by `until`, with the minutes that were read.
async fn all(registry: &Registry, until: UnixMs) -> (std::ops::RangeInclusive<u64>, Vec<Due>) {
    let minutes = registry.due_minutes(until).await.unwrap();
    let mut found = Vec::new();
    for minute in minutes.clone() {
        for partition in 0..DUE_PARTITIONS {
            found.extend(registry.due_in(minute, partition).await.unwrap());
        }
    }
    found.sort_by(|a, b| a.id.cmp(&b.id));
    (minutes, found)
}

fn in_minutes(minutes: u64) -> UnixMs {
    UnixMs::now().plus(Duration::from_secs(60 * minutes))
}

pub(super) async fn what_was_put_away_is_found_in_its_minute(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let (soon, late) = (in_minutes(3), in_minutes(7));
    let put: Vec<Due> = (0..20)
        .map(|n| Due {
            id: format!("id-{n:02}"),
            due_at: if n < 15 { soon } else { late },
            body: format!("{n} não"),
        })
        .collect();
    // Twice is once.
    for due in put.iter().chain(&put) {
        let done = registry.put_due(&due.id, due.due_at, &due.body);
        done.await.unwrap();
    }
    let (minutes, found) = all(&registry, soon).await;
    assert_eq!(found, put[..15]);
    assert_eq!(*minutes.end(), soon.seconds() / 60);
    assert_eq!(all(&registry, late).await.1, put);
    for due in &put[..15] {
        assert!(registry.is_due(due).await.unwrap());
        registry.remove_due(due).await.unwrap();
        registry.remove_due(due).await.unwrap();
        assert!(!registry.is_due(due).await.unwrap());
    }
    assert_eq!(all(&registry, late).await.1, put[15..]);
    // What should be due already comes in a minute that is still to be read.
    let before = UnixMs::now();
    registry.put_due("late", UnixMs(0), "x").await.unwrap();
    let (_, found) = all(&registry, in_minutes(2)).await;
    assert_eq!(found.len(), 1);
    assert!(found[0].due_at >= before);
}

pub(super) async fn a_minute_that_was_left_is_not_read_again(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    registry.put_due("a", in_minutes(1), "x").await.unwrap();
    let until = in_minutes(60);
    let first = *registry.due_minutes(until).await.unwrap().start();
    // Nothing is left that somebody may still write to.
    registry.leave_due(first + 30, UnixMs::now()).await.unwrap();
    let start = *registry.due_minutes(until).await.unwrap().start();
    assert_eq!(start, first);
    assert_eq!(all(&registry, in_minutes(2)).await.1.len(), 1);
    // An hour later it is.
    registry.leave_due(first + 30, until).await.unwrap();
    let start = *registry.due_minutes(until).await.unwrap().start();
    assert_eq!(start, first + 31);
    // And the mark does not go back.
    registry.leave_due(first + 3, until).await.unwrap();
    assert_eq!(*registry.due_minutes(until).await.unwrap().start(), start);
}

pub(super) async fn nothing_is_due_before_anything_was_put(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let minutes = registry.due_minutes(in_minutes(60)).await.unwrap();
    assert!(minutes.is_empty(), "{minutes:?}");
    registry.leave_due(7, UnixMs::now()).await.unwrap();
    let minutes = registry.due_minutes(in_minutes(60)).await.unwrap();
    assert!(minutes.is_empty(), "{minutes:?}");
}

pub(super) async fn a_body_too_large_for_a_row_is_refused(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let largest = "x".repeat(MAX_DUE_BYTES);
    let due_at = in_minutes(2);
    registry.put_due("a", due_at, &largest).await.unwrap();
    let refused = registry.put_due("b", due_at, &format!("{largest}x")).await;
    assert!(matches!(refused, Err(Error::Storage(_))), "{refused:?}");
    let found = all(&registry, due_at).await.1;
    assert!(found.len() == 1 && found[0].body == largest);
}
