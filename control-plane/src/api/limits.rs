//! What callers may have at most. Nobody is limited unless the operator says so.

use std::time::Duration;

use pombal_domain::time::UnixMs;

use super::error::ApiError;
use super::state::ApiState;

/// Uses of a key are counted by the minute of the clock.
const WINDOW: Duration = Duration::from_secs(60);
/// What the global key is counted under. No hash looks like that.
const GLOBAL: &str = "global";

/// A key that was found to be good.
pub(super) enum Key<'a> {
    Global,
    /// A token, by its hash.
    Token(&'a str),
}

/// Counts a request with a good key. Keys that open nothing are refused before they cost a
/// write.
///
/// # Errors
/// 429 when the key was used too often in this minute.
pub(super) async fn admit(state: &ApiState, key: Key<'_>) -> Result<(), ApiError> {
    let Some(limit) = state.options().limits.requests_per_minute else {
        return Ok(());
    };
    let key = match key {
        Key::Global => GLOBAL,
        Key::Token(hash) => hash,
    };
    let now = UnixMs::now();
    let uses = state.registry().count_use(key, WINDOW, now).await?;
    if uses <= limit.get() {
        return Ok(());
    }
    Err(ApiError::too_many_requests(limit.get(), left(now)))
}

/// Whether one more instance may be created. Those that are created at the same moment don't
/// see each other.
///
/// # Errors
/// 403 when there are as many as there may be.
pub(super) async fn check_room(state: &ApiState) -> Result<(), ApiError> {
    let Some(limit) = state.options().limits.instances else {
        return Ok(());
    };
    if state.registry().count_instances().await? < limit.get() {
        return Ok(());
    }
    Err(ApiError::too_many_instances(limit.get()))
}

/// How much of the minute is left.
fn left(now: UnixMs) -> Duration {
    let seconds = WINDOW.as_secs() - now.seconds() % WINDOW.as_secs();
    Duration::from_secs(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_ends_with_the_clocks() {
        for (now_ms, seconds) in [(0, 60), (999, 60), (1_000, 59), (59_999, 1), (60_000, 60)] {
            assert_eq!(left(UnixMs(now_ms)), Duration::from_secs(seconds));
        }
    }
}
