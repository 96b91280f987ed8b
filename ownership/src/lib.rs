//! Who owns which shard: the decisions, without I/O and without a clock.
//!
//! Each connector runs these functions by itself over what it read from the registry; nobody
//! coordinates. They are few and pure, so that a model can walk through everything that may
//! happen between connectors that crash, sleep, and can't reach one another.
//!
//! # The protocol
//!
//! - A connector rewrites the [`pombal_domain::Rvn`] of its row every
//!   [`LeaseTimes::renew_every`]. That is its lease.
//! - [`Observer`]: whoever sees the same `rvn` for [`LeaseTimes::expires_after`] on its own
//!   clock knows that the lease is over. No clock is ever compared with another.
//! - [`Lease`]: who could not renew gives up everything earlier than that, also when it renews
//!   later after all.
//! - [`decide`]: what to do with each shard. A shard without a live owner is taken. One whose
//!   owner lives is asked for; the owner closes it and releases it.
//! - A shard is taken in one transaction: the shard's row is as it was seen, and the `rvn` of
//!   its expired owner too. The epoch counts up. Who takes it opens it only in the [`Term`] of
//!   its lease in which it sent the taking.
//!
//! # What it needs of the registry
//!
//! Reads are consistent. A write whose answer is missing may have been done, may be done later,
//! and may be done twice. But no renewal may be done after a later one of the same connector:
//! a `rvn` that comes back looks like one that never changed.

mod lease;
#[cfg(test)]
mod model;
mod observer;
mod placement;

pub use lease::{Lease, LeaseTimes, Moment, Term};
pub use observer::Observer;
pub use placement::{Action, Held, OldOwner, Situation, decide};
