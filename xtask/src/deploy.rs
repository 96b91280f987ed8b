//! `template.yaml`: checked, packaged, and deployed into the emulator.

mod check;
mod local;
mod sam;

pub(crate) use check::{lint, run_all as check};
pub(crate) use local::run_local;
pub(crate) use sam::{package, print_package};
