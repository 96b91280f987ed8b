//! A deployment of its own for each test: table, queues, key and buckets, and the environment
//! that tells functions about them.

use std::time::Duration;

use fake_lambda::Function;
use pombal_domain::{Instance, ShardId};
use pombal_store::Registry;
use pombal_store::aws::Aws;
use pombal_store::conformance::aws;
use pombal_store::keys::kms::{KmsKeys, KmsOptions};
use pombal_store::queue::sqs::Queues;
use pombal_store::queue::{QueueOptions, plan};

use crate::app::GLOBAL_KEY;

/// How long a received event stays hidden: short, so that a test sees it again.
const VISIBILITY: Duration = Duration::from_secs(5);

pub(crate) struct Deployed {
    pub(crate) aws: Aws,
    pub(crate) registry: Registry,
    pub(crate) keys: KmsKeys,
    pub(crate) queues: Queues,
    pub(crate) media_bucket: String,
    pub(crate) env: Env,
}

/// The environment of a function.
#[derive(Clone)]
pub(crate) struct Env(Vec<(&'static str, String)>);

impl Env {
    /// One that names everything. Nothing of it need exist.
    pub(crate) fn naming(table: &str, queues: &str, master: &str, bucket: &str) -> Self {
        let variables = [
            ("POMBAL_TABLE", table),
            ("POMBAL_QUEUES", queues),
            ("POMBAL_SHARDS", "1"),
            ("POMBAL_KMS_KEY", master),
            ("POMBAL_MEDIA_BUCKET", bucket),
            ("AUTHENTICATION_API_KEY", GLOBAL_KEY),
            ("SERVER_URL", "https://gateway.test"),
            ("WEBHOOK_ALLOW_PRIVATE", "true"),
        ];
        Self(
            variables
                .map(|(name, value)| (name, value.to_owned()))
                .to_vec(),
        )
    }

    /// With one variable as it is here.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.0.retain(|(known, _)| *known != name);
        self.0.push((name, value.to_owned()));
        self
    }

    /// Starts a function in it.
    pub(crate) async fn start(&self, bootstrap: &str) -> Function {
        let env = self.0.iter().map(|(name, value)| (*name, value.as_str()));
        Function::start(bootstrap, &env.collect::<Vec<_>>()).await
    }
}

impl Deployed {
    pub(crate) async fn new() -> Self {
        let aws = aws::connect().await;
        let registry = aws::registry(&aws).await;
        let made = aws::queues(&aws);
        for (name, options) in [
            (plan::commands(ShardId(0)), plan::commands_options()),
            (plan::EVENTS.to_owned(), events_options()),
            (plan::RETRIES.to_owned(), letters_options()),
            (plan::DEAD.to_owned(), plan::letters_options()),
        ] {
            made.create_if_missing(&name, &options).await.unwrap();
        }
        let master = aws.kms().create_key().send().await.unwrap();
        let master = master.key_metadata.unwrap().key_id;
        let keys = KmsKeys::new(aws.kms(), &master, KmsOptions::default());
        let media_bucket = aws::fresh("media");
        aws::make_bucket(&aws, &media_bucket).await;
        let url = queues_url(&aws, &made).await;
        let env = Env::naming(registry.table(), &url, &master, &media_bucket);
        Self {
            queues: Queues::at(aws.sqs(), &url),
            aws,
            registry,
            keys,
            media_bucket,
            env,
        }
    }

    pub(crate) async fn row(&self, name: &str) -> Instance {
        let row = self.registry.instance(&name.parse().unwrap()).await;
        row.unwrap().unwrap()
    }
}

/// As in a deployment, but for the time that a message is hidden.
pub(crate) fn events_options() -> QueueOptions {
    QueueOptions {
        visibility: VISIBILITY,
        ..plan::events_options()
    }
}

/// As in a deployment, but for the time that a message is hidden.
pub(crate) fn letters_options() -> QueueOptions {
    QueueOptions {
        visibility: VISIBILITY,
        ..plan::letters_options()
    }
}

/// The address of the queues up to their names, as the template would tell it.
async fn queues_url(aws: &Aws, queues: &Queues) -> String {
    let name = format!("{}{}", queues.prefix(), plan::RETRIES);
    let found = aws.sqs().get_queue_url().queue_name(name).send().await;
    let url = found.unwrap().queue_url.unwrap();
    url.strip_suffix(plan::RETRIES).unwrap().to_owned()
}
