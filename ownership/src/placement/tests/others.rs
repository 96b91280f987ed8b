//! Shards of nobody, of the dead, and of those who have too many.

use pombal_domain::{Rvn, ShardId};
use uuid::Uuid;

use super::fleet::{Scene, id};
use crate::placement::{Action, OldOwner};

/// The shards that are taken.
fn taken(actions: &[Action]) -> Vec<u16> {
    let taken = actions.iter().filter_map(|action| match action {
        Action::Take { seen, .. } => Some(seen.shard.0),
        _ => None,
    });
    taken.collect()
}

fn request(scene: &Scene, shard: usize) -> Action {
    let seen = scene.seen(shard);
    Action::Request { seen }
}

#[test]
fn the_first_of_a_fleet_takes_everything() {
    assert_eq!(taken(&Scene::new(1, &[0, 0, 0]).decide()), [0, 1, 2]);
}

#[test]
fn those_who_start_together_divide_without_a_word() {
    // All see the same, and what connector 1 takes it would take under every number.
    let scene = Scene::new(2, &[0, 0, 0, 0, 0]);
    assert_eq!(taken(&scene.decide()), [0, 2, 4]);
}

#[test]
fn orphans_go_to_who_has_least() {
    assert_eq!(taken(&Scene::new(2, &[2, 2, 0, 0]).decide()), [2, 3]);
    assert_eq!(
        taken(&Scene::new(2, &[1, 1, 0, 0]).decide()),
        [] as [u16; 0]
    );
}

#[test]
fn a_dead_owner_is_named_with_the_rvn_that_did_not_change() {
    let scene = Scene::new(2, &[2]).dead(2);
    let old = OldOwner::Expired {
        id: id(2),
        rvn: Some(Rvn::from_uuid(Uuid::from_u128(2))),
    };
    let seen = scene.seen(0);
    assert_eq!(scene.decide(), [Action::Take { seen, old }]);
}

#[test]
fn an_owner_without_a_row_is_as_dead() {
    let scene = Scene::new(1, &[9]);
    let old = OldOwner::Expired {
        id: id(9),
        rvn: None,
    };
    let seen = scene.seen(0);
    assert_eq!(scene.decide(), [Action::Take { seen, old }]);
}

#[test]
fn the_shards_of_two_that_died_at_once_are_divided_among_the_rest() {
    let scene = Scene::new(4, &[1, 2, 3, 4, 3, 4]).dead(3).dead(4);
    assert_eq!(taken(&scene.decide()), [2, 4]);
}

#[test]
fn nothing_is_taken_from_the_living() {
    assert_eq!(taken(&Scene::new(2, &[2, 2, 2]).decide()), [] as [u16; 0]);
}

#[test]
fn alone_nobodys_lease_is_waited_for() {
    let mut scene = Scene::new(3, &[2, 3, 0]).wanted(0, 3);
    scene.alone = true;
    assert_eq!(taken(&scene.decide()), [0, 1, 2]);
}

#[test]
fn who_waits_for_a_released_shard_gets_it_and_nobody_else() {
    let mine = Scene::new(2, &[1, 1, 0]).wanted(2, 1);
    assert_eq!(taken(&mine.decide()), [2]);
    let theirs = Scene::new(2, &[2, 2, 0]).wanted(2, 2);
    assert_eq!(taken(&theirs.decide()), [] as [u16; 0]);
    let gone = Scene::new(3, &[2, 2, 0]).wanted(2, 3).dead(3);
    assert_eq!(taken(&gone.decide()), [2]);
}

#[test]
fn who_joins_asks_for_one_shard_of_the_richest() {
    let scene = Scene::new(3, &[2, 3, 3, 3, 2]);
    assert_eq!(scene.decide(), [request(&scene, 3)]);
    let waiting = scene.wanted(3, 1);
    assert_eq!(waiting.decide(), []);
}

#[test]
fn several_who_join_at_once_do_not_ask_for_the_same() {
    let scene = Scene::new(3, &[2, 2, 2, 2]).wanted(3, 3);
    assert_eq!(scene.decide(), [request(&scene, 2)]);
}

#[test]
fn who_has_not_digested_the_last_one_asks_for_no_more() {
    let mut scene = Scene::new(2, &[2, 2, 2]);
    scene.ready = false;
    assert_eq!(scene.decide(), []);
}

#[test]
fn what_would_be_refused_is_not_asked_for() {
    // Connector 2 is about to take three more, but owns no more than we do.
    let scene = Scene::new(3, &[1, 2, 3, 3, 3]).not_accepting(3);
    let scene = scene.wanted(2, 2).wanted(3, 2).wanted(4, 2);
    assert_eq!(scene.decide(), []);
}

#[test]
fn the_shards_of_who_leaves_are_asked_for_up_to_a_fair_share() {
    let scene = Scene::new(3, &[2, 2, 1, 3]).not_accepting(2);
    // The first is ours by the order of ids, the second is for connector 3.
    assert_eq!(scene.decide(), [request(&scene, 0)]);
    let full = Scene::new(3, &[2, 1, 1]).not_accepting(2);
    assert_eq!(full.decide(), []);
}

#[test]
fn who_does_not_accept_takes_and_asks_for_nothing() {
    let unwell = Scene::new(2, &[0, 2, 2, 2]).not_accepting(1);
    assert_eq!(unwell.decide(), []);
    let draining = Scene::new(2, &[0, 2, 2, 2]).draining();
    assert_eq!(draining.decide(), []);
}

#[test]
fn shards_beyond_the_number_are_not_looked_at() {
    let mut scene = Scene::new(1, &[0, 0]);
    scene.fleet.shards[1].shard = ShardId(7);
    assert_eq!(taken(&scene.decide()), [0, 1]);
}
