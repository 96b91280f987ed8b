//! The operator's webhook: what it gets, beside what instances get.

use std::collections::BTreeMap;

use pombal_domain::event::Farewell;
use pombal_domain::{Event, EventName, Instance, InstanceId};
use serde_json::{Value, json};

use super::rig::{Rig, Running, event, eventually, global};
use crate::receiver::TestReceiver;

/// Two endpoints: the instance's, and the operator's.
struct Two {
    rig: Rig,
    own: TestReceiver,
    operator: TestReceiver,
}

impl Two {
    async fn new() -> Self {
        Self {
            rig: Rig::new().await,
            own: TestReceiver::ok().await,
            operator: TestReceiver::ok().await,
        }
    }

    fn start(&self) -> Running {
        self.rig
            .start_with(|options| options.global = Some(global(&self.operator.url)))
    }

    /// An instance that has no webhook at all.
    async fn deaf(&self, name: &str) -> Instance {
        let mut row = super::rig::listening(&*self.rig.stores.keys, name, "").await;
        row.webhook = None;
        let registry = &self.rig.stores.registry;
        registry.create_instance(&row).await.unwrap();
        row
    }
}

fn named(row: &Instance, seq: u64, name: EventName) -> Event {
    let mut event = event(row, seq);
    event.event = name;
    event
}

fn destinations(receiver: &TestReceiver) -> Vec<Value> {
    let hits = receiver.hits().into_iter();
    hits.map(|hit| hit.json()["destination"].clone()).collect()
}

