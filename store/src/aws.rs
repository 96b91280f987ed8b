//! Clients for AWS's services, made from the environment.
//!
//! Region, credentials and endpoints come from where every AWS SDK looks for them:
//! `AWS_REGION`, `AWS_ENDPOINT_URL`, the profile file, or the task's and the function's role.
//! One HTTP client carries all requests, and counts them.

mod bucket;
mod collisions;
mod config;
mod deployment;
mod http;
mod requests;
mod units;

#[cfg(test)]
pub(crate) mod scripted;

pub use config::{API_KEY_SECRET, AwsConfig, META_SECRET};
pub use deployment::{BODIES_ROOT, Deployment, DeploymentError, MEDIA_ROOT, SESSIONS_ROOT};
pub use requests::Requests;
pub use units::Units;

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::config::retry::RetryPartition;
use aws_smithy_async::rt::sleep::TokioSleep;
use object_store::aws::AmazonS3;

use collisions::Collisions;
use http::Http;

/// Tries of one request, the first included.
const TRIES: u32 = 4;
/// The first pause between two tries is random below this; each later one below its double.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Longest wait for one answer.
const TRY_TIMEOUT: Duration = Duration::from_secs(5);

/// AWS can't be reached like this.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No region is set.
    #[error("no AWS region is set: set AWS_REGION")]
    NoRegion,
    /// The HTTP client can't be made.
    #[error("no HTTP client")]
    Http(#[source] reqwest::Error),
    /// The bucket's settings don't fit together.
    #[error("bucket {name} can't be used")]
    Bucket {
        /// The bucket.
        name: String,
        /// Why.
        #[source]
        source: object_store::Error,
    },
}

/// What all clients share. A cheap clone.
#[derive(Clone)]
pub struct Aws {
    config: SdkConfig,
    http: Http,
    requests: Requests,
    units: Units,
    /// Names the retry quotas of these clients, unless they share those of the process.
    quota: Option<uuid::Uuid>,
}

impl Aws {
    /// Reads the environment. Asks nobody for credentials yet.
    ///
    /// # Errors
    /// [`Error::NoRegion`], [`Error::Http`].
    pub async fn from_env() -> Result<Self, Error> {
        Self::load(None).await
    }

    /// The same, but every service is at `endpoint`, whatever the environment says, and retry
    /// quotas are their own: for tests that put something between themselves and AWS.
    ///
    /// # Errors
    /// Those of [`Self::from_env`].
    #[cfg(feature = "conformance")]
    pub async fn at(endpoint: &str) -> Result<Self, Error> {
        Self::load(Some(endpoint)).await
    }

    async fn load(endpoint: Option<&str>) -> Result<Self, Error> {
        let requests = Requests::default();
        let http = Http::new(requests.clone()).map_err(Error::Http)?;
        let retries = RetryConfig::standard()
            .with_max_attempts(TRIES)
            .with_initial_backoff(FIRST_PAUSE);
        // Pinned: a later version may change timeouts and retries.
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(http.clone())
            .sleep_impl(TokioSleep::new())
            .retry_config(retries)
            .timeout_config(tries_of(TRY_TIMEOUT))
            // It takes a long poll for a request that does not get on. Silence ends by the
            // time-outs above and those of the HTTP client.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(endpoint) = endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        let config = loader.load().await;
        if config.region().is_none() {
            return Err(Error::NoRegion);
        }
        Ok(Self {
            config,
            http,
            requests,
            units: Units::default(),
            quota: endpoint.map(|_| uuid::Uuid::new_v4()),
        })
    }

    /// The requests of all clients so far, retries included: what AWS bills.
    #[must_use]
    pub fn requests(&self) -> &Requests {
        &self.requests
    }

    /// The capacity that `DynamoDB` says it has billed so far.
    #[must_use]
    pub fn units(&self) -> &Units {
        &self.units
    }

    /// What a client of any other service is made from. It has the same HTTP client below it.
    #[must_use]
    pub fn sdk_config(&self) -> &SdkConfig {
        &self.config
    }

    /// A client for `DynamoDB`.
    #[must_use]
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let mut config = aws_sdk_dynamodb::config::Builder::from(&self.config)
            .interceptor(self.units.clone())
            .retry_classifier(Collisions);
        config.set_retry_partition(self.quota("dynamodb"));
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// A client for SQS.
    #[must_use]
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        let mut config = aws_sdk_sqs::config::Builder::from(&self.config);
        config.set_retry_partition(self.quota("sqs"));
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    /// A client for KMS.
    #[must_use]
    pub fn kms(&self) -> aws_sdk_kms::Client {
        let mut config = aws_sdk_kms::config::Builder::from(&self.config);
        config.set_retry_partition(self.quota("kms"));
        aws_sdk_kms::Client::from_conf(config.build())
    }

    /// The retry quota of a service, if it is not that of the process.
    fn quota(&self, service: &str) -> Option<RetryPartition> {
        let id = self.quota?;
        Some(RetryPartition::new(format!("{service}-{id}")))
    }

    /// The bucket called `name`, with conditional writes. Whether it exists is not looked up.
    ///
    /// # Errors
    /// [`Error::Bucket`].
    pub fn bucket(&self, name: &str) -> Result<Arc<AmazonS3>, Error> {
        bucket::open(&self.config, self.http.clone(), name).map_err(|source| Error::Bucket {
            name: name.to_owned(),
            source,
        })
    }
}

fn tries_of(timeout: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(timeout)
        .build()
}
