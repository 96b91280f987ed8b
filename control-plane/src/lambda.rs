//! The control plane as functions on AWS Lambda. Everything that can be made once is made
//! before the first event, and what is wrong with the environment is said there.

pub mod api;
pub mod delivery;
pub mod janitor;
mod records;
mod secrets;
mod standby;

use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pombal_store::logs;
use tokio::time::Instant;

#[cfg(not(panic = "unwind"))]
compile_error!(
    "functions are built with panic = \"unwind\": a panic then fails one request or one event, \
     which is told and logged, not the process with everything else that it is doing"
);

/// Why a function ends.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Runs a function until Lambda ends it. One that ends by itself says why, in one line.
pub async fn start(function: impl Future<Output = Result<(), Error>>) -> ExitCode {
    logs::init();
    match function.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            logs::fatal(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

/// The end of an invocation that Lambda's context tells in milliseconds since the epoch.
fn end_of(deadline_ms: u64) -> Instant {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Instant::now() + Duration::from_millis(deadline_ms).saturating_sub(now)
}