#[tokio::test]
async fn both_sinks_get_the_same_event_and_secrets_stay_with_one() {
    let two = Two::new().await;
    let headers = [("x-secret", "1"), ("jwt_key", "2")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let row = two
        .rig
        .instance_with("b1", &two.own.url, |webhook| {
            webhook.headers = Some(BTreeMap::from(headers));
        })
        .await;
    two.rig.publish_all(&row, 1..=3).await;
    let service = two.start();
    eventually("all delivered", || service.counts().delivered == 6).await;
    assert_eq!(two.own.seqs(), [1, 2, 3]);
    assert_eq!(two.operator.seqs(), [1, 2, 3]);
    for (own, operator) in two.own.hits().iter().zip(two.operator.hits()) {
        assert_eq!(own.text, operator.text);
        assert_eq!(own.header("webhook-id"), operator.header("webhook-id"));
        assert!(own.header("x-secret").is_some() && own.header("authorization").is_some());
        assert_eq!(operator.header("x-secret"), None);
        assert_eq!(operator.header("authorization"), None);
        assert_eq!(operator.header("content-type"), Some("application/json"));
    }
    assert_eq!(destinations(&two.operator), vec![json!(two.own.url); 3]);
    service.stop().await;
}

#[tokio::test]
async fn each_sink_gets_what_it_wants() {
    let two = Two::new().await;
    let wants_one = |webhook: &mut pombal_domain::WebhookConfig| {
        webhook.events = vec![EventName::MessagesUpsert, EventName::StatusInstance];
    };
    let row = two.rig.instance_with("b1", &two.own.url, wants_one).await;
    for (seq, name) in [
        (1, EventName::MessagesUpsert),
        (2, EventName::Call),
        (3, EventName::StatusInstance),
        (4, EventName::RemoveInstance),
    ] {
        two.rig.publish(&named(&row, seq, name)).await;
    }
    let service = two.rig.start_with(|options| {
        let mut sink = global(&two.operator.url);
        sink.webhook
            .events
            .retain(|name| *name != EventName::MessagesUpsert);
        options.global = Some(sink);
    });
    eventually("all done", || {
        (service.counts().delivered, service.counts().unwanted) == (3, 1)
    })
    .await;
    // Some are never global, whatever the operator wants.
    assert_eq!((two.own.seqs(), two.operator.seqs()), (vec![1, 3], vec![2]));
    service.stop().await;
}

#[tokio::test]
async fn the_destination_is_the_instances_webhook_or_else_the_operators() {
    let two = Two::new().await;
    let deaf = two.deaf("deaf").await;
    let off = |webhook: &mut pombal_domain::WebhookConfig| webhook.enabled = false;
    let disabled = two.rig.instance_with("off", &two.own.url, off).await;
    let empty = two.rig.instance_with("empty", "vazio", off).await;
    for (seq, row) in [(1, &deaf), (2, &disabled), (3, &empty)] {
        let event = named(row, seq, EventName::GroupParticipantsUpdate);
        two.rig.publish(&event).await;
    }
    let service = two.start();
    eventually("all delivered", || service.counts().delivered == 3).await;
    let mut found: Vec<_> = two
        .operator
        .hits()
        .iter()
        .map(|hit| {
            (
                hit.seq(),
                hit.path.clone(),
                hit.json()["destination"].clone(),
            )
        })
        .collect();
    found.sort_by_key(|(seq, ..)| *seq);
    let path = "/hook".to_owned();
    let below = json!(format!("{}/group-participants-update", two.operator.url));
    let expected = [
        (1, path.clone(), below.clone()),
        (2, path.clone(), json!(two.own.url)),
        (3, path, below),
    ];
    assert_eq!(found, expected);
    assert!(two.own.hits().is_empty());
    service.stop().await;
}

#[tokio::test]
async fn by_events_posts_below_the_address() {
    let two = Two::new().await;
    let row = two.deaf("b1").await;
    let event = named(&row, 1, EventName::SendMessageUpdate);
    two.rig.publish(&event).await;
    let service = two.rig.start_with(|options| {
        let mut sink = global(&two.operator.url);
        sink.webhook.by_events = true;
        options.global = Some(sink);
        options.expose_keys = true;
    });
    eventually("one delivered", || service.counts().delivered == 1).await;
    let hit = two.operator.hits().remove(0);
    assert_eq!(hit.path, "/hook/send-message-update");
    assert_eq!(hit.json()["apikey"], "T-1");
    service.stop().await;
}

#[tokio::test]
async fn a_deletion_reaches_the_operator_whoever_else_listens() {
    let two = Two::new().await;
    let heard = two.rig.instance("b1", &two.own.url).await;
    let deaf = two.deaf("b2").await;
    let registry = &two.rig.stores.registry;
    for (row, seq) in [(&heard, 1), (&deaf, 2)] {
        registry.delete_instance(row).await.unwrap();
        let mut event = named(row, seq, EventName::InstanceDelete);
        event.farewell = Some(Farewell {
            webhook: row.webhook.clone(),
        });
        two.rig.publish(&event).await;
    }
    // Anything else of an instance that is gone is of no interest.
    let mut orphan = event(&heard, 3);
    orphan.instance = InstanceId::random();
    two.rig.publish(&orphan).await;
    let service = two.start();
    eventually("all done", || {
        (service.counts().delivered, service.counts().orphaned) == (3, 1)
    })
    .await;
    let mut seqs = two.operator.seqs();
    seqs.sort_unstable();
    assert_eq!((two.own.seqs(), seqs), (vec![1], vec![1, 2]));
    let mut shown = destinations(&two.operator);
    shown.sort_by_key(|url| *url != json!(two.own.url));
    let below = format!("{}/instance-delete", two.operator.url);
    assert_eq!(shown, [json!(two.own.url), json!(below)]);
    service.stop().await;
}

#[tokio::test]
async fn without_an_operators_webhook_a_farewell_without_its_own_is_unwanted() {
    let two = Two::new().await;
    let deaf = two.deaf("b1").await;
    let deleted = two.rig.stores.registry.delete_instance(&deaf);
    deleted.await.unwrap();
    let mut event = named(&deaf, 1, EventName::InstanceDelete);
    event.farewell = Some(Farewell { webhook: None });
    two.rig.publish(&event).await;
    let service = two.rig.start();
    eventually("it is done", || service.counts().unwanted == 1).await;
    service.stop().await;
}
