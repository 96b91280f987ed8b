//! Every event arrives, whatever AWS does in between.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bad_aws::{BadAws, Fault, Happened, Rule, Service, Told, seeds};
use pombal_control_plane::delivery::{DeliveryQueues, DeliveryService};
use pombal_domain::{Epoch, Event, Instance, Projection, Seq};
use pombal_store::Queue;
use pombal_store::Registry;
use pombal_store::conformance::aws;
use pombal_store::keys::kms::KmsOptions;
use pombal_store::queue::QueueOptions;
use pombal_store::queue::large::Bodies;
use pombal_store::queue::sqs::Queues;

use super::mix;
use crate::app::egress;
use crate::connector::open;
use crate::delivery::rig::{Running, event, eventually, listening, message, quick};
use crate::receiver::{Behave, Hit, TestReceiver};

pub(super) const EVENTS: u64 = 12;
/// Hidden so long, when a receiver was not told what it has, or could not give it back.
const VISIBILITY: Duration = Duration::from_secs(4);

const fn options(fifo: bool) -> QueueOptions {
    QueueOptions {
        fifo,
        visibility: VISIBILITY,
        // More than a delivery that is sound needs, and not for ever.
        max_receives: Some(15),
    }
}

/// The queues of a delivery, by whoever made `queues`.
async fn of(queues: &Queues) -> DeliveryQueues {
    DeliveryQueues {
        events: queues.queue("events", &options(true)).await.unwrap(),
        retries: queues.queue("deliveries", &options(false)).await.unwrap(),
        dead: queues
            .queue("deliveries-dead", &options(false))
            .await
            .unwrap(),
        bodies: Bodies::new(aws::bucket(&aws::connect().await).await, "bodies"),
    }
}

/// Sends as a connector does: again, until it is in.
async fn publish(events: &Arc<dyn Queue>, event: &Event) {
    while events.send(&[message(event)]).await.is_err() {}
}

/// What reached an endpoint of one instance, by `seq`: the ids, and the bodies.
pub(super) fn arrived(hits: &[Hit]) -> BTreeMap<u64, BTreeSet<(String, String)>> {
    let mut all: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for hit in hits {
        let id = hit.header("webhook-id").unwrap().to_owned();
        all.entry(hit.seq())
            .or_default()
            .insert((id, hit.text.clone()));
    }
    all
}

/// The order in which events came for the first time.
pub(super) fn first_times(hits: &[Hit]) -> Vec<u64> {
    let mut seen = BTreeSet::new();
    let seqs = hits.iter().map(Hit::seq);
    seqs.filter(|seq| seen.insert(*seq)).collect()
}

/// Every event of this instance, some of which change its row.
pub(super) fn events(row: &Instance) -> Vec<Event> {
    (1..=EVENTS)
        .map(|seq| {
            let mut event = event(row, seq);
            if seq % 3 == 0 {
                let mut seen = open(row);
                seen.profile_name = Some(format!("{seq}"));
                event.projection = Some(Projection(Box::new(seen)));
            }
            event
        })
        .collect()
}

/// What AWS does to the delivery.
fn faults(proxy: &BadAws) -> Vec<Happened> {
    let mut faults = mix(proxy, Service::DynamoDb, 5);
    for fault in [
        Fault::Late,
        Fault::Expired,
        Fault::Twice,
        Fault::Partial,
        Fault::PartialLost,
    ] {
        faults.push(proxy.add(Rule::on(Service::Sqs, fault).percent(8)));
    }
    faults.extend(mix(proxy, Service::Sqs, 4));
    faults
}

async fn every_event_arrives(seed: u64) {
    let good = aws::connect().await;
    let registry = aws::registry(&good).await;
    let queues = aws::queues(&good);
    for (name, fifo) in [
        ("events", true),
        ("deliveries", false),
        ("deliveries-dead", false),
    ] {
        queues
            .create_if_missing(name, &options(fifo))
            .await
            .unwrap();
    }
    let keys = Arc::new(aws::keys(&good, KmsOptions::default()).await);
    // One endpoint that takes everything, and one that fails now and then.
    let steady = TestReceiver::ok().await;
    let shaky =
        TestReceiver::start(|_, before| Behave::Answer(if before % 4 == 1 { 500 } else { 200 }))
            .await;
    let rows = [
        listening(&*keys, "one", &steady.url).await,
        listening(&*keys, "two", &shaky.url).await,
    ];
    for row in &rows {
        registry.create_instance(row).await.unwrap();
    }

    let proxy = BadAws::start(&aws::endpoint(), seed).await.unwrap();
    let clients = aws::connect_at(proxy.endpoint()).await;
    let through = of(&Queues::new(clients.sqs(), queues.prefix())).await;
    let faults = faults(&proxy);
    let sent: Vec<Vec<Event>> = rows.iter().map(events).collect();
    let mut options = quick();
    options.visibility = VISIBILITY;
    options.schedule.delays = vec![Duration::from_millis(50); 8];
    let service = Running::start(DeliveryService::new(
        Registry::new(clients.dynamodb(), registry.table()),
        keys,
        egress(true),
        through.clone(),
        options,
    ));
    for n in 0..usize::try_from(EVENTS).unwrap() {
        for events in &sent {
            publish(&through.events, &events[n]).await;
        }
    }
    eventually("everything arrived at both", || {
        let all = |receiver: &TestReceiver| arrived(&receiver.hits()).len() as u64 == EVENTS;
        let (delivered, calls) = (service.counts().delivered, shaky.hits().len());
        all(&steady) && all(&shaky) && delivered >= 2 * EVENTS && calls > 0
    })
    .await;
    proxy.heal();
    service.stop().await;

    for (receiver, sent) in [(&steady, &sent[0]), (&shaky, &sent[1])] {
        let arrived = arrived(&receiver.hits());
        for event in sent {
            let seen = &arrived[&event.seq.0];
            assert_eq!(seen.len(), 1, "one event, several bodies or ids: {seen:?}");
            assert_eq!(seen.first().unwrap().0, event.id.to_string());
        }
    }
    let order = first_times(&steady.hits());
    assert!(order.is_sorted(), "{order:?}");
    for row in &rows {
        let now = registry.instance(&row.name).await.unwrap().unwrap();
        assert_eq!((now.epoch, now.seq), (Epoch(1), Seq(EVENTS)));
        assert_eq!(now.observed.profile_name, Some(EVENTS.to_string()));
    }
    let dead = of(&queues).await.dead;
    let dead = dead.receive(10, Duration::ZERO).await.unwrap();
    assert!(dead.is_empty(), "given up: {dead:?}");
    for (name, fifo) in [("events", true), ("deliveries", false)] {
        let dead = queues
            .dead_letters(name, &self::options(fifo))
            .await
            .unwrap();
        let dead = dead.receive(10, Duration::ZERO).await.unwrap();
        assert!(dead.is_empty(), "{name} gave up: {dead:?}");
    }
    let happened: u64 = faults.iter().map(Happened::count).sum();
    assert!(happened > 20, "{faults:?}");
    assert!(proxy.log().most_tries() <= 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_arrives_on_a_bad_day() {
    for seed in seeds(0xDE11) {
        let _told = Told(seed);
        every_event_arrives(seed).await;
    }
}
