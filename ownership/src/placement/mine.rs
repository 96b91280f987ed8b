//! Shards that are ours, or were.

use pombal_domain::ShardRow;

use super::view::View;
use super::{Action, Held, OldOwner, Situation};

pub(super) fn decide(situation: &Situation<'_>, view: &View) -> Vec<Action> {
    let mut actions = Vec::new();
    // A planned handover is damped: one shard at a time.
    let mut closing = situation
        .held
        .values()
        .any(|held| !matches!(held, Held::Running(_)));
    for row in &view.rows {
        let action = one(situation, view, row, closing);
        closing |= matches!(action, Some(Action::HandOver { .. }));
        actions.extend(action);
    }
    actions
}

fn one(situation: &Situation<'_>, view: &View, row: &ShardRow, closing: bool) -> Option<Action> {
    let shard = row.shard;
    let seen = row.clone();
    let ours = row.owner == Some(situation.me);
    let Some(held) = situation.held.get(&shard) else {
        return ours.then(|| in_our_name(situation, view, seen));
    };
    if !ours || row.epoch != held.epoch() {
        return Some(Action::Drop { shard });
    }
    match held {
        Held::Closed(_) => Some(Action::Release { seen }),
        Held::Closing(_) => None,
        Held::Running(_) => match wish(situation, view, row, closing) {
            Wish::Grant => Some(Action::HandOver { shard }),
            Wish::Refuse => Some(Action::Refuse { seen }),
            Wish::Wait => None,
        },
    }
}

/// A shard that we own and do not have. Its taking was done without our knowing, or it was given
/// up after a failure.
fn in_our_name(situation: &Situation<'_>, view: &View, seen: ShardRow) -> Action {
    // Taking it would take it from who waits for it; and it has just failed with who is unwell.
    let leaves = match wish(situation, view, &seen, false) {
        Wish::Grant => true,
        Wish::Refuse | Wish::Wait => !situation.accepting && !view.loads.is_empty(),
    };
    if situation.draining || leaves {
        return Action::Release { seen };
    }
    let old = OldOwner::None;
    Action::Take { seen, old }
}

/// What becomes of a wish for a shard of ours.
enum Wish {
    Grant,
    Refuse,
    /// There is none, or it has to wait.
    Wait,
}

fn wish(situation: &Situation<'_>, view: &View, row: &ShardRow, closing: bool) -> Wish {
    // Nobody will ask, or we can't wait for it.
    if situation.draining && (situation.hurried || view.loads.is_empty()) {
        return Wish::Grant;
    }
    let Some(wanted_by) = view.wanted_by(row) else {
        return match row.wanted_by {
            Some(_) => Wish::Refuse,
            None => Wish::Wait,
        };
    };
    if !situation.accepting {
        return Wish::Grant;
    }
    // Only what really evens out: two connectors that asked at once may not both get one.
    let evens_out = view.owned(situation.me) >= view.owned(wanted_by) + 2;
    match (evens_out, closing) {
        (false, _) => Wish::Refuse,
        (true, true) => Wish::Wait,
        (true, false) => Wish::Grant,
    }
}
