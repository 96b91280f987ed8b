//! What the environment of every role on AWS says about its deployment.

use crate::env::{self, BadVariable};

/// The names of a deployment's things. What only some roles need is asked for by a method, so
/// that a role starts without what it has no right to use anyway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsConfig {
    /// `POMBAL_TABLE`: the registry's table.
    pub table: String,
    /// `POMBAL_QUEUES`: the address of each queue up to its name, such as
    /// `https://sqs.us-east-1.amazonaws.com/123456789012/pombal-`.
    pub queues: String,
    /// `POMBAL_SHARDS`: how many shards there are; 16 unless told.
    pub shards: u16,
    kms_key: Option<String>,
    sessions_bucket: Option<String>,
    media_bucket: Option<String>,
    api_key_secret: Option<String>,
    meta_secret: Option<String>,
}

const TABLE: &str = "POMBAL_TABLE";
const QUEUES: &str = "POMBAL_QUEUES";
const SHARDS: &str = "POMBAL_SHARDS";
const KMS_KEY: &str = "POMBAL_KMS_KEY";
const SESSIONS_BUCKET: &str = "POMBAL_SESSIONS_BUCKET";
const MEDIA_BUCKET: &str = "POMBAL_MEDIA_BUCKET";
/// Names the secret with the global key; used when `AUTHENTICATION_API_KEY` is not set.
pub const API_KEY_SECRET: &str = "POMBAL_API_KEY_SECRET";
/// Names the secret with what Meta's app and we share.
pub const META_SECRET: &str = "POMBAL_META_SECRET";

impl AwsConfig {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`BadVariable`] for one that every role needs and is not set, or that can't be used.
    pub fn from_env() -> Result<Self, BadVariable> {
        let queues = env::address(QUEUES)?.ok_or_else(|| BadVariable::new(QUEUES, "is not set"))?;
        Ok(Self {
            table: env::required(TABLE)?,
            queues,
            shards: env::at_least_one(SHARDS, 16)?,
            kms_key: env::text(KMS_KEY)?,
            sessions_bucket: env::text(SESSIONS_BUCKET)?,
            media_bucket: env::text(MEDIA_BUCKET)?,
            api_key_secret: env::text(API_KEY_SECRET)?,
            meta_secret: env::text(META_SECRET)?,
        })
    }

    /// `POMBAL_KMS_KEY`: id, ARN or alias of the master key.
    ///
    /// # Errors
    /// When it is not set.
    pub fn kms_key(&self) -> Result<&str, BadVariable> {
        set(self.kms_key.as_ref(), KMS_KEY)
    }

    /// `POMBAL_SESSIONS_BUCKET`: where the session databases are.
    ///
    /// # Errors
    /// When it is not set.
    pub fn sessions_bucket(&self) -> Result<&str, BadVariable> {
        set(self.sessions_bucket.as_ref(), SESSIONS_BUCKET)
    }

    /// `POMBAL_MEDIA_BUCKET`: media, and bodies too large for queues.
    ///
    /// # Errors
    /// When it is not set.
    pub fn media_bucket(&self) -> Result<&str, BadVariable> {
        set(self.media_bucket.as_ref(), MEDIA_BUCKET)
    }

    /// `POMBAL_API_KEY_SECRET`: ARN or name of the secret that holds the global key.
    ///
    /// # Errors
    /// When it is not set.
    pub fn api_key_secret(&self) -> Result<&str, BadVariable> {
        set(self.api_key_secret.as_ref(), API_KEY_SECRET)
    }

    /// `POMBAL_META_SECRET`: ARN or name of the secret that holds the app secret and the verify
    /// token of the Cloud API, if there is one.
    #[must_use]
    pub fn meta_secret(&self) -> Option<&str> {
        self.meta_secret.as_deref()
    }
}

fn set<'a>(value: Option<&'a String>, variable: &'static str) -> Result<&'a str, BadVariable> {
    value
        .map(String::as_str)
        .ok_or_else(|| BadVariable::new(variable, "is not set"))
}
