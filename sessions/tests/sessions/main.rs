//! Tests of the session store over real object stores. No fixed sleeps.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic too")]

#[cfg(feature = "aws-conformance")]
mod aws;
mod clock;
mod conformance;
mod durability;
mod failures;
mod fencing;
mod group_commit;
mod idle;
mod journal;
mod local_disk;
mod secrecy;
mod support;
mod updates;
mod wipe;
