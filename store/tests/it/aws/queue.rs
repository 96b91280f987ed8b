//! Queues of SQS, alone and with large bodies on S3.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::types::QueueAttributeName as Name;
use pombal_store::Queue;
use pombal_store::conformance::aws;
use pombal_store::conformance::queue::{Factory, Place, run_all};
use pombal_store::queue::large::{LargeBodies, MAX_LARGE_BODY_BYTES};
use pombal_store::queue::sqs::Queues;
use pombal_store::queue::{MAX_BODY_BYTES, QueueOptions, Receipt};

/// With large bodies in a bucket, or without.
struct Sqs {
    large: bool,
}

struct Account {
    queues: Queues,
    bucket: Option<Arc<object_store::aws::AmazonS3>>,
}

#[async_trait]
impl Factory for Sqs {
    type Place = Account;

    async fn make(&self) -> Account {
        let clients = aws::connect().await;
        let bucket = match self.large {
            true => Some(aws::bucket(&clients).await),
            false => None,
        };
        Account {
            queues: aws::queues(&clients),
            bucket,
        }
    }

    fn tick(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn max_body(&self) -> usize {
        if self.large {
            MAX_LARGE_BODY_BYTES
        } else {
            MAX_BODY_BYTES
        }
    }
}

#[async_trait]
impl Place for Account {
    async fn queue(&self, name: &str, options: QueueOptions) -> Arc<dyn Queue> {
        self.queues.create_if_missing(name, &options).await.unwrap();
        let queue = self.queues.queue(name, &options).await.unwrap();
        match &self.bucket {
            Some(bucket) => Arc::new(LargeBodies::new(queue, bucket.clone(), "bodies")),
            None => queue,
        }
    }

    async fn dead_letters(&self, name: &str) -> Vec<(String, u32)> {
        let mut all = Vec::new();
        for fifo in [false, true] {
            let options = QueueOptions {
                fifo,
                visibility: Duration::from_secs(60),
                max_receives: None,
            };
            // Not there: a queue of the other kind.
            let Ok(dead) = self.queues.dead_letters(name, &options).await else {
                continue;
            };
            let got = dead.receive(10, Duration::ZERO).await.unwrap();
            // This look counts as a receive too.
            all.extend(got.iter().map(|m| (m.body.clone(), m.attempts - 1)));
            let receipts: Vec<Receipt> = got.into_iter().map(|m| m.receipt).collect();
            for receipt in receipts.iter().rev() {
                dead.release(receipt, Duration::ZERO).await.unwrap();
            }
        }
        all
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queues_conform() {
    run_all(&Sqs { large: false }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queues_conform_with_large_bodies_on_s3() {
    run_all(&Sqs { large: true }).await;
}

#[tokio::test]
async fn a_queue_is_made_with_every_setting_that_matters() {
    let clients = aws::connect().await;
    let sqs = clients.sqs();
    let name = aws::fresh("q");
    let queues = Queues::new(sqs.clone(), &name);
    let mut options = QueueOptions {
        fifo: true,
        visibility: Duration::from_millis(29_001),
        max_receives: Some(5),
    };
    queues.create_if_missing("", &options).await.unwrap();
    // Made again with other settings, it is the same queue with these.
    options.visibility = Duration::from_secs(31);
    queues.create_if_missing("", &options).await.unwrap();
    let found = sqs.get_queue_url().queue_name(format!("{name}.fifo"));
    let url = found.send().await.unwrap().queue_url.unwrap();
    let settings = sqs
        .get_queue_attributes()
        .queue_url(url)
        .attribute_names(Name::All);
    let settings = settings.send().await.unwrap().attributes.unwrap();
    for (setting, value) in [
        (Name::FifoQueue, "true"),
        (Name::DeduplicationScope, "messageGroup"),
        (Name::FifoThroughputLimit, "perMessageGroupId"),
        (Name::MaximumMessageSize, "1048576"),
        (Name::MessageRetentionPeriod, "1209600"),
        (Name::VisibilityTimeout, "31"),
        (Name::SqsManagedSseEnabled, "true"),
    ] {
        assert_eq!(settings[&setting], value, "{setting}");
    }
    let policy = &settings[&Name::RedrivePolicy];
    let policy: serde_json::Value = serde_json::from_str(policy).unwrap();
    let target = policy["deadLetterTargetArn"].as_str().unwrap();
    assert!(target.ends_with(&format!(":{name}-dlq.fifo")), "{target}");
    assert_eq!(policy["maxReceiveCount"].to_string().trim_matches('"'), "5");
}

#[tokio::test]
async fn a_queue_that_does_not_exist_is_an_error() {
    let queues = aws::queues(&aws::connect().await);
    let options = QueueOptions {
        fifo: false,
        visibility: Duration::from_secs(30),
        max_receives: None,
    };
    let missing = queues.queue("nowhere", &options).await;
    assert!(missing.is_err());
}
