//! What operators see of the fleet, and tell it. All of it needs the global key.

mod connectors;
mod describe;
mod instances;
mod shards;

pub(super) use connectors::{drain, list as connectors};
pub(super) use describe::describe;
pub(super) use instances::{relocate, whereabouts};
pub(super) use shards::list as shards;
