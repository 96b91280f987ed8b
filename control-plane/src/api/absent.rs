//! What the original has and we don't, answered as the original answers when its operator has
//! switched it off: clients know that, the manager among them. What nobody switches off is no
//! route.

mod chatbots;
mod describe;
mod sinks;
mod unknown;

pub(super) use chatbots::{BOTS, find_bots, refuse};
pub(super) use describe::describe;
pub(super) use sinks::{SINKS, find_sink, set_sink};
pub(super) use unknown::unknown;
