//! Nothing: its `Cargo.toml` is what counts.
//!
//! Scenarios run three builds of the same crates: the demo's, the production's, and the tests'.
//! They are apart for what must not mix, and share everything else.
