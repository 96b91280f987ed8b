//! The connector from the outside.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic too")]

#[cfg(feature = "aws-conformance")]
mod aws;
mod counting;
mod fleet;
mod idle;
mod moving;
