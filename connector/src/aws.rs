//! The outside world on AWS.

use std::sync::Arc;

use pombal_sessions::Medium;
use pombal_store::Queue;
use pombal_store::aws::{Deployment, DeploymentError, SESSIONS_ROOT};

use crate::options::Seams;

impl Seams {
    /// The seams of a deployment, for all of its shards. Asks AWS for nothing yet.
    ///
    /// Until connectors lease their shards, one connector has them all. A second one takes them
    /// away from the first, which stops when it next writes; so run one at a time.
    ///
    /// # Errors
    /// [`DeploymentError`], which names a variable that can't be used.
    pub async fn on_aws(deployment: &Deployment) -> Result<Self, DeploymentError> {
        Ok(Self {
            registry: deployment.registry(),
            keys: Arc::new(deployment.keys()?),
            sessions: deployment.sessions()?,
            sessions_root: SESSIONS_ROOT.to_owned(),
            sessions_medium: Medium::Bucket,
            events: deployment.events().await? as Arc<dyn Queue>,
            commands: deployment.commands().await?,
        })
    }
}
