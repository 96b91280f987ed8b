//! Phases.

use super::*;

pub(super) async fn a_phase_tells_since_when_it_lasts(factory: &impl Factory) {
    let Made {
        registry,
        keep: _keep,
    } = factory.make().await;
    for (what, phase, now, since) in [
        ("a", "idle", 1_000, 1_000),
        ("a", "idle", 2_000, 1_000),
        // Another thing has phases of its own.
        ("b", "idle", 3_000, 3_000),
        ("a", "busy", 4_000, 4_000),
        ("a", "idle", 5_000, 5_000),
        ("a", "idle", 6_000, 5_000),
        ("b", "idle", 7_000, 3_000),
    ] {
        let noted = registry.note_phase(what, phase, UnixMs(now)).await;
        assert_eq!(noted.unwrap(), UnixMs(since), "{what} {phase} at {now}");
    }
}
