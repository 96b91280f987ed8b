//! Where suites run against AWS, or against what stands in for it, and what they need there.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::signer::{Method, Signer};

use crate::aws::Aws;
use crate::keys::kms::{KmsKeys, KmsOptions};
use crate::queue::sqs::Queues;
use crate::registry::Registry;

/// Clients for what `AWS_ENDPOINT_URL` names, with counts of their own.
pub async fn connect() -> Aws {
    let _is_set = endpoint();
    Aws::from_env().await.unwrap()
}

/// The same for what is at `endpoint`: something between the tests and AWS.
pub async fn connect_at(endpoint: &str) -> Aws {
    Aws::at(endpoint).await.unwrap()
}

/// What `AWS_ENDPOINT_URL` names.
///
/// # Panics
/// When it is not set.
#[must_use]
pub fn endpoint() -> String {
    std::env::var("AWS_ENDPOINT_URL").unwrap_or_else(|_| {
        panic!(
            "AWS_ENDPOINT_URL is not set: run `cargo xtask aws-local`, which starts an emulator \
             and runs these tests against it"
        )
    })
}

/// A name that nothing else has: 40 characters and those of `what`.
#[must_use]
pub fn fresh(what: &str) -> String {
    format!("pombal-{what}-{}", uuid::Uuid::new_v4().simple())
}

/// An empty registry in a new table.
pub async fn registry(aws: &Aws) -> Registry {
    let registry = Registry::new(aws.dynamodb(), &fresh("registry"));
    registry.create_table_if_missing().await.unwrap();
    registry
}

/// Queues that nobody else has.
#[must_use]
pub fn queues(aws: &Aws) -> Queues {
    // Names of queues have 80 characters at most.
    let prefix = uuid::Uuid::new_v4().simple().to_string();
    Queues::new(aws.sqs(), &format!("{}-", &prefix[..12]))
}

/// A new master key.
pub async fn keys(aws: &Aws, options: KmsOptions) -> KmsKeys {
    let made = aws.kms().create_key().send().await.unwrap();
    let master = made.key_metadata.unwrap().key_id;
    KmsKeys::new(aws.kms(), &master, options)
}

/// A new, empty bucket.
pub async fn bucket(aws: &Aws) -> Arc<AmazonS3> {
    let name = fresh("bucket");
    make_bucket(aws, &name).await;
    aws.bucket(&name).unwrap()
}

/// Makes the bucket called `name`.
pub async fn make_bucket(aws: &Aws, name: &str) {
    let bucket = aws.bucket(name).unwrap();
    // `CreateBucket` is a PUT of nothing to the bucket's own address.
    let (itself, minute) = (Path::default(), Duration::from_secs(60));
    let address = bucket.signed_url(Method::PUT, &itself, minute).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let made = client.put(address.unwrap()).send().await.unwrap();
    assert!(made.status().is_success(), "{made:?}");
}
