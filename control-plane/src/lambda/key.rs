//! The global key of a deployment.

use aws_sdk_secretsmanager::Client;
use pombal_store::aws::{API_KEY_SECRET, Deployment};
use pombal_store::env::BadVariable;

use super::Error;
use crate::config;
use crate::secret::Secret;

/// The key from the environment, else from Secrets Manager.
pub(super) async fn load(deployment: &Deployment) -> Result<Secret, Error> {
    if let Some(key) = config::api_key()? {
        return Ok(key);
    }
    let secret = deployment.config().api_key_secret()?;
    let found = Client::new(deployment.aws().sdk_config())
        .get_secret_value()
        .secret_id(secret)
        .send()
        .await?;
    let text = found
        .secret_string
        .ok_or_else(|| BadVariable::new(API_KEY_SECRET, "the secret is not a text"))?;
    Ok(config::global_key(API_KEY_SECRET, text.trim().to_owned())?)
}
