//! Delivery: from the events queue to the webhooks of instances, and the operator's (contract
//! § 3, DESIGN § 9).
//!
//! An event is `Pending`, then there is an `Attempt`, which makes it `Delivered`, `Failed`
//! until its next attempt, or `Dead`. The first attempt is made in the order of the
//! instance's events; later ones come from a queue of their own, so that a dead endpoint
//! holds up neither its instance nor anybody else's. Each sink that wants an event has its own
//! attempts.

mod deadline;
mod envelope;
mod error;
mod failure;
mod fan_out;
mod global;
mod handle;
mod handler;
mod intake;
mod jwt;
mod letters;
mod options;
mod pipeline;
mod schedule;
mod service;
mod shelf;
mod sink;
mod stages;
mod stalled;
mod target;
mod tokens;
mod waiting;
mod work;

pub use error::Error;
pub use global::{GlobalSink, GlobalWebhook};
pub use handle::{Counts, DeliveryHandle};
pub use handler::{DeliveryHandler, HandlerQueues};
pub use letters::{DeadLetter, RetryLetter};
pub use options::DeliveryOptions;
pub use schedule::Schedule;
pub use service::{DeliveryQueues, DeliveryService};
pub use shelf::Shelf;
pub use sink::Sink;
pub use work::Work;

pub(crate) use waiting::Waiting;
