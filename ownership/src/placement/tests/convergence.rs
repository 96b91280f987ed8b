//! Without faults every fleet comes to rest in fair shares, whatever it looked like and however
//! old the views are on which its connectors act.

use std::collections::{BTreeMap, VecDeque};

use pombal_domain::{ConnectorId, ConnectorRow, Epoch, Fleet, ShardId, ShardRow};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::fleet::{Scene, id};
use crate::observer::Observer;
use crate::placement::{Action, Held, Situation, decide};

/// One connector that lives, and what it has decided and not done yet.
struct Member {
    me: ConnectorId,
    held: BTreeMap<ShardId, Held>,
    to_do: VecDeque<Action>,
    accepting: bool,
}

/// A fleet without faults. All who do not live are known to be dead from the beginning.
struct World {
    fleet: Fleet,
    observer: Observer,
    members: Vec<Member>,
    /// Changes of the registry.
    changes: usize,
}

impl World {
    /// Some live and accept shards, some live and do not, some are dead; they own shards or
    /// not, wait for some or not, and know of what they own or not.
    fn random(rng: &mut StdRng) -> Self {
        let (accepting, unwell, dead) = (
            rng.random_range(1..=4),
            rng.random_range(0..=1),
            rng.random_range(0..=2),
        );
        let all = accepting + unwell + dead;
        let owners: Vec<u128> = (0..rng.random_range(1..=12))
            .map(|_| rng.random_range(0..=all))
            .collect();
        let mut scene = Scene::new(all, &owners);
        // In any order of ids.
        let mut ids: Vec<u128> = (1..=all).collect();
        for n in (1..ids.len()).rev() {
            ids.swap(n, rng.random_range(0..=n));
        }
        let (living, gone) = ids.split_at(ids.len() - usize::try_from(dead).unwrap());
        for number in gone {
            scene = scene.dead(*number);
        }
        for shard in 0..owners.len() {
            if rng.random_bool(0.3) {
                scene = scene.wanted(shard, rng.random_range(1..=all));
            }
        }
        let mut members = Vec::new();
        for (n, number) in living.iter().enumerate() {
            let accepting = n < usize::try_from(accepting).unwrap();
            if !accepting {
                scene = scene.not_accepting(*number);
            }
            let owned = scene.owned_by(*number).into_iter();
            let held = owned
                .filter(|_| rng.random_bool(0.8))
                .map(|shard| (shard, Held::Running(Epoch(1))))
                .collect();
            members.push(Member {
                me: id(*number),
                held,
                to_do: VecDeque::new(),
                accepting,
            });
        }
        Self {
            observer: scene.observer(),
            fleet: scene.fleet,
            members,
            changes: 0,
        }
    }

    fn look(&mut self, member: usize) {
        let Self {
            fleet, observer, ..
        } = self;
        let member = &mut self.members[member];
        let actions = decide(&Situation {
            me: member.me,
            shards: u16::try_from(fleet.shards.len()).unwrap(),
            fleet,
            observer,
            held: &member.held,
            accepting: member.accepting,
            draining: false,
            hurried: false,
            ready: true,
            alone: false,
        });
        member.to_do = actions.into();
    }

