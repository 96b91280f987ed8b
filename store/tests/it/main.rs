//! Tests from the outside.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod aws;
