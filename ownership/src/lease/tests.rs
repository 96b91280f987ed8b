use std::time::Duration;

use super::*;

fn at(seconds: u64) -> Moment {
    Moment(Duration::from_secs(seconds))
}

fn lease() -> Lease {
    Lease::new(LeaseTimes::default())
}

#[test]
fn it_holds_from_the_first_renewal_to_the_fence_and_not_at_the_fence() {
    let mut lease = lease();
    assert_eq!((lease.term(at(0)), lease.fence_at()), (None, None));
    lease.renewed(at(1), at(2));
    let term = lease.term(at(2)).unwrap();
    assert!(lease.holds(term, at(9)));
    assert!(!lease.holds(term, at(10)));
    assert_eq!(lease.fence_at(), Some(at(10)));
}

#[test]
fn renewals_in_time_are_one_term() {
    let mut lease = lease();
    lease.renewed(at(0), at(1));
    let term = lease.term(at(1)).unwrap();
    lease.renewed(at(3), at(8));
    lease.renewed(at(9), at(11));
    assert!(lease.holds(term, at(17)));
}

#[test]
fn a_renewal_after_a_gap_does_not_bring_the_old_term_back() {
    let mut lease = lease();
    lease.renewed(at(0), at(0));
    let term = lease.term(at(0)).unwrap();
    // Stopped here. It goes on at 30, and renewing is the first thing that it does.
    lease.renewed(at(30), at(30));
    assert!(!lease.holds(term, at(30)));
    assert!(lease.term(at(30)).is_some_and(|next| next > term));
}

#[test]
fn a_renewal_that_began_in_time_and_is_known_too_late_does_not_bridge_the_gap() {
    let mut lease = lease();
    lease.renewed(at(0), at(0));
    let term = lease.term(at(0)).unwrap();
    lease.renewed(at(8), at(10));
    assert!(!lease.holds(term, at(10)));
    assert!(lease.term(at(10)).is_some());
}

#[test]
fn the_beginning_of_the_renewal_counts() {
    let mut lease = lease();
    lease.renewed(at(0), at(9));
    assert_eq!(lease.term(at(9)), None);
}

#[test]
fn an_old_renewal_that_is_known_late_takes_nothing_back() {
    let mut lease = lease();
    lease.renewed(at(5), at(5));
    lease.renewed(at(2), at(6));
    assert_eq!(lease.fence_at(), Some(at(14)));
}
