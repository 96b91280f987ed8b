//! The rules.

mod buckets;
mod containers;
mod functions;
mod kept;
mod network;
mod policies;
mod queues;
mod roles;
mod secrets;

use crate::Templates;

/// Everything that is wrong, a line each.
#[must_use]
pub fn broken(templates: &Templates) -> Vec<String> {
    let rules = [
        buckets::check,
        containers::check,
        functions::check,
        kept::check,
        network::check,
        policies::check,
        queues::check,
        roles::check,
        secrets::check,
    ];
    rules.iter().flat_map(|rule| rule(templates)).collect()
}
