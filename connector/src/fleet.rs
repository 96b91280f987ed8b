//! This connector among the others: its lease, and the shards that it keeps.
//!
//! What to do is decided by `pombal-ownership`; here it is read, done, and timed.

mod act;
mod heart;
mod keeper;
mod occupant;
mod tenants;

pub(crate) use keeper::Keeper;
