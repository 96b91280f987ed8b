//! The connectors' service on ECS, started and emptied as the rule says.

use std::time::Duration;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::error::SdkError;
use aws_sdk_ecs::operation::describe_services::DescribeServicesError;
use aws_sdk_ecs::operation::update_service::UpdateServiceError;
use aws_sdk_ecs::types::Service;
use pombal_domain::time::UnixMs;
use pombal_store::aws::Deployment;
use pombal_store::env::{self, BadVariable};
use pombal_store::{Registry, registry};

use crate::standby::{Needs, NeedsError, Phase, Running, Step, step};

const CLUSTER: &str = "POMBAL_ECS_CLUSTER";
const SERVICE: &str = "POMBAL_ECS_SERVICE";
const COUNT: &str = "POMBAL_ECS_COUNT";
/// What the registry calls the phases of the fleet.
const FLEET: &str = "fleet";
/// Of a service that was not deleted.
const ACTIVE: &str = "ACTIVE";

/// The number of connectors is not settled.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("it is not known whether a connector is needed")]
    Needs(#[from] NeedsError),
    #[error("registry failed")]
    Registry(#[from] registry::Error),
    #[error("service not described")]
    Describe(#[source] Box<SdkError<DescribeServicesError>>),
    #[error("service {0} is not there")]
    NoService(String),
    #[error("service not updated")]
    Update(#[source] Box<SdkError<UpdateServiceError>>),
    #[error("a connector has been needed for {0:?}, and none runs")]
    NoneRuns(Duration),
}

/// Starts and empties the fleet.
pub(super) struct Standby {
    ecs: Client,
    cluster: String,
    service: String,
    /// Connectors of a fleet that is not empty.
    least: u32,
    registry: Registry,
    needs: Needs,
}

impl Standby {
    /// Reads the environment. None: the number of connectors is not ours.
    pub(super) fn from_env(deployment: &Deployment) -> Result<Option<Self>, BadVariable> {
        let (cluster, service) = match (env::text(CLUSTER)?, env::text(SERVICE)?) {
            (Some(cluster), Some(service)) => (cluster, service),
            (None, None) => return Ok(None),
            (Some(_), None) => return Err(BadVariable::new(SERVICE, "is not set")),
            (None, Some(_)) => return Err(BadVariable::new(CLUSTER, "is not set")),
        };
        let registry = deployment.registry();
        Ok(Some(Self {
            ecs: Client::new(deployment.aws().sdk_config()),
            cluster,
            service,
            least: env::parse(COUNT, 1)?,
            needs: Needs::new(registry.clone(), deployment.config().shards),
            registry,
        }))
    }

    /// Does what is to be done, once; says what that was.
    pub(super) async fn run(&self) -> Result<&'static str, Error> {
        // In this order: what is needed only now is seen by the next one at the latest.
        let service = self.describe().await?;
        let phase = Phase::of(self.needs.any().await?, service);
        let now = UnixMs::now();
        let since = self.registry.note_phase(FLEET, phase.as_str(), now).await?;
        let lasted = now.until(since);
        match step(phase, lasted, service, self.least) {
            Step::Stay => Ok("stay"),
            Step::Start(count) => {
                self.update(count).await?;
                tracing::info!(connectors.count = count, "connectors are needed: started");
                Ok("start")
            }
            Step::Empty => {
                self.update(0).await?;
                let idle_s = lasted.as_secs();
                tracing::info!(idle_s, "nothing needs a connector: all are let go");
                Ok("empty")
            }
            Step::Report => Err(Error::NoneRuns(lasted)),
        }
    }

    async fn describe(&self) -> Result<Running, Error> {
        let found = self
            .ecs
            .describe_services()
            .cluster(&self.cluster)
            .services(&self.service)
            .send()
            .await
            .map_err(|error| Error::Describe(Box::new(error)))?;
        let mut services = found.services().iter();
        let service = services.find(|service| service.status() == Some(ACTIVE));
        service
            .map(running)
            .ok_or_else(|| Error::NoService(self.service.clone()))
    }

    async fn update(&self, count: u32) -> Result<(), Error> {
        self.ecs
            .update_service()
            .cluster(&self.cluster)
            .service(&self.service)
            .desired_count(i32::try_from(count).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| Error::Update(Box::new(error)))?;
        Ok(())
    }
}

fn running(service: &Service) -> Running {
    let count = |count: i32| u32::try_from(count).unwrap_or_default();
    Running {
        desired: count(service.desired_count()),
        running: count(service.running_count()),
    }
}
