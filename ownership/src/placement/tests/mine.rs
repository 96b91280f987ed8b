//! Shards of our own: given, kept, released, dropped, taken again.

use pombal_domain::{Epoch, ShardId};

use super::fleet::Scene;
use crate::placement::{Action, Held, OldOwner};

fn hand_over(shard: u16) -> Action {
    Action::HandOver {
        shard: ShardId(shard),
    }
}

#[test]
fn fair_shares_are_left_alone() {
    assert_eq!(Scene::new(2, &[1, 2, 1]).decide(), []);
    assert_eq!(Scene::new(2, &[2, 1, 2]).decide(), []);
}

#[test]
fn a_wish_that_evens_out_is_granted() {
    let scene = Scene::new(2, &[1, 1, 1]).wanted(2, 2);
    assert_eq!(scene.decide(), [hand_over(2)]);
}

#[test]
fn a_wish_that_does_not_even_out_is_refused() {
    let scene = Scene::new(2, &[1, 1, 2]).wanted(1, 2);
    let seen = scene.seen(1);
    assert_eq!(scene.decide(), [Action::Refuse { seen }]);
}

#[test]
fn wishes_of_who_can_take_nothing_are_refused() {
    let wanted = |by| Scene::new(2, &[1, 1, 1]).wanted(2, by);
    for scene in [
        wanted(2).dead(2),
        wanted(2).not_accepting(2),
        wanted(7),
        wanted(1),
    ] {
        let seen = scene.seen(2);
        assert_eq!(scene.decide(), [Action::Refuse { seen }]);
    }
}

#[test]
fn of_several_wishes_one_is_granted_at_a_time() {
    let scene = Scene::new(3, &[1, 1, 1, 1]).wanted(2, 2).wanted(3, 3);
    assert_eq!(scene.decide(), [hand_over(2)]);
    let closing = scene.held(2, Some(Held::Closing(Epoch(1))));
    assert_eq!(closing.decide(), []);
    let closed = closing.held(2, Some(Held::Closed(Epoch(1))));
    let seen = closed.seen(2);
    assert_eq!(closed.decide(), [Action::Release { seen }]);
}

#[test]
fn who_does_not_accept_grants_every_wish_and_keeps_what_nobody_wants() {
    let unwell = || Scene::new(2, &[1, 1, 2]).not_accepting(1);
    assert_eq!(unwell().decide(), []);
    assert_eq!(unwell().wanted(1, 2).decide(), [hand_over(1)]);
}

#[test]
fn who_drains_waits_to_be_asked() {
    let scene = Scene::new(2, &[1, 1]).draining();
    assert_eq!(scene.decide(), []);
    assert_eq!(scene.wanted(0, 2).decide(), [hand_over(0)]);
}

#[test]
fn who_drains_in_a_hurry_or_with_nobody_left_waits_for_nobody() {
    let mut hurried = Scene::new(2, &[1, 1]).draining();
    hurried.hurried = true;
    assert_eq!(hurried.decide(), [hand_over(0), hand_over(1)]);
    let last = Scene::new(2, &[1, 1]).draining().dead(2);
    assert_eq!(last.decide(), [hand_over(0), hand_over(1)]);
}

#[test]
fn a_shard_that_the_registry_gave_to_another_is_dropped() {
    let shard = ShardId(0);
    for held in [Held::Running, Held::Closing, Held::Closed] {
        let theirs = Scene::new(2, &[2, 1]).held(0, Some(held(Epoch(1))));
        assert_eq!(theirs.decide(), [Action::Drop { shard }]);
        let released = Scene::new(1, &[0]).held(0, Some(held(Epoch(1))));
        assert!(released.decide().contains(&Action::Drop { shard }));
        // Ours again, but by another taking than the one that opened it.
        let newer = Scene::new(1, &[1]).held(0, Some(held(Epoch(0))));
        assert_eq!(newer.decide(), [Action::Drop { shard }]);
    }
}

#[test]
fn a_taking_whose_answer_was_lost_is_taken_once_more() {
    let scene = Scene::new(2, &[1, 2]).held(0, None);
    let (seen, old) = (scene.seen(0), OldOwner::None);
    assert_eq!(scene.decide(), [Action::Take { seen, old }]);
}

#[test]
fn what_failed_is_released_to_who_waits_for_it() {
    let scene = Scene::new(2, &[1, 1, 1]).held(2, None).wanted(2, 2);
    let seen = scene.seen(2);
    assert_eq!(scene.decide(), [Action::Release { seen }]);
    // A wish that is not granted ends with the taking.
    let fair = Scene::new(2, &[1, 2]).held(0, None).wanted(0, 2);
    assert!(matches!(fair.decide()[..], [Action::Take { .. }]));
}

#[test]
fn what_failed_with_who_is_unwell_is_left_to_others_if_there_are_any() {
    let scene = Scene::new(2, &[1, 2]).held(0, None).not_accepting(1);
    let seen = scene.seen(0);
    assert_eq!(scene.decide(), [Action::Release { seen }]);
    let last = scene.not_accepting(2);
    assert!(matches!(last.decide()[..], [Action::Take { .. }]));
}

#[test]
fn who_drains_releases_what_it_took_without_knowing() {
    let scene = Scene::new(1, &[1]).held(0, None).draining();
    let seen = scene.seen(0);
    assert_eq!(scene.decide(), [Action::Release { seen }]);
}
