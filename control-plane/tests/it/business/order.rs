//! Order and completeness, whoever writes at once and whatever fails in between.

use std::collections::HashMap;

use axum::http::StatusCode;
use fake_graph::webhook::{self, text};
use futures::future::join_all;
use serde_json::Value;

use super::rig::{Rig, seqs};

/// How many people write at once, and how much each.
const SENDERS: usize = 20;
const EACH: usize = 5;
/// A webhook takes some nine polls of its future. How many depends on the threads that storage
/// answers from, so what is broken off at the same poll is not always at the same place.
const MOST_POLLS: u64 = 12;

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_messages_at_once_each_is_of_its_sender_and_in_order() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let person = |n: usize| format!("55119999901{n:02}");
    // Each person's messages come one after the other, those of all at once.
    join_all((0..SENDERS).map(|n| {
        let (rig, number) = (&rig, &number);
        async move {
            for k in 0..EACH {
                let message = text(&person(n), &format!("wamid.{n}.{k}"), &k.to_string());
                let change = webhook::messages(number, &[message]);
                rig.told(&webhook::of(number, change)).await;
            }
        }
    }))
    .await;
    let events = rig.events().await;
    // One contact and five texts for each.
    let all: Vec<u64> = (1..=(SENDERS * (EACH + 1)) as u64).collect();
    assert_eq!(
        seqs(&events),
        all,
        "numbered without gaps, and queued in that order"
    );
    let mut by_chat: HashMap<String, Vec<Value>> = HashMap::new();
    for event in events {
        if event.event.dotted() == "messages.upsert" {
            let chat = event.data["key"]["remoteJid"].as_str().unwrap().to_owned();
            by_chat.entry(chat).or_default().push(event.data);
        }
    }
    assert_eq!(by_chat.len(), SENDERS);
    for n in 0..SENDERS {
        let told = &by_chat[&format!("{}@s.whatsapp.net", person(n))];
        let ids: Vec<_> = told
            .iter()
            .map(|data| data["key"]["id"].as_str().unwrap())
            .collect();
        let wanted: Vec<_> = (0..EACH).map(|k| format!("wamid.{n}.{k}")).collect();
        assert_eq!(ids, wanted);
        let name = webhook::name_of(&person(n));
        assert!(told.iter().all(|data| data["pushName"] == name));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_that_comes_many_times_at_once_is_told_once() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let change = webhook::messages(&number, &[text("5511999990001", "wamid.1", "x")]);
    let webhook = webhook::of(&number, change);
    join_all((0..10).map(|_| rig.told(&webhook))).await;
    assert_eq!(seqs(&rig.events().await), [1, 2]);
}

#[tokio::test]
async fn what_the_queue_refused_is_sent_before_what_comes_later() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let webhook = |id: &str| {
        let change = webhook::messages(&number, &[text("5511999990001", id, id)]);
        webhook::of(&number, change)
    };
    rig.events.refuse(1);
    let refused = rig.meta(&webhook("wamid.1")).await;
    // Meta has to send it again.
    assert_eq!(refused.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(rig.events().await, []);
    rig.told(&webhook("wamid.2")).await;
    rig.told(&webhook("wamid.1")).await;
    let events = rig.events().await;
    assert_eq!(seqs(&events), [1, 2, 3]);
    assert_eq!(events[1].data["key"]["id"], "wamid.1");
    assert_eq!(events[2].data["key"]["id"], "wamid.2");
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_wherever_the_work_is_broken_off() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let mut broken = 0;
    for n in 0..40_u64 {
        let from = format!("5511999990{:03}", n % 7);
        let messages = ["x", "y"].map(|part| text(&from, &format!("wamid.{n}.{part}"), part));
        let webhook = webhook::of(&number, webhook::messages(&number, &messages));
        // Polled so often, and then dropped, as by a kill.
        let attempt = rig.meta(&webhook);
        if polled(attempt, n % MOST_POLLS).await.is_none() {
            broken += 1;
            rig.told(&webhook).await;
        }
    }
    assert!(broken > 10, "only {broken} were broken off");
    let events = rig.events().await;
    let mut seen: Vec<_> = events
        .iter()
        .filter_map(|event| event.data["key"]["id"].as_str())
        .collect();
    let wanted: Vec<_> = (0..40)
        .flat_map(|n| ["x", "y"].map(|part| format!("wamid.{n}.{part}")))
        .collect();
    assert_eq!(seen, wanted);
    seen.dedup();
    assert_eq!(seen.len(), wanted.len());
    let all: Vec<u64> = (1..=events.len() as u64).collect();
    assert_eq!(seqs(&events), all);
    let row = rig.app.stores.row("a").await;
    let pending = rig.app.stores.registry.pending_events(row.id, 10).await;
    assert_eq!(pending.unwrap().events, []);
}

/// Polls a future at most `times`, and drops it if it is not done by then.
async fn polled<T>(future: impl Future<Output = T>, times: u64) -> Option<T> {
    let mut future = Box::pin(future);
    let mut left = times;
    std::future::poll_fn(move |context| {
        if left == 0 {
            return std::task::Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}
