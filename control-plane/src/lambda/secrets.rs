//! What a deployment keeps in Secrets Manager.

use aws_sdk_secretsmanager::Client;
use pombal_store::aws::{API_KEY_SECRET, Deployment, META_SECRET};
use pombal_store::env::BadVariable;
use zeroize::Zeroizing;

use super::Error;
use crate::business::BusinessConfig;
use crate::config;
use crate::secret::Secret;

/// The secrets of a deployment.
pub(super) struct Secrets<'d> {
    deployment: &'d Deployment,
    client: Client,
}

impl<'d> Secrets<'d> {
    /// Those of `deployment`. Nothing is read yet.
    pub(super) fn of(deployment: &'d Deployment) -> Self {
        let client = Client::new(deployment.aws().sdk_config());
        Self { deployment, client }
    }

    /// The global key: from the environment, else from its secret.
    pub(super) async fn global_key(&self) -> Result<Secret, Error> {
        if let Some(key) = config::api_key()? {
            return Ok(key);
        }
        let id = self.deployment.config().api_key_secret()?;
        let text = self.text(API_KEY_SECRET, id).await?;
        Ok(config::global_key(API_KEY_SECRET, text.trim().to_owned())?)
    }

    /// `config` with what its secret holds, if there is one.
    pub(super) async fn complete(&self, config: BusinessConfig) -> Result<BusinessConfig, Error> {
        let Some(id) = self.deployment.config().meta_secret() else {
            return Ok(config);
        };
        let text = self.text(META_SECRET, id).await?;
        Ok(config.with_kept(META_SECRET, &text)?)
    }

    /// The text of the secret `id`, which `variable` names.
    async fn text(&self, variable: &'static str, id: &str) -> Result<Zeroizing<String>, Error> {
        let found = self.client.get_secret_value().secret_id(id).send().await?;
        let text = found.secret_string.map(Zeroizing::new);
        Ok(text.ok_or_else(|| BadVariable::new(variable, "the secret is not a text"))?)
    }
}
