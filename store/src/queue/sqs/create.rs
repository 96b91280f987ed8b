//! Making queues, for tests and for installations without the template.

use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::json;

use super::{Queues, dead_name, seconds};
use crate::queue::{Error, QueueOptions, check};

/// Fourteen days, the longest that SQS keeps a message.
const RETENTION_SECONDS: u32 = 14 * 24 * 3600;
/// 1 MiB. The default was 256 KiB until August 2025, and is still that in places.
const LARGEST_MESSAGE_BYTES: u32 = 1024 * 1024;
/// The longest poll, for receivers that don't ask for a time.
const POLL_SECONDS: u32 = 20;

type Attributes = Vec<(QueueAttributeName, String)>;

impl Queues {
    /// Makes the queue called `name` and, with `max_receives` set, its dead-letter queue
    /// `<name>-dlq`; brings the settings of queues that exist in line.
    ///
    /// # Errors
    /// [`Error::Storage`]; [`Error::Invalid`] for a visibility timeout beyond
    /// [`crate::queue::MAX_VISIBILITY`].
    pub async fn create_if_missing(&self, name: &str, options: &QueueOptions) -> Result<(), Error> {
        check::visibility(options.visibility)?;
        let mut settings = settings(options);
        if let Some(limit) = options.max_receives {
            let dead = self.full_name(&dead_name(name), options.fifo);
            let url = self.create(&dead, options.fifo, settings.clone()).await?;
            let policy = json!({
                "deadLetterTargetArn": self.arn(&url).await?,
                "maxReceiveCount": limit,
            });
            settings.push((QueueAttributeName::RedrivePolicy, policy.to_string()));
        }
        let full_name = self.full_name(name, options.fifo);
        self.create(&full_name, options.fifo, settings).await?;
        Ok(())
    }

    /// Makes a queue and returns its address.
    async fn create(
        &self,
        full_name: &str,
        fifo: bool,
        settings: Attributes,
    ) -> Result<String, Error> {
        // Whether a queue is FIFO is told at its birth only.
        let kind = fifo.then(|| (QueueAttributeName::FifoQueue, "true".to_owned()));
        let attributes = settings.iter().cloned().chain(kind).collect();
        let made = self
            .client
            .create_queue()
            .queue_name(full_name)
            .set_attributes(Some(attributes))
            .send()
            .await;
        match made {
            Ok(made) => made
                .queue_url
                .ok_or_else(|| Error::storage("SQS gave no address for the queue")),
            // It is there, with other settings.
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_queue_name_exists()) =>
            {
                let url = self.url(full_name).await?;
                self.client
                    .set_queue_attributes()
                    .queue_url(&url)
                    .set_attributes(Some(settings.into_iter().collect()))
                    .send()
                    .await
                    .map_err(Error::storage)?;
                Ok(url)
            }
            Err(error) => Err(Error::storage(error)),
        }
    }

    async fn arn(&self, url: &str) -> Result<String, Error> {
        let found = self
            .client
            .get_queue_attributes()
            .queue_url(url)
            .attribute_names(QueueAttributeName::QueueArn)
            .send()
            .await
            .map_err(Error::storage)?;
        found
            .attributes
            .and_then(|mut all| all.remove(&QueueAttributeName::QueueArn))
            .ok_or_else(|| Error::storage("SQS gave no ARN for the queue"))
    }
}

/// The settings of a queue, but where its dead letters go. `template.yaml` has the same, under
/// the same names; a test compares the two.
#[must_use]
pub fn settings(options: &QueueOptions) -> Vec<(QueueAttributeName, String)> {
    use QueueAttributeName as Name;
    let mut settings = vec![
        (Name::MaximumMessageSize, LARGEST_MESSAGE_BYTES.to_string()),
        (Name::MessageRetentionPeriod, RETENTION_SECONDS.to_string()),
        (
            Name::ReceiveMessageWaitTimeSeconds,
            POLL_SECONDS.to_string(),
        ),
        (
            Name::VisibilityTimeout,
            seconds(options.visibility).to_string(),
        ),
        (Name::SqsManagedSseEnabled, "true".to_owned()),
    ];
    if options.fifo {
        // Both together make a FIFO queue one of high throughput.
        settings.extend([
            (Name::DeduplicationScope, "messageGroup".to_owned()),
            (Name::FifoThroughputLimit, "perMessageGroupId".to_owned()),
        ]);
    }
    settings
}
