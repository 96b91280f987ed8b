//! Counts requests as AWS bills them: each one that leaves, retries and failures included.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Method;
use http::request::Parts;

/// Requests so far, by service and operation. A cheap clone that counts in the same place.
#[derive(Debug, Clone, Default)]
pub struct Requests(Arc<Mutex<BTreeMap<Key, u64>>>);

type Key = (&'static str, String);

impl Requests {
    /// How many requests `service` (`dynamodb`, `sqs`, `kms`, `secretsmanager`, `ecs`, `s3`) had for `operation`. An
    /// operation of S3 is its class of price: `PUT`, `GET`, `HEAD`, `POST`, `LIST`, `DELETE`.
    #[must_use]
    pub fn of(&self, service: &'static str, operation: &str) -> u64 {
        let key = (service, operation.to_owned());
        self.counts().get(&key).copied().unwrap_or_default()
    }

    /// How many requests `service` had.
    #[must_use]
    pub fn of_service(&self, service: &str) -> u64 {
        self.counts()
            .iter()
            .filter(|((of, _), _)| *of == service)
            .map(|(_, count)| count)
            .sum()
    }

    /// Every count, as service, operation and number.
    #[must_use]
    pub fn all(&self) -> Vec<(&'static str, String, u64)> {
        self.counts()
            .iter()
            .map(|((service, operation), count)| (*service, operation.clone(), *count))
            .collect()
    }

    pub(super) fn count(&self, request: &Parts) {
        *self.counts().entry(key(request)).or_default() += 1;
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<Key, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Services of the JSON protocols name themselves and the operation in `x-amz-target`.
fn key(request: &Parts) -> Key {
    let target = request
        .headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok())
        .and_then(|target| target.split_once('.'));
    match target {
        Some((service, operation)) => {
            let service = match service {
                "DynamoDB_20120810" => "dynamodb",
                "AmazonSQS" => "sqs",
                "TrentService" => "kms",
                "secretsmanager" => "secretsmanager",
                "AmazonEC2ContainerServiceV20141113" => "ecs",
                _ => "other",
            };
            (service, operation.to_owned())
        }
        // The object store signs with this header; credentials are fetched without it.
        None if request.headers.contains_key("x-amz-content-sha256") => {
            ("s3", class(request).to_owned())
        }
        None => ("other", request.method.to_string()),
    }
}

/// <https://aws.amazon.com/s3/pricing/>: LIST costs what PUT costs, DELETE costs nothing.
fn class(request: &Parts) -> &str {
    let query = request.uri.query().unwrap_or_default();
    if request.method == Method::GET && query.contains("list-type=") {
        "LIST"
    } else {
        request.method.as_str()
    }
}
