//! An empty fleet: connectors end when nothing needs one, and the first wish brings one back.
//!
//! [`step`] is the rule, [`Needs`] finds out whether there is anything to do. Who can start and
//! stop connectors asks both once a minute: on AWS that is the function `janitor`.

mod needs;
mod rule;

pub use needs::{Needs, NeedsError};
pub use rule::{IDLE, LATE, Phase, Running, Step, step};
