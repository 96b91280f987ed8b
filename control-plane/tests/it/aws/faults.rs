//! The control plane on a bad day: AWS with answers that are broken on purpose.
//!
//! Each test has a seed. `POMBAL_FAULT_SEED` runs one again, `POMBAL_FAULT_ROUNDS` runs many.

mod api;
mod delivery;
mod functions;

use bad_aws::{BadAws, Fault, Happened, Rule, Service};

/// Every fault that passes quickly, for `percent` of a hundred requests to `service`.
fn mix(bad: &BadAws, service: Service, percent: u32) -> Vec<Happened> {
    let faults = [
        Fault::Throttled,
        Fault::Failed,
        Fault::Unavailable,
        Fault::Cut,
        Fault::Lost,
        Fault::BrokenOff,
    ];
    let rules = faults.map(|fault| Rule::on(service, fault).percent(percent));
    rules.into_iter().map(|rule| bad.add(rule)).collect()
}
