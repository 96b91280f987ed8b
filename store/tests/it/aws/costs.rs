//! What operations cost, counted at the wire.

use std::time::Duration;

use bytes::Bytes;
use pombal_domain::{CommandId, ConnectorId, Epoch, InstanceId, Reply, ShardId};
use pombal_store::conformance::aws;
use pombal_store::media::s3::S3Media;
use pombal_store::media::{Media, MediaKey};
use pombal_store::queue::sqs::Queues;
use pombal_store::queue::{Outgoing, QueueOptions};

#[tokio::test]
async fn four_messages_cost_six_requests_of_sqs() {
    let queues = aws::queues(&aws::connect().await);
    let options = QueueOptions {
        fifo: true,
        visibility: Duration::from_secs(60),
        max_receives: None,
    };
    queues.create_if_missing("events", &options).await.unwrap();
    let clients = aws::connect().await;
    let queue = Queues::new(clients.sqs(), queues.prefix());
    let queue = queue.queue("events", &options).await.unwrap();
    for n in 0..4 {
        let message = Outgoing {
            body: format!("{n}"),
            group: Some(n.to_string()),
            dedup: Some(n.to_string()),
            delay: Duration::ZERO,
        };
        queue.send(&[message]).await.unwrap();
    }
    let got = queue.receive(10, Duration::from_secs(5)).await.unwrap();
    assert_eq!(got.len(), 4);
    let receipts: Vec<_> = got.into_iter().map(|m| m.receipt).collect();
    queue.ack(&receipts).await.unwrap();
    let requests = clients.requests();
    assert_eq!(requests.of("sqs", "SendMessageBatch"), 4);
    assert_eq!(requests.of("sqs", "ReceiveMessage"), 1);
    assert_eq!(requests.of("sqs", "DeleteMessageBatch"), 1);
    // And one to find the queue, once.
    assert_eq!(requests.of_service("sqs"), 7, "{:?}", requests.all());
}

#[tokio::test]
async fn dynamodb_tells_what_it_bills() {
    let clients = aws::connect().await;
    let registry = aws::registry(&clients).await;
    let units = clients.units();
    assert_eq!((units.read(), units.written()), (0.0, 0.0));
    let command = CommandId::random();
    let minute = Duration::from_secs(60);
    registry
        .put_reply(command, &Reply::Done, minute)
        .await
        .unwrap();
    assert_eq!((units.read(), units.written()), (0.0, 1.0));
    registry.reply(command).await.unwrap().unwrap();
    assert_eq!((units.read(), units.written()), (1.0, 1.0));
    // A transaction costs twice as much.
    let taken = registry.take_shard(ShardId(0), ConnectorId::random(), None);
    assert_eq!(taken.await.unwrap(), Epoch(1));
    assert_eq!((units.read(), units.written()), (1.0, 3.0));
}

#[tokio::test]
async fn a_medium_costs_one_request_each_way() {
    let clients = aws::connect().await;
    let media = S3Media::new(aws::bucket(&clients).await, "media");
    let requests = clients.requests();
    assert_eq!(requests.of_service("s3"), 0);
    let key = MediaKey::new(InstanceId::random(), "a").unwrap();
    media
        .put(&key, "text/plain", Bytes::from("x"))
        .await
        .unwrap();
    media.get(&key).await.unwrap().unwrap();
    // A link is only signed.
    media.link(&key, Duration::from_secs(60)).await.unwrap();
    media.delete(&key).await.unwrap();
    assert_eq!(
        // Deletions go in batches, which are POSTs.
        ["PUT", "GET", "POST"].map(|operation| requests.of("s3", operation)),
        [1, 1, 1],
        "{:?}",
        requests.all()
    );
    assert_eq!(requests.of_service("s3"), 3, "{:?}", requests.all());
}
