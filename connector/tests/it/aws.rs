//! The connector on AWS's adapters.
//!
//! Against AWS, or against what stands in for it: `cargo xtask aws-local`.

mod idle;
mod image;
mod place;
mod process;
