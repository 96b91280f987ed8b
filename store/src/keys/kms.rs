//! The adapter for KMS: data keys wrapped by a key that never leaves AWS.
//!
//! The instance's id is the encryption context, which KMS binds to the wrapped key and writes
//! into its log. Opened keys are kept for a while, few and not for long: KMS bills each call,
//! and an instance that was deleted should not stay readable in a process that saw its key.

mod cache;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws_sdk_kms::Client;
use aws_sdk_kms::error::SdkError;
use aws_sdk_kms::operation::decrypt::DecryptError;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeySpec;
use pombal_domain::InstanceId;
use zeroize::Zeroizing;

use super::{DATA_KEY_BYTES, DataKey, Error, Keys, OpenError};
use cache::Cache;

/// The longest that KMS takes for a wrapped key.
/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html>
const MAX_WRAPPED_BYTES: usize = 6144;

/// How opened keys are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KmsOptions {
    /// At most so many; zero keeps none.
    pub kept: usize,
    /// For so long at most.
    pub kept_for: Duration,
}

impl Default for KmsOptions {
    /// 1,000 keys for five minutes.
    fn default() -> Self {
        Self {
            kept: 1000,
            kept_for: Duration::from_secs(300),
        }
    }
}

/// Wraps data keys with one key of KMS.
pub struct KmsKeys {
    client: Client,
    /// Id, ARN or alias.
    master: String,
    cache: Mutex<Cache>,
}

impl KmsKeys {
    /// Wraps with the symmetric key `master`: its id, ARN or alias.
    #[must_use]
    pub fn new(client: Client, master: &str, options: KmsOptions) -> Self {
        Self {
            client,
            master: master.to_owned(),
            cache: Mutex::new(Cache::new(options.kept, options.kept_for)),
        }
    }

    fn kept(&self, id: &cache::Id) -> Option<DataKey> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(id, Instant::now())
    }

    fn keep(&self, id: cache::Id, key: &DataKey) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.put(id, key.clone(), Instant::now());
    }
}

#[async_trait]
impl Keys for KmsKeys {
    async fn generate(&self, instance: InstanceId) -> Result<(DataKey, Vec<u8>), Error> {
        let made = self
            .client
            .generate_data_key()
            .key_id(&self.master)
            .key_spec(DataKeySpec::Aes256)
            .encryption_context(CONTEXT, instance.to_string())
            .send()
            .await
            .map_err(service)?;
        let key = data_key(made.plaintext)?;
        let wrapped = made
            .ciphertext_blob
            .ok_or_else(|| service("KMS gave no wrapped key"))?
            .into_inner();
        self.keep(cache::id(instance, &wrapped), &key);
        Ok((key, wrapped))
    }

    async fn wrap(&self, instance: InstanceId, key: &DataKey) -> Result<Vec<u8>, Error> {
        let mut bare = Zeroizing::new(Vec::with_capacity(2 * DATA_KEY_BYTES));
        bare.extend_from_slice(key.expose());
        bare.extend(key.row_key().into_iter().flatten());
        let made = self
            .client
            .encrypt()
            .key_id(&self.master)
            .plaintext(Blob::new(bare.as_slice()))
            .encryption_context(CONTEXT, instance.to_string())
            .send()
            .await
            .map_err(service)?;
        let wrapped = made
            .ciphertext_blob
            .ok_or_else(|| service("KMS gave no wrapped key"))?
            .into_inner();
        self.keep(cache::id(instance, &wrapped), key);
        Ok(wrapped)
    }

    async fn unwrap(&self, instance: InstanceId, wrapped: &[u8]) -> Result<DataKey, Error> {
        if wrapped.is_empty() || wrapped.len() > MAX_WRAPPED_BYTES {
            return Err(Error::Unwrap(OpenError));
        }
        let id = cache::id(instance, wrapped);
        if let Some(key) = self.kept(&id) {
            return Ok(key);
        }
        let opened = self
            .client
            .decrypt()
            .key_id(&self.master)
            .ciphertext_blob(Blob::new(wrapped))
            .encryption_context(CONTEXT, instance.to_string())
            .send()
            .await;
        let key = match opened {
            Ok(opened) => data_key(opened.plaintext)?,
            Err(error) if is_refused(&error) => return Err(Error::Unwrap(OpenError)),
            Err(error) => return Err(service(error)),
        };
        self.keep(id, &key);
        Ok(key)
    }
}

/// The name under which the instance's id stands in the encryption context.
const CONTEXT: &str = "pombal:instance";

fn service(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Service(source.into())
}

/// The SDK's own buffers are wiped as far as they are ours: its copy of the HTTP answer is not.
fn data_key(plaintext: Option<Blob>) -> Result<DataKey, Error> {
    let bytes = Zeroizing::new(plaintext.map(Blob::into_inner).unwrap_or_default());
    let other_length = || service("KMS gave a data key of another length");
    let (key, row_key) = bytes
        .split_first_chunk::<DATA_KEY_BYTES>()
        .ok_or_else(other_length)?;
    let key = DataKey::from_bytes(*key);
    if row_key.is_empty() {
        return Ok(key);
    }
    let row_key = row_key.try_into().map_err(|_| other_length())?;
    Ok(key.with_row_key(row_key))
}

/// Not wrapped by this key, or not for this instance, or changed since.
fn is_refused<R>(error: &SdkError<DecryptError, R>) -> bool {
    error.as_service_error().is_some_and(|error| {
        error.is_invalid_ciphertext_exception() || error.is_incorrect_key_exception()
    })
}

#[cfg(test)]
mod tests;
