//! What must hold of `template.yaml` and `infra/*.yaml`: rules that other people's linters don't
//! have, or have for other tastes.

#![expect(
    clippy::unwrap_used,
    reason = "a test kit: a failure here is a failed test"
)]

mod cloudformation;
mod resource;
mod rules;
mod templates;

pub use resource::{Resource, text};
pub use rules::broken;
pub use templates::Templates;
