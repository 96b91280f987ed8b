//! What events cost on SQS, counted at the wire.
//!
//! Against AWS, or against what stands in for it: `cargo xtask aws-local`.

use pombal_costs::counts::{EVENT_BATCH, EVENTS_PER_BATCH, MAX_SQS_PER_EVENT};
use pombal_store::aws::Aws;
use pombal_store::conformance::aws;
use pombal_store::queue::plan;
use pombal_store::queue::sqs::Queues;

use super::*;

/// The events queue, with clients whose requests are those of publisher and delivery alone.
async fn events() -> (Aws, Arc<dyn Queue>) {
    let others = aws::connect().await;
    let queues = aws::queues(&others);
    let options = plan::events_options();
    let made = queues.create_if_missing(plan::EVENTS, &options);
    made.await.unwrap();
    let found = others.sqs().get_queue_url();
    let name = format!("{}{}.fifo", queues.prefix(), plan::EVENTS);
    let url = found.queue_name(name).send().await.unwrap().queue_url;
    let url = url.unwrap();
    let clients = aws::connect().await;
    let queues = Queues::at(clients.sqs(), url.strip_suffix("events.fifo").unwrap());
    let queue = queues.queue(plan::EVENTS, &options).await.unwrap();
    (clients, queue)
}

/// As the delivery's event source does it: together, up to [`EVENTS_PER_BATCH`].
async fn deliver(queue: &Arc<dyn Queue>) {
    let most = usize::try_from(EVENTS_PER_BATCH).unwrap();
    let batch = queue.receive(most, Duration::from_secs(5)).await.unwrap();
    assert_eq!(batch.len(), most);
    let receipts: Vec<Receipt> = batch.into_iter().map(|m| m.receipt).collect();
    queue.ack(&receipts).await.unwrap();
}

fn counts(clients: &Aws) -> Vec<(String, u64)> {
    let all = clients.requests().all().into_iter();
    all.map(|(service, operation, count)| (format!("{service} {operation}"), count))
        .collect()
}

#[tokio::test]
async fn events_one_by_one_cost_a_request_each_and_share_two() {
    let fixture = Fixture::new();
    let (clients, queue) = events().await;
    let (publisher, _stop) = fixture.publisher_to(queue.clone(), 1).await;
    for n in 0..EVENTS_PER_BATCH {
        let fact = fixture.fact(&n.to_string());
        publisher.publish(vec![fact]).await.unwrap();
    }
    deliver(&queue).await;
    let expected = EVENT_BATCH.requests.iter();
    let expected: Vec<_> = expected.map(|(name, n)| ((*name).to_owned(), *n)).collect();
    assert_eq!(counts(&clients), expected);
    let all = clients.requests().of_service("sqs");
    assert!(
        all <= MAX_SQS_PER_EVENT * EVENTS_PER_BATCH,
        "{all} requests"
    );
}

#[tokio::test]
async fn events_that_come_together_share_every_request() {
    let fixture = Fixture::new();
    let (clients, queue) = events().await;
    let (publisher, _stop) = fixture.publisher_to(queue.clone(), 1).await;
    let facts = (0..EVENTS_PER_BATCH).map(|n| fixture.fact(&n.to_string()));
    publisher.publish(facts.collect()).await.unwrap();
    deliver(&queue).await;
    assert_eq!(
        clients.requests().of_service("sqs"),
        3,
        "{:?}",
        counts(&clients)
    );
}
