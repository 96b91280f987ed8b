//! AWS on a bad day: a proxy on the loopback that passes requests on to an AWS endpoint (or to
//! what stands in for it) and breaks answers by rules.
//!
//! A client uses it by taking [`BadAws::endpoint`] for `AWS_ENDPOINT_URL`. Without rules it
//! changes nothing. [`Rule`]s are added and taken away while it runs; each counts what it did,
//! so that a test can tell that its faults really happened. Chance is seeded, but the order in
//! which requests come is not: a seed gives the same faults to the same order of requests.
//!
//! What it does is what AWS's documentation says may happen, in each service's own words. It
//! knows the JSON protocols (`DynamoDB`, SQS, KMS), SQS's older query protocol, and S3.
//!
//! Signatures cover a request as it came. Faults that ask AWS for more than the client did
//! ([`Fault::Expired`], [`Fault::Partial`]) need a stand-in that does not check them.

mod answer;
mod batch;
mod call;
mod fault;
mod harm;
mod log;
mod proxy;
mod receives;
mod rule;
mod seeds;
mod shapes;
mod stale;
mod upstream;

pub use call::Service;
pub use fault::Fault;
pub use log::{Entry, Log};
pub use proxy::BadAws;
pub use rule::{Happened, Rule};
pub use seeds::{Told, seeds};
