//! What operations cost, counted at the wire.

use std::time::Duration;

use bytes::Bytes;
use pombal_costs::counts::{COMMAND_TAKEN, EVENT_BATCH, EVENTS_PER_BATCH, FLEET, RENEWAL, REPLY};
use pombal_domain::{
    CommandId, ConnectorId, Epoch, InstanceId, OldOwner, Reply, ShardId, ShardRow,
};
use pombal_store::conformance::aws;
use pombal_store::conformance::registry::beat;
use pombal_store::media::s3::S3Media;
use pombal_store::media::{Media, MediaKey};
use pombal_store::queue::sqs::Queues;
use pombal_store::queue::{Outgoing, QueueOptions};

#[tokio::test]
async fn messages_one_by_one_cost_a_request_each_and_share_two() {
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
    for n in 0..EVENTS_PER_BATCH {
        let message = Outgoing {
            body: format!("{n}"),
            group: Some(n.to_string()),
            dedup: Some(n.to_string()),
            delay: Duration::ZERO,
        };
        queue.send(&[message]).await.unwrap();
    }
    let got = queue.receive(10, Duration::from_secs(5)).await.unwrap();
    assert_eq!(got.len() as u64, EVENTS_PER_BATCH);
    let receipts: Vec<_> = got.into_iter().map(|m| m.receipt).collect();
    queue.ack(&receipts).await.unwrap();
    let requests = clients.requests();
    for (operation, count) in EVENT_BATCH.requests {
        let asked = requests.of("sqs", operation.trim_start_matches("sqs "));
        assert_eq!(asked, *count, "{operation}");
    }
    for (operation, count) in COMMAND_TAKEN.requests {
        let asked = requests.of("sqs", operation.trim_start_matches("sqs "));
        assert_eq!(asked, *count, "{operation}");
    }
    // And one to find the queue, once.
    let all = EVENT_BATCH.of("sqs") + 1;
    assert_eq!(requests.of_service("sqs"), all, "{:?}", requests.all());
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
    assert_eq!((units.read(), units.written()), (0.0, REPLY.write_units));
    let written = clients.requests().of("dynamodb", "PutItem");
    assert_eq!(REPLY.requests, [("dynamodb PutItem", written)]);
    registry.reply(command).await.unwrap().unwrap();
    assert_eq!((units.read(), units.written()), (1.0, 1.0));
    // A transaction costs twice as much.
    let fresh = ShardRow::fresh(ShardId(0));
    let taken = registry.take_shard(&fresh, ConnectorId::random(), OldOwner::None);
    assert_eq!(taken.await.unwrap(), Epoch(1));
    assert_eq!((units.read(), units.written()), (1.0, 3.0));
}

#[tokio::test]
async fn a_lease_costs_a_write_and_a_look_at_the_fleet_a_read() {
    let clients = aws::connect().await;
    let registry = aws::registry(&clients).await;
    let units = clients.units();
    let (mut read, mut written) = (0.0, 0.0);
    let mut costs = |more_read: f64, more_written: f64, what: &str| {
        read += more_read;
        written += more_written;
        assert_eq!((units.read(), units.written()), (read, written), "{what}");
    };
    let leases = [0; 12].map(|_| beat(ConnectorId::random()));
    // Once to begin it, once to renew it.
    for _ in 0..2 {
        for lease in &leases {
            registry.renew_connector(lease).await.unwrap();
            costs(0.0, RENEWAL.write_units, "a renewal");
        }
    }
    let renewals = clients.requests().of("dynamodb", "UpdateItem");
    assert_eq!(RENEWAL.requests, [("dynamodb UpdateItem", renewals / 24)]);
    for number in 0..16 {
        let fresh = ShardRow::fresh(ShardId(number));
        let owner = leases[usize::from(number) % 2].id;
        let taken = registry.take_shard(&fresh, owner, OldOwner::None);
        assert_eq!(taken.await.unwrap(), Epoch(1));
        costs(0.0, 2.0, "taking a shard that nobody had");
    }
    let fleet = registry.fleet().await.unwrap();
    assert_eq!((fleet.connectors.len(), fleet.shards.len()), (12, 16));
    costs(FLEET.read_units, 0.0, "a look at the fleet");
    let looks = clients.requests().of("dynamodb", "Query");
    assert_eq!(FLEET.requests, [("dynamodb Query", looks)]);

    let [old, _, me, ..] = &leases;
    let seen = fleet.shard(ShardId(0));
    registry.request_shard(&seen, me.id).await.unwrap();
    costs(0.0, 1.0, "a request");
    let seen = registry.shard(seen.shard).await.unwrap();
    costs(1.0, 0.0, "a look at a shard");
    registry.refuse_shard(&seen).await.unwrap();
    costs(0.0, 1.0, "a refusal");
    let (id, rvn) = (old.id, Some(old.rvn));
    let taken = registry.take_shard(&seen, me.id, OldOwner::Expired { id, rvn });
    let epoch = taken.await.unwrap();
    // <https://martinhicks.dev/articles/what-a-conditional-dynamodb-transaction-costs>: on AWS
    // a condition on another row costs what writing it would.
    costs(0.0, 4.0, "taking a shard from another");
    let released = registry.release_shard(seen.shard, me.id, epoch);
    released.await.unwrap();
    costs(0.0, 1.0, "a release");
    registry.ask_to_drain(old.id).await.unwrap();
    costs(0.0, 1.0, "asking to drain");
    registry.remove_connector(old.id).await.unwrap();
    costs(0.0, 1.0, "a removal");
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
