//! Retries have an end, and no two clients make them in step.

use std::time::Duration;

use bad_aws::{BadAws, Fault, Rule, Service};
use object_store::{Error as StoreError, ObjectStoreExt, PutMode};
use pombal_domain::{CommandId, InstanceId, Reply};
use pombal_store::conformance::aws;
use pombal_store::conformance::registry::instance;
use pombal_store::keys::kms::KmsOptions;
use pombal_store::queue::sqs::Queues;
use pombal_store::queue::{self, Outgoing, QueueOptions};
use pombal_store::{Keys, Registry, keys, registry};

use super::bad;

/// Tries of one request, as `store/src/aws.rs` has them.
const TRIES: usize = 4;
/// Tries of a transaction that is cancelled, as `store/src/registry/transact.rs` has them.
const TRANSACTION_TRIES: u64 = 8;

fn one_request(bad: &BadAws, service: Service, tries: usize) {
    let log = bad.log().of(service);
    assert_eq!((log.tries().len(), log.most_tries()), (1, tries), "{log:?}");
}

#[tokio::test]
async fn the_registry_gives_up_after_four_tries() {
    for fault in [Fault::Throttled, Fault::Failed, Fault::Cut, Fault::Lost] {
        let (proxy, clients) = bad(1).await;
        let registry = Registry::new(clients.dynamodb(), "nowhere");
        let refused = proxy.add(Rule::on(Service::DynamoDb, fault));
        let minute = Duration::from_secs(60);
        let put = registry.put_reply(CommandId::random(), &Reply::Done, minute);
        let put = put.await;
        assert!(matches!(put, Err(registry::Error::Storage(_))), "{put:?}");
        assert_eq!(refused.count(), TRIES as u64);
        one_request(&proxy, Service::DynamoDb, TRIES);
    }
}

#[tokio::test]
async fn a_transaction_that_is_always_cancelled_ends() {
    let (proxy, clients) = bad(1).await;
    let registry = Registry::new(clients.dynamodb(), "nowhere");
    let rule = Rule::on(Service::DynamoDb, Fault::Conflict).operation("TransactWriteItems");
    let cancelled = proxy.add(rule);
    let made = registry.create_instance(&instance("one", 0)).await;
    assert!(matches!(made, Err(registry::Error::Storage(_))), "{made:?}");
    assert_eq!(cancelled.count(), TRANSACTION_TRIES);
}

#[tokio::test]
async fn a_queue_gives_up_after_four_tries() {
    let options = QueueOptions {
        fifo: true,
        visibility: Duration::from_secs(30),
        max_receives: None,
    };
    let queues = aws::queues(&aws::connect().await);
    queues.create_if_missing("q", &options).await.unwrap();
    for fault in [
        Fault::Throttled,
        Fault::Unavailable,
        Fault::Cut,
        Fault::Lost,
    ] {
        let (proxy, clients) = bad(1).await;
        let through = Queues::new(clients.sqs(), queues.prefix());
        let queue = through.queue("q", &options).await.unwrap();
        let rule = Rule::on(Service::Sqs, fault).operation("SendMessageBatch");
        let refused = proxy.add(rule);
        let message = Outgoing {
            body: "{}".to_owned(),
            group: Some("g".to_owned()),
            dedup: Some("d".to_owned()),
            delay: Duration::ZERO,
        };
        let sent = queue.send(&[message]).await;
        assert!(matches!(sent, Err(queue::Error::Storage(_))), "{sent:?}");
        assert_eq!(refused.count(), TRIES as u64);
        assert_eq!(proxy.log().most_tries(), TRIES);
    }
}

#[tokio::test]
async fn keys_give_up_after_four_tries() {
    for fault in [Fault::Throttled, Fault::Failed, Fault::Cut] {
        let (proxy, clients) = bad(1).await;
        let keys = aws::keys(&clients, KmsOptions::default()).await;
        let refused = proxy.add(Rule::on(Service::Kms, fault));
        let made = keys.generate(InstanceId::random()).await.map(|_| ());
        assert!(matches!(made, Err(keys::Error::Service(_))), "{made:?}");
        let opened = keys.unwrap(InstanceId::random(), b"wrapped").await;
        // The service fails; nothing is said about the key.
        let opened = opened.map(|_| ());
        assert!(matches!(opened, Err(keys::Error::Service(_))), "{opened:?}");
        assert_eq!(refused.count(), 2 * TRIES as u64);
        assert_eq!(proxy.log().most_tries(), TRIES);
    }
}

