//! The function `janitor`: housekeeping, once a minute.

use std::sync::Arc;
use std::time::Duration;

use lambda_runtime::{LambdaEvent, service_fn};
use pombal_domain::Chain;
use pombal_store::aws::Deployment;
use serde_json::{Value, json};

use super::standby::{self, Standby};
use super::{Error, end_of};
use crate::api::EventsQueue;
use crate::config;
use crate::janitor::{Janitor, Report, Unused};

/// Nothing new is begun in the last seconds.
const LAST: Duration = Duration::from_secs(10);

/// What the function does each time.
struct Chores {
    janitor: Janitor,
    /// When the fleet may be empty.
    standby: Option<Standby>,
}

/// Runs the function.
///
/// # Errors
/// When the environment can't be used, or Lambda's Runtime API fails.
pub async fn run() -> Result<(), Error> {
    let unused_after = config::delete_unused_after()?;
    let deployment = Deployment::from_env().await?;
    let unused = match unused_after {
        Some(after) => Some(Unused {
            after,
            events: EventsQueue(deployment.events().await?),
        }),
        None => None,
    };
    let retries = deployment.retries().await?;
    let bodies = retries.bodies().clone();
    let chores = &Chores {
        janitor: Janitor::new(
            deployment.registry(),
            Arc::new(deployment.media()?),
            retries,
            bodies,
            deployment.config().shards,
        )
        .deleting(unused),
        standby: Standby::from_env(&deployment)?,
    };
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        handle(chores, event.context.deadline).await
    }))
    .await
}

/// Does everything once. A task that failed makes the invocation one that failed, so that the
/// function's own alarm tells.
async fn handle(chores: &Chores, deadline_ms: u64) -> Result<Value, Error> {
    let end = end_of(deadline_ms);
    let clean = chores.janitor.run(end.checked_sub(LAST).unwrap_or(end));
    // Side by side: who wants to connect does not wait for media to be removed.
    let (report, step) = tokio::join!(clean, settle(chores.standby.as_ref()));
    tracing::info!(
        letters.count = report.letters,
        instances.unused = report.unused,
        tombstones.unburied = report.unburied,
        media.count = report.media,
        failures = report.failures,
        "cleaned up"
    );
    result(report, step)
}

/// What is done about the number of connectors; none where that is not ours.
async fn settle(standby: Option<&Standby>) -> Option<Result<&'static str, standby::Error>> {
    let step = standby?.run().await;
    if let Err(error) = &step {
        tracing::error!(error = %Chain(error), "number of connectors not settled");
    }
    Some(step)
}

fn result(
    report: Report,
    step: Option<Result<&'static str, standby::Error>>,
) -> Result<Value, Error> {
    if report.failures > 0 {
        return Err(format!("{} tasks failed", report.failures).into());
    }
    let mut told = json!({
        "letters": report.letters,
        "unused": report.unused,
        "unburied": report.unburied,
        "media": report.media,
    });
    if let Some(step) = step.transpose()? {
        told["connectors"] = step.into();
    }
    Ok(told)
}
