//! Waiting for conditions.

use std::time::{Duration, Instant};

/// How long a condition may take. Far beyond what it takes, so that a slow machine is no
/// failure.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Polls `probe` until it gives a value. Panics after `patience` with what was waited for.
///
/// # Panics
/// When the condition does not come true in time.
pub async fn eventually<T>(
    what: &str,
    patience: Duration,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = probe().await {
            return value;
        }
        assert!(
            start.elapsed() < patience,
            "not within {patience:?}: {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
