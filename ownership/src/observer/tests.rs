use std::time::Duration;

use pombal_domain::time::UnixMs;
use pombal_domain::{ConnectorRow, Epoch, ShardId, ShardRow};

use super::*;

/// An observer, and the fleet of one other connector that it looks at.
struct Watch {
    observer: Observer,
    id: ConnectorId,
    row: Option<Rvn>,
    owns: bool,
}

impl Watch {
    fn new() -> Self {
        Self {
            observer: Observer::new(),
            id: ConnectorId::random(),
            row: Some(Rvn::random()),
            owns: true,
        }
    }

    /// Looks from `asked` to `answered`, in seconds. Whether the lease is over.
    fn look(&mut self, asked: u64, answered: u64) -> bool {
        let row = |rvn| ConnectorRow {
            id: self.id,
            rvn,
            accepting: true,
            drain_requested: false,
            instances: 0,
            open: 0,
            started_at: UnixMs(0),
            renewed_at: UnixMs(0),
        };
        let shard = ShardRow {
            owner: Some(self.id),
            epoch: Epoch(1),
            ..ShardRow::fresh(ShardId(0))
        };
        let fleet = Fleet {
            connectors: self.row.map(row).into_iter().collect(),
            shards: self.owns.then_some(shard).into_iter().collect(),
        };
        let at = |seconds| Moment(Duration::from_secs(seconds));
        let times = LeaseTimes::default();
        self.observer
            .observe(&times, at(asked), at(answered), &fleet);
        self.observer.expired(self.id)
    }

    /// Looks every 3 s from one time to the last before another.
    fn look_on(&mut self, from: u64, to: u64) -> bool {
        (from..to).step_by(3).any(|now| self.look(now, now))
    }

    fn renew(&mut self) {
        self.row = Some(Rvn::random());
    }
}

#[test]
fn a_lease_is_over_when_it_was_unchanged_for_all_of_its_time() {
    let mut watch = Watch::new();
    assert!(!watch.look_on(0, 12));
    assert!(watch.look(12, 12));
    assert!(watch.look(15, 15));
}

#[test]
fn a_renewal_begins_the_time_anew() {
    let mut watch = Watch::new();
    assert!(!watch.look_on(0, 12));
    watch.renew();
    assert!(!watch.look_on(12, 24));
    assert!(watch.look(24, 24));
    watch.renew();
    assert!(!watch.look(27, 27));
}

#[test]
fn the_time_goes_from_the_first_answer_to_the_last_question() {
    let mut watch = Watch::new();
    watch.look(0, 2);
    for now in [4, 7, 10] {
        watch.look(now, now);
    }
    assert!(!watch.look(13, 15));
    assert!(watch.look(16, 16));
}

#[test]
fn who_has_not_looked_for_a_while_begins_anew() {
    let mut watch = Watch::new();
    assert!(!watch.look_on(0, 12));
    // The last look was at 9. One may fail, two may not.
    let mut other = watch.observer.clone();
    assert!(watch.look(16, 16));
    std::mem::swap(&mut watch.observer, &mut other);
    assert!(!watch.look(17, 17));
    assert!(!watch.look_on(20, 29));
    assert!(watch.look(29, 29));
}

#[test]
fn a_look_that_takes_long_is_no_look() {
    let mut watch = Watch::new();
    assert!(!watch.look_on(0, 6));
    // Asked at 6; the registry was down and answered after 20 s. Others could not renew.
    assert!(!watch.look(6, 26));
    assert!(!watch.look(27, 27));
}

#[test]
fn an_owner_without_a_row_has_as_much_time_as_one_with_a_row() {
    let mut watch = Watch::new();
    watch.row = None;
    assert!(!watch.look_on(0, 12));
    assert!(watch.look(12, 12));
    // It lives after all.
    watch.renew();
    assert!(!watch.look(15, 15));
}

#[test]
fn losing_the_row_is_a_change_as_well() {
    let mut watch = Watch::new();
    assert!(!watch.look_on(0, 12));
    watch.row = None;
    assert!(!watch.look(12, 12));
}

#[test]
fn who_is_gone_from_the_fleet_is_forgotten() {
    let mut watch = Watch::new();
    assert!(!watch.look_on(0, 12));
    (watch.row, watch.owns) = (None, false);
    assert!(!watch.look(12, 12));
    watch.owns = true;
    assert!(!watch.look_on(15, 27));
    assert!(watch.look(27, 27));
}

#[test]
fn nobody_is_known_to_be_dead_before_the_first_look() {
    assert!(!Observer::default().expired(ConnectorId::random()));
}