    /// Does the next thing that the member has decided, if it still can be done.
    fn perform(&mut self, member: usize) {
        let member = &mut self.members[member];
        let Some(action) = member.to_do.pop_front() else {
            return;
        };
        let row = |seen: &ShardRow| {
            let now = self.fleet.shard(seen.shard);
            let same = (now.owner, now.epoch) == (seen.owner, seen.epoch);
            same.then_some(now)
        };
        let changed = match &action {
            Action::Take { seen, .. } => row(seen).map(|row| ShardRow {
                owner: Some(member.me),
                epoch: row.epoch.next(),
                wanted_by: None,
                ..row
            }),
            Action::Request { seen } | Action::Refuse { seen } => row(seen)
                .filter(|row| row.wanted_by == seen.wanted_by)
                .map(|row| ShardRow {
                    wanted_by: matches!(action, Action::Request { .. }).then_some(member.me),
                    ..row
                }),
            Action::Release { seen } => row(seen).map(|row| ShardRow { owner: None, ..row }),
            Action::HandOver { .. } | Action::Drop { .. } => None,
        };
        match &action {
            Action::HandOver { shard } => {
                let epoch = member.held[shard].epoch();
                member.held.insert(*shard, Held::Closed(epoch));
            }
            Action::Drop { shard } => {
                member.held.remove(shard);
            }
            Action::Release { seen } if changed.is_some() => {
                member.held.remove(&seen.shard);
            }
            Action::Take { .. } => {
                if let Some(row) = &changed {
                    member.held.insert(row.shard, Held::Running(row.epoch));
                }
            }
            _ => {}
        }
        if let Some(changed) = changed {
            self.changes += 1;
            let mut rows = self.fleet.shards.iter_mut();
            let row = rows.find(|row| row.shard == changed.shard);
            *row.unwrap() = changed.clone();
        }
    }

    fn loads(&self) -> Vec<usize> {
        let accepting = self.members.iter().filter(|member| member.accepting);
        let owned = |me| {
            let owned = self.fleet.shards.iter().filter(|row| row.owner == Some(me));
            owned.count()
        };
        accepting.map(|member| owned(member.me)).collect()
    }

    /// Whether every shard is owned and run by one who accepts, in fair shares.
    fn is_fair(&self) -> bool {
        let loads = self.loads();
        let held: usize = self.members.iter().map(|member| member.held.len()).sum();
        loads.iter().sum::<usize>() == self.fleet.shards.len()
            && held == self.fleet.shards.len()
            && loads.iter().max().unwrap() - loads.iter().min().unwrap() <= 1
    }

    /// Whether nobody has anything to do, after one more look of everybody.
    fn rests(&mut self) -> bool {
        (0..self.members.len()).all(|member| {
            self.look(member);
            self.members[member].to_do.is_empty()
        })
    }

    fn tell(&self) -> String {
        let rows: Vec<&ConnectorRow> = self.fleet.connectors.iter().collect();
        format!("{rows:#?}\n{:#?}", self.fleet.shards)
    }
}

/// Each shard may be dropped, taken, asked for, refused, handed over, and each of this once for
/// the wishes and owners that it had in the beginning.
fn most_changes(shards: usize) -> usize {
    8 * shards
}

#[test]
fn in_rounds() {
    for seed in 0..3000 {
        let mut world = World::random(&mut StdRng::seed_from_u64(seed));
        let shards = world.fleet.shards.len();
        let mut rounds = 0;
        while !world.rests() {
            for member in 0..world.members.len() {
                world.look(member);
                while !world.members[member].to_do.is_empty() {
                    world.perform(member);
                }
            }
            rounds += 1;
            assert!(
                rounds <= 3 * shards + 4,
                "seed {seed} does not rest\n{}",
                world.tell()
            );
        }
        assert!(world.is_fair(), "seed {seed} is not fair\n{}", world.tell());
        assert!(world.changes <= most_changes(shards), "seed {seed} churns");
    }
}

#[test]
fn on_stale_views_in_any_order() {
    for seed in 0..3000 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut world = World::random(&mut rng);
        let (shards, members) = (world.fleet.shards.len(), world.members.len());
        let mut steps = 0;
        loop {
            // One step of anybody at a time: whoever has decided acts on what was then.
            for _ in 0..20 * members {
                let member = rng.random_range(0..members);
                if world.members[member].to_do.is_empty() {
                    world.look(member);
                } else {
                    world.perform(member);
                }
            }
            let idle = world.members.iter().all(|member| member.to_do.is_empty());
            if idle && world.rests() {
                break;
            }
            steps += 1;
            assert!(
                steps <= 10 * shards + 10,
                "seed {seed} does not rest\n{}",
                world.tell()
            );
        }
        assert!(world.is_fair(), "seed {seed} is not fair\n{}", world.tell());
        let changes = world.changes;
        assert!(
            changes <= most_changes(shards),
            "seed {seed}: {changes} for {shards}"
        );
    }
}
