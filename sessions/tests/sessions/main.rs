//! Tests of the session store over real object stores. No fixed sleeps.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic too")]

#[cfg(feature = "aws-conformance")]
mod aws;
mod chaos;
mod clock;
mod conformance;
mod corruption;
mod crash_points;
mod deletion;
mod durability;
mod failures;
mod faults;
mod fencing;
mod group_commit;
mod idle;
mod journal;
mod local_disk;
mod matrix;
mod moving;
mod secrecy;
mod secrecy_used;
mod support;
mod transit;
mod updates;
mod wipe;
mod writes;
