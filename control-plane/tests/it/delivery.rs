//! Delivery, from the events queue to an endpoint.

#[cfg(feature = "aws-conformance")]
mod aws;
mod batches;
mod flow;
mod global;
mod global_failures;
mod media;
mod requests;
mod retries;
pub(crate) mod rig;
mod shutdown;
