//! A deployment of `template.yaml`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::cloudformation::CloudFormation;
use crate::process::API_KEY;
use crate::wait::eventually;

/// A stack with four shards takes about a second of an idle machine, and the emulator works on
/// one after the other.
const PATIENCE: Duration = Duration::from_secs(180);

/// A stack: functions, HTTP API, table, queues, buckets, key. No connectors: these are
/// processes that a scenario starts beside it.
///
/// Every one is created from the same packaged template (`cargo xtask test` packages it once
/// with `sam package`), under a name of its own, so that scenarios don't meet.
pub struct Stack {
    cloudformation: CloudFormation,
    name: String,
    outputs: BTreeMap<String, String>,
}

impl Stack {
    /// Creates the stack called `<what>-<random>` and waits until it stands. It has four shards,
    /// [`API_KEY`] and webhooks to private addresses, unless `parameters` say otherwise; they
    /// are those of `template.yaml`.
    ///
    /// # Panics
    /// When it can't be created.
    pub async fn create(what: &str, parameters: &[(&str, &str)]) -> Self {
        let cloudformation = CloudFormation::from_env();
        // Queues are named after it, and have 80 characters.
        let name = format!("{what}-{:08x}", rand::random::<u32>());
        let mut all = BTreeMap::from([
            ("ApiKey", API_KEY),
            ("DeletionProtection", "false"),
            ("Shards", "4"),
            ("WebhookAllowPrivate", "true"),
        ]);
        all.extend(parameters.iter().copied());
        let template = std::fs::read_to_string(packaged()).unwrap();
        cloudformation.create(&name, &template, &all).await;
        let stack = eventually(&format!("stack {name} stands"), PATIENCE, async || {
            let stack = cloudformation.describe(&name).await?;
            (!stack.status.ends_with("_IN_PROGRESS")).then_some(stack)
        })
        .await;
        assert_eq!(
            stack.status,
            "CREATE_COMPLETE",
            "{name}: {}",
            stack.reason.unwrap_or_default()
        );
        Self {
            cloudformation,
            name,
            outputs: stack.outputs,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// An output of `template.yaml`: `ApiId`, `TableName`, `QueuesUrl`, …
    ///
    /// # Panics
    /// When there is no such output.
    #[must_use]
    pub fn output(&self, name: &str) -> &str {
        let value = self.outputs.get(name);
        value.unwrap_or_else(|| panic!("stack {} has no output {name}", self.name))
    }

    /// Where its API is reached, for [`crate::Api::new`]. An emulator does not answer under the
    /// name that API Gateway would give it.
    #[must_use]
    pub fn api_url(&self) -> String {
        let endpoint = self.cloudformation.endpoint();
        format!(
            "{endpoint}/_aws/execute-api/{}/$default",
            self.output("ApiId")
        )
    }

    /// The environment of a connector that belongs to it, as `infra/connector.yaml` gives it.
    #[must_use]
    pub fn connector_env(&self) -> Vec<(&'static str, String)> {
        let shards = self.outputs.get("Shards").cloned();
        [
            ("POMBAL_TABLE", self.output("TableName")),
            ("POMBAL_QUEUES", self.output("QueuesUrl")),
            ("POMBAL_KMS_KEY", self.output("KmsKeyArn")),
            ("POMBAL_SESSIONS_BUCKET", self.output("SessionsBucketName")),
            ("POMBAL_MEDIA_BUCKET", self.output("MediaBucketName")),
        ]
        .into_iter()
        .map(|(name, value)| (name, value.to_owned()))
        .chain(shards.map(|shards| ("POMBAL_SHARDS", shards)))
        .collect()
    }

    /// Deletes it, and with it the warm processes of its functions. What the template retains
    /// stays: table, buckets, key.
    ///
    /// # Panics
    /// When it can't be deleted.
    pub async fn delete(self) {
        self.cloudformation.delete(&self.name).await;
        eventually(
            &format!("stack {} is gone", self.name),
            PATIENCE,
            async || {
                let stack = self.cloudformation.describe(&self.name).await;
                stack
                    .is_none_or(|stack| stack.status == "DELETE_COMPLETE")
                    .then_some(())
            },
        )
        .await;
    }
}

/// Asked for, not waited for: a scenario is over, well or badly.
impl Drop for Stack {
    fn drop(&mut self) {
        let name = self.name.clone();
        // In a thread and a runtime of its own: the test's may be ending.
        let asked = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime
                .unwrap()
                .block_on(CloudFormation::from_env().delete(&name));
        });
        // It may be gone already, and a failed test has more to say.
        let _ = asked.join();
    }
}

fn packaged() -> PathBuf {
    let path = std::env::var_os("POMBAL_PACKAGED_TEMPLATE").unwrap_or_else(|| {
        panic!("POMBAL_PACKAGED_TEMPLATE is not set: run the scenarios by `cargo xtask test`")
    });
    PathBuf::from(path)
}
