//! The adapters on a bad day: the same services, with answers that are broken on purpose.
//!
//! Each test has a seed. `POMBAL_FAULT_SEED` runs one again, `POMBAL_FAULT_ROUNDS` runs many.

mod keys;
mod ownership;
mod queue;
mod registry;
mod retries;
mod stale;

use bad_aws::{BadAws, Fault, Happened, Rule, Service};
use pombal_store::aws::Aws;
use pombal_store::conformance::aws;

/// Everything that passes quickly.
const PASSING: [Fault; 6] = [
    Fault::Throttled,
    Fault::Failed,
    Fault::Unavailable,
    Fault::Cut,
    Fault::Lost,
    Fault::BrokenOff,
];

/// A proxy, and clients that see AWS through it.
async fn bad(seed: u64) -> (BadAws, Aws) {
    let bad = BadAws::start(&aws::endpoint(), seed).await.unwrap();
    let clients = aws::connect_at(bad.endpoint()).await;
    (bad, clients)
}

/// Every passing fault for `percent` of a hundred requests to `service`.
fn mix(bad: &BadAws, service: Service, percent: u32) -> Vec<Happened> {
    let each = PASSING.map(|fault| Rule::on(service, fault).percent(percent));
    each.into_iter().map(|rule| bad.add(rule)).collect()
}

/// Fails unless every fault has happened.
#[track_caller]
fn all_happened(faults: &[Happened]) {
    let missing: Vec<_> = faults.iter().filter(|fault| fault.count() == 0).collect();
    assert!(missing.is_empty(), "never happened: {missing:?}");
}
