//! Delivery, from the events queue to an endpoint.

mod flow;
mod requests;
mod retries;
pub(crate) mod rig;
mod shutdown;
