//! `template.yaml`: checked, packaged, and deployed into the emulator.

mod check;
mod local;
mod sam;

pub(crate) use check::run_all as check;
pub(crate) use local::run_local;
pub(crate) use sam::print_package;
