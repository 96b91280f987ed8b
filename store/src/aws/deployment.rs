//! The seams of one deployment on AWS, made from the environment: the same for every role.

use std::collections::BTreeMap;
use std::sync::Arc;

use object_store::aws::AmazonS3;
use pombal_domain::ShardId;

use super::{Aws, AwsConfig};
use crate::env::BadVariable;
use crate::keys::kms::{KmsKeys, KmsOptions};
use crate::media::s3::S3Media;
use crate::queue::large::LargeBodies;
use crate::queue::sqs::Queues;
use crate::queue::{self, QueueOptions, plan};
use crate::{Queue, Registry};

/// Where the session databases are in their bucket.
pub const SESSIONS_ROOT: &str = "sessions";
/// Where media are in their bucket.
pub const MEDIA_ROOT: &str = "media";
/// Where bodies too large for queues are in the bucket of media.
pub const BODIES_ROOT: &str = "bodies";

/// A role can't be put together.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    /// A variable.
    #[error("the environment can't be used")]
    Variable(#[from] BadVariable),
    /// The clients.
    #[error("AWS can't be used")]
    Aws(#[from] super::Error),
    /// A queue.
    #[error("a queue can't be used")]
    Queue(#[from] queue::Error),
}

/// One deployment on AWS. Nothing is asked of AWS by making it or its parts. A cheap clone.
#[derive(Clone)]
pub struct Deployment {
    aws: Aws,
    config: AwsConfig,
}

impl Deployment {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`DeploymentError::Variable`], [`DeploymentError::Aws`].
    pub async fn from_env() -> Result<Self, DeploymentError> {
        let config = AwsConfig::from_env()?;
        let aws = Aws::from_env().await?;
        Ok(Self { aws, config })
    }

    /// The clients.
    #[must_use]
    pub fn aws(&self) -> &Aws {
        &self.aws
    }

    /// The names of its things.
    #[must_use]
    pub fn config(&self) -> &AwsConfig {
        &self.config
    }

    /// The registry.
    #[must_use]
    pub fn registry(&self) -> Registry {
        Registry::new(self.aws.dynamodb(), &self.config.table)
    }

    /// Data keys, wrapped by the deployment's master key.
    ///
    /// # Errors
    /// [`BadVariable`] when no master key is named.
    pub fn keys(&self) -> Result<KmsKeys, BadVariable> {
        let master = self.config.kms_key()?;
        Ok(KmsKeys::new(self.aws.kms(), master, KmsOptions::default()))
    }

    /// Media.
    ///
    /// # Errors
    /// [`DeploymentError`] when no bucket is named or it can't be used.
    pub fn media(&self) -> Result<S3Media, DeploymentError> {
        Ok(S3Media::new(self.media_bucket()?, MEDIA_ROOT))
    }

    /// The bucket of media and of large bodies.
    ///
    /// # Errors
    /// [`DeploymentError`] when no bucket is named or it can't be used.
    pub fn media_bucket(&self) -> Result<Arc<AmazonS3>, DeploymentError> {
        Ok(self.aws.bucket(self.config.media_bucket()?)?)
    }

    /// The bucket of the session databases, which are below [`SESSIONS_ROOT`].
    ///
    /// # Errors
    /// [`DeploymentError`] when no bucket is named or it can't be used.
    pub fn sessions(&self) -> Result<Arc<AmazonS3>, DeploymentError> {
        Ok(self.aws.bucket(self.config.sessions_bucket()?)?)
    }

    /// The command queue of each shard.
    ///
    /// # Errors
    /// [`DeploymentError`].
    pub async fn commands(&self) -> Result<BTreeMap<ShardId, Arc<dyn Queue>>, DeploymentError> {
        let options = plan::commands_options();
        let post = self.post()?;
        let mut queues: BTreeMap<ShardId, Arc<dyn Queue>> = BTreeMap::new();
        for shard in (0..self.config.shards).map(ShardId) {
            let queue = post.queue(&plan::commands(shard), &options).await?;
            queues.insert(shard, queue);
        }
        Ok(queues)
    }

    /// The events queue.
    ///
    /// # Errors
    /// [`DeploymentError`].
    pub async fn events(&self) -> Result<Arc<LargeBodies>, DeploymentError> {
        self.post()?
            .queue(plan::EVENTS, &plan::events_options())
            .await
    }

    /// The queue of events that wait for their next attempt.
    ///
    /// # Errors
    /// [`DeploymentError`].
    pub async fn retries(&self) -> Result<Arc<LargeBodies>, DeploymentError> {
        let options = plan::letters_options();
        self.post()?.queue(plan::RETRIES, &options).await
    }

    /// The queue of events that were given up.
    ///
    /// # Errors
    /// [`DeploymentError`].
    pub async fn dead(&self) -> Result<Arc<LargeBodies>, DeploymentError> {
        let options = plan::letters_options();
        self.post()?.queue(plan::DEAD, &options).await
    }

    fn post(&self) -> Result<Post, DeploymentError> {
        Ok(Post {
            queues: Queues::at(self.aws.sqs(), &self.config.queues),
            bucket: self.media_bucket()?,
        })
    }
}

/// The clients of any number of queues. Bodies too large for a queue go to the bucket: sender
/// and receiver have to agree on that, so there is no other way to a queue here.
struct Post {
    queues: Queues,
    bucket: Arc<AmazonS3>,
}

impl Post {
    async fn queue(
        &self,
        name: &str,
        options: &QueueOptions,
    ) -> Result<Arc<LargeBodies>, DeploymentError> {
        let queue = self.queues.queue(name, options).await?;
        let bucket = Arc::clone(&self.bucket);
        Ok(Arc::new(LargeBodies::new(queue, bucket, BODIES_ROOT)))
    }
}
