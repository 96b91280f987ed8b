//! The AWS adapters against AWS, or against what stands in for it: `cargo xtask aws-local`.

mod costs;
mod faults;
mod keys;
mod media;
mod queue;
mod registry;
