//! S3 as an object store.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsCredential, S3ConditionalPut};
use object_store::{BackoffConfig, CredentialProvider, RetryConfig};
use tokio::sync::Mutex;

use super::http::Http;
use super::{FIRST_PAUSE, TRIES};

/// Credentials are asked for anew so long before they expire.
const EARLY: Duration = Duration::from_secs(300);

/// Longest pause between two tries of one request.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// No try begins so long after the first: as long as all tries of the other services take
/// when none is answered.
const TRYING: Duration = Duration::from_secs(20);

/// The endpoint of S3 alone, before that of all services, as in every AWS SDK.
const ENDPOINT: &str = "AWS_ENDPOINT_URL_S3";

pub(super) fn open(
    config: &SdkConfig,
    http: Http,
    name: &str,
) -> object_store::Result<Arc<AmazonS3>> {
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(name)
        .with_http_connector(http)
        .with_retry(retries())
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        // A role need not have the right to tag, and nothing here has tags.
        .with_disable_tagging(true);
    if let Some(region) = config.region() {
        builder = builder.with_region(region.as_ref());
    }
    if let Some(provider) = config.credentials_provider() {
        builder = builder.with_credentials(Arc::new(Credentials::new(provider)));
    }
    // An endpoint that the program gives comes before those of the environment.
    let is_given = config.get_origin("endpoint_url").is_client_config();
    let own = std::env::var(ENDPOINT).ok().filter(|_| !is_given);
    if let Some(endpoint) = own.as_deref().or(config.endpoint_url()) {
        builder = builder
            .with_endpoint(endpoint)
            .with_allow_http(endpoint.starts_with("http://"));
    } else {
        // The style of AWS's own addresses; what stands in for S3 has the bucket in the path.
        builder = builder.with_virtual_hosted_style_request(true);
    }
    builder.build().map(Arc::new)
}

/// As many tries as with the other services. The object store's own ten would take minutes,
/// and the session database tries again above them.
fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: FIRST_PAUSE,
            max_backoff: LONGEST_PAUSE,
            base: 2.0,
        },
        max_retries: TRIES as usize - 1,
        retry_timeout: TRYING,
    }
}

/// The SDK's credentials for the object store, which asks before each request.
#[derive(Debug)]
struct Credentials {
    provider: SharedCredentialsProvider,
    /// With the moment from which on they are too old.
    held: Mutex<Option<(Arc<AwsCredential>, Option<SystemTime>)>>,
}

impl Credentials {
    fn new(provider: SharedCredentialsProvider) -> Self {
        let held = Mutex::default();
        Self { provider, held }
    }
}

#[async_trait]
impl CredentialProvider for Credentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        // Held while asking: one asks, and the others get its answer.
        let mut held = self.held.lock().await;
        if let Some((credential, old_at)) = held.as_ref()
            && old_at.is_none_or(|at| SystemTime::now() < at)
        {
            return Ok(Arc::clone(credential));
        }
        let found = self.provider.provide_credentials().await.map_err(|error| {
            object_store::Error::Unauthenticated {
                path: String::new(),
                source: error.into(),
            }
        })?;
        let credential = Arc::new(AwsCredential {
            key_id: found.access_key_id().to_owned(),
            secret_key: found.secret_access_key().to_owned(),
            token: found.session_token().map(str::to_owned),
        });
        *held = Some((Arc::clone(&credential), found.expiry().map(|at| at - EARLY)));
        Ok(credential)
    }
}