#[tokio::test]
async fn a_bucket_gives_up_after_four_tries() {
    for fault in [Fault::Throttled, Fault::Failed, Fault::Unavailable] {
        let (proxy, clients) = bad(1).await;
        let bucket = clients.bucket("nowhere").unwrap();
        let refused = proxy.add(Rule::on(Service::S3, fault));
        let at = "a".into();
        let put = bucket.put(&at, "x".into()).await;
        assert!(matches!(put, Err(StoreError::Generic { .. })), "{put:?}");
        assert_eq!(refused.count(), TRIES as u64);
        one_request(&proxy, Service::S3, TRIES);
    }
}

/// A conditional write whose fate is unknown is not repeated by the bucket: only its caller can
/// tell its own write from another's.
#[tokio::test]
async fn a_bucket_leaves_conditional_writes_to_the_caller() {
    let good = aws::connect().await;
    let name = aws::fresh("bucket");
    aws::make_bucket(&good, &name).await;
    let (proxy, clients) = bad(1).await;
    let bucket = clients.bucket(&name).unwrap();
    let at = "a".into();
    let create = async |body: &'static str| {
        let (mode, body) = (PutMode::Create.into(), body.into());
        object_store::ObjectStore::put_opts(&*bucket, &at, body, mode).await
    };
    let lost = proxy.add(Rule::on(Service::S3, Fault::Lost).operation("PUT"));
    let first = create("1").await;
    assert!(
        matches!(first, Err(StoreError::Generic { .. })),
        "{first:?}"
    );
    assert_eq!(lost.count(), 1);
    proxy.heal();
    let again = create("1").await;
    assert!(
        matches!(again, Err(StoreError::AlreadyExists { .. })),
        "{again:?}"
    );
}

/// 409 says that another request is at it, not that there is an object.
#[tokio::test]
async fn a_conflict_on_s3_is_tried_again() {
    let good = aws::connect().await;
    let name = aws::fresh("bucket");
    aws::make_bucket(&good, &name).await;
    let (proxy, clients) = bad(1).await;
    let bucket = clients.bucket(&name).unwrap();
    let at = "a".into();
    let put = async |mode: PutMode, body: &'static str| {
        object_store::ObjectStore::put_opts(&*bucket, &at, body.into(), mode.into()).await
    };
    let first = proxy.add(Rule::on(Service::S3, Fault::Conflict).times(2));
    let made = put(PutMode::Create, "1").await.unwrap();
    assert_eq!(first.count(), 2);
    let second = proxy.add(Rule::on(Service::S3, Fault::Conflict).times(2));
    put(PutMode::Update(made.clone().into()), "2")
        .await
        .unwrap();
    assert_eq!(second.count(), 2);
    // And what AWS refuses for good is refused at once.
    let late = put(PutMode::Update(made.into()), "3").await;
    assert!(
        matches!(late, Err(StoreError::Precondition { .. })),
        "{late:?}"
    );
    let there = put(PutMode::Create, "4").await;
    assert!(
        matches!(there, Err(StoreError::AlreadyExists { .. })),
        "{there:?}"
    );
    let now = bucket.get(&at).await.unwrap().bytes().await.unwrap();
    assert_eq!(now, "2");
}

/// Without luck every pause would be the longest. Below it there is luck only: a busy machine
/// makes pauses longer, never shorter.
fn luck(pauses: &[Duration], longest: Duration) {
    let below = |part: Duration| pauses.iter().filter(|pause| **pause < part).count();
    assert!(below(longest * 3 / 4) > 0, "none is short: {pauses:?}");
    assert!(
        below(longest / 4) < pauses.len(),
        "none is a pause: {pauses:?}"
    );
}

#[tokio::test]
async fn pauses_of_the_same_failure_differ() {
    const CLIENTS: usize = 16;
    let (proxy, clients) = bad(1).await;
    let registry = Registry::new(clients.dynamodb(), "nowhere");
    proxy.add(Rule::on(Service::DynamoDb, Fault::Throttled));
    let minute = Duration::from_secs(60);
    // One after the other: what they cost each other is no pause.
    for _ in 0..CLIENTS {
        let put = registry.put_reply(CommandId::random(), &Reply::Done, minute);
        put.await.unwrap_err();
    }
    let log = proxy.log();
    assert_eq!((log.tries().len(), log.most_tries()), (CLIENTS, TRIES));
    // Random below 50 ms, 100 ms, 200 ms.
    luck(&log.pauses_before(4), Duration::from_millis(200));

    let (proxy, clients) = bad(2).await;
    let bucket = clients.bucket("nowhere").unwrap();
    proxy.add(Rule::on(Service::S3, Fault::Throttled));
    for n in 0..CLIENTS {
        let at = format!("{n}").into();
        bucket.put(&at, "x".into()).await.unwrap_err();
    }
    let log = proxy.log();
    assert_eq!((log.tries().len(), log.most_tries()), (CLIENTS, TRIES));
    // From 50 ms up to twice the pause before, at most 200 ms.
    luck(&log.pauses_before(4), Duration::from_millis(200));
}
