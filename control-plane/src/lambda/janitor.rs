//! The function `janitor`: housekeeping, once a minute.

use std::sync::Arc;
use std::time::Duration;

use lambda_runtime::{LambdaEvent, service_fn};
use pombal_store::aws::Deployment;
use serde_json::{Value, json};

use super::{Error, end_of};
use crate::janitor::Janitor;

/// Nothing new is begun in the last seconds.
const LAST: Duration = Duration::from_secs(10);

/// Runs the function.
///
/// # Errors
/// When the environment can't be used, or Lambda's Runtime API fails.
pub async fn run() -> Result<(), Error> {
    let deployment = Deployment::from_env().await?;
    let retries = deployment.retries().await?;
    let bodies = retries.bodies().clone();
    let janitor = Janitor::new(
        deployment.registry(),
        Arc::new(deployment.media()?),
        retries,
        bodies,
        deployment.config().shards,
    );
    let janitor = &janitor;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        handle(janitor, event.context.deadline).await
    }))
    .await
}

/// Cleans up once. A task that failed makes the invocation one that failed, so that the
/// function's own alarm tells.
async fn handle(janitor: &Janitor, deadline_ms: u64) -> Result<Value, Error> {
    let end = end_of(deadline_ms);
    let report = janitor.run(end.checked_sub(LAST).unwrap_or(end)).await;
    tracing::info!(
        letters.count = report.letters,
        tombstones.unburied = report.unburied,
        media.count = report.media,
        failures = report.failures,
        "cleaned up"
    );
    if report.failures > 0 {
        return Err(format!("{} tasks failed", report.failures).into());
    }
    Ok(json!({
        "letters": report.letters,
        "unburied": report.unburied,
        "media": report.media,
    }))
}
