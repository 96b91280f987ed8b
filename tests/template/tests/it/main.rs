//! The templates keep the rules, and say what the code says.

#![expect(clippy::unwrap_used, reason = "a failure is a failed test")]

mod container;
mod environment;
mod policy;
mod queues;
mod sources;
mod standby;
mod truth;
