//! Turns.

use futures::future::join_all;

use super::*;

pub(super) async fn of_many_that_want_a_turn_one_takes_it(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    let (hour, start) = (Duration::from_secs(3600), UnixMs::now());
    for (now, expected) in [
        (start, 1),
        (start.plus(hour / 2), 0),
        (start.plus(hour), 1),
        (start.plus(hour + hour / 2), 0),
    ] {
        let wanted = (0..8).map(|_| registry.take_turn("a", hour, now));
        let taken = join_all(wanted).await;
        let taken = taken.into_iter().filter(|taken| *taken.as_ref().unwrap());
        assert_eq!(taken.count(), expected);
    }
    assert!(registry.take_turn("b", hour, start).await.unwrap());
}
