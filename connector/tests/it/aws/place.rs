//! Everything that a connector needs on AWS, made anew.

use std::sync::Arc;

use pombal_connector::Seams;
use pombal_domain::ShardId;
use pombal_sessions::Medium;
use pombal_store::Registry;
use pombal_store::aws::Aws;
use pombal_store::conformance::aws;
use pombal_store::keys::kms::{KmsKeys, KmsOptions};
use pombal_store::queue::plan;
use pombal_store::queue::sqs::Queues;

/// A deployment that nobody else has, and its names.
pub(crate) struct Place {
    table: String,
    queues: String,
    key: String,
    sessions: String,
    media: String,
    shards: u16,
}

impl Place {
    /// Makes table, queues, buckets and key.
    pub(crate) async fn make(shards: u16) -> Self {
        let clients = aws::connect().await;
        let queues = aws::queues(&clients);
        for shard in (0..shards).map(ShardId) {
            let (name, options) = (plan::commands(shard), plan::commands_options());
            queues.create_if_missing(&name, &options).await.unwrap();
        }
        let options = plan::events_options();
        let made = queues.create_if_missing(plan::EVENTS, &options);
        made.await.unwrap();
        let found = clients.sqs().get_queue_url();
        let name = format!("{}{}.fifo", queues.prefix(), plan::EVENTS);
        let url = found.queue_name(name).send().await.unwrap().queue_url;
        let url = url.unwrap();
        let key = clients.kms().create_key().send().await.unwrap();
        let (sessions, media) = (aws::fresh("sessions"), aws::fresh("media"));
        aws::make_bucket(&clients, &sessions).await;
        aws::make_bucket(&clients, &media).await;
        Self {
            table: aws::registry(&clients).await.table().to_owned(),
            queues: url.strip_suffix("events.fifo").unwrap().to_owned(),
            key: key.key_metadata.unwrap().key_id,
            sessions,
            media,
            shards,
        }
    }

    /// As a role reads it from its environment.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("POMBAL_TABLE", self.table.clone()),
            ("POMBAL_QUEUES", self.queues.clone()),
            ("POMBAL_SHARDS", self.shards.to_string()),
            ("POMBAL_KMS_KEY", self.key.clone()),
            ("POMBAL_SESSIONS_BUCKET", self.sessions.clone()),
            ("POMBAL_MEDIA_BUCKET", self.media.clone()),
        ]
    }

    /// As a connector in this process has it, with everything counted by `clients`.
    pub(crate) async fn seams(&self, clients: &Aws) -> Seams {
        let queues = Queues::at(clients.sqs(), &self.queues);
        let mut commands = std::collections::BTreeMap::new();
        for shard in (0..self.shards).map(ShardId) {
            let options = plan::commands_options();
            let queue = queues
                .queue(&plan::commands(shard), &options)
                .await
                .unwrap();
            commands.insert(shard, queue);
        }
        let options = plan::events_options();
        let events = queues.queue(plan::EVENTS, &options).await.unwrap();
        Seams {
            registry: Registry::new(clients.dynamodb(), &self.table),
            keys: Arc::new(KmsKeys::new(
                clients.kms(),
                &self.key,
                KmsOptions::default(),
            )),
            sessions: clients.bucket(&self.sessions).unwrap(),
            sessions_root: "sessions".to_owned(),
            sessions_medium: Medium::Bucket,
            events,
            commands,
        }
    }
}
