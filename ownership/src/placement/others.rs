//! Shards that are not ours: what to take, and what to ask for.

use pombal_domain::{ConnectorId, ShardRow};

use super::view::{View, takeable};
use super::{Action, Situation};

pub(super) fn decide(situation: &Situation<'_>, view: &View) -> Vec<Action> {
    let me = situation.me;
    let mut actions = Vec::new();
    let mut shares = View {
        loads: view.loads.clone(),
        rows: Vec::new(),
    };
    let mut request = None;
    let strangers = || view.rows.iter().filter(|row| row.owner != Some(me));

    // Free ones first. Everybody who sees the same gives each to the same connector.
    for row in strangers() {
        let Some(old) = takeable(situation, row) else {
            continue;
        };
        if view.wanted_by(row).or_else(|| shares.give()) == Some(me) {
            let seen = row.clone();
            actions.push(Action::Take { seen, old });
        }
    }
    // Then those whose owners want to be rid of them.
    for row in strangers() {
        let leaving = takeable(situation, row).is_none() && view.home(row).is_none();
        if leaving && shares.give() == Some(me) {
            request.get_or_insert(row);
        }
    }
    let request = request.or_else(|| surplus(view, &shares, me));
    let waiting = strangers().any(|row| row.wanted_by == Some(me));
    if let Some(row) = request
        && situation.ready
        && !waiting
        && actions.is_empty()
    {
        let seen = row.clone();
        actions.push(Action::Request { seen });
    }
    actions
}

/// A shard of whoever has the most, when that is at least two more than we have. That has to be
/// so for what each owns now, too: by that the owner judges, and would refuse.
fn surplus<'a>(view: &'a View, shares: &View, me: ConnectorId) -> Option<&'a ShardRow> {
    let mine = shares.loads.get(&me)?;
    let (load, richest) = shares
        .loads
        .iter()
        .map(|(id, load)| (*load, *id))
        .filter(|(load, id)| *load >= mine + 2 && view.owned(*id) >= view.owned(me) + 2)
        .max()?;
    debug_assert!(load > 0, "nobody gives what it does not have");
    // The last one: its owner looks at them from the first.
    view.rows
        .iter()
        .rev()
        .find(|row| row.owner == Some(richest) && row.wanted_by.is_none())
}
