//! What must hold after any number of kills.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use pombal_scenarios::{PATIENCE, World, eventually};
use serde_json::Value;

/// The messages that came in at an instance, webhook by webhook.
fn upserts(world: &World, name: &str) -> Vec<Value> {
    let upserts = world.hooks.of(name, "messages.upsert").into_iter();
    upserts
        .filter(|body| body["data"]["key"]["fromMe"] == false)
        .collect()
}

fn message_id(upsert: &Value) -> String {
    upsert["data"]["key"]["id"].as_str().unwrap().to_owned()
}

/// Everything promised has arrived. However much it is, something has to arrive all the time.
pub(crate) async fn all_arrive(world: &World, name: &str, promised: &[String]) {
    let mut missing: Vec<&String> = promised.iter().collect();
    let mut progress_at = Instant::now();
    while !missing.is_empty() {
        assert!(
            progress_at.elapsed() < PATIENCE,
            "of {} messages promised to {name}, {} do not arrive: {missing:?}",
            promised.len(),
            missing.len()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
        let arrived: HashSet<String> = upserts(world, name).iter().map(message_id).collect();
        let before = missing.len();
        missing.retain(|id| !arrived.contains(*id));
        if missing.len() < before {
            progress_at = Instant::now();
        }
    }
}

/// One event per message, one seq per event, and a stream without gaps. A webhook that was
/// repeated carries the same event id and seq.
pub(crate) async fn stream_is_whole(world: &World, name: &str) {
    let mut seq_of_event: HashMap<String, u64> = HashMap::new();
    for hook in world.hooks.hooks(name) {
        let event = hook.body["id"].as_str().unwrap().to_owned();
        let seq = hook.body["seq"].as_u64().unwrap();
        let first = *seq_of_event.entry(event).or_insert(seq);
        assert_eq!(first, seq, "one seq per event");
    }
    let mut event_of_message: HashMap<String, Value> = HashMap::new();
    for body in upserts(world, name) {
        let first = event_of_message
            .entry(message_id(&body))
            .or_insert_with(|| body["id"].clone());
        assert_eq!(*first, body["id"], "one event per message");
    }
    let seqs: HashSet<u64> = seq_of_event.values().copied().collect();
    assert_eq!(seqs.len(), seq_of_event.len(), "one event per seq");
    let last = seqs.iter().max().copied().unwrap();
    eventually("the stream has no gaps", PATIENCE, async || {
        let hooks = world.hooks.hooks(name);
        let seqs: HashSet<_> = hooks
            .iter()
            .filter_map(|h| h.body["seq"].as_u64())
            .collect();
        (1..=last).all(|seq| seqs.contains(&seq)).then_some(())
    })
    .await;
}

/// No event of an owner comes after one of its successor's.
pub(crate) fn owners_follow_each_other(world: &World, name: &str) {
    let hooks = world.hooks.hooks(name).into_iter();
    let number = |value: &Value| value.as_u64().unwrap();
    let events = hooks.map(|hook| (number(&hook.body["seq"]), number(&hook.body["epoch"])));
    let epoch_of_seq: BTreeMap<u64, u64> = events.collect();
    assert!(
        epoch_of_seq.values().is_sorted(),
        "{name}: epochs go back: {epoch_of_seq:?}"
    );
}

/// Paired once, at the start: no restart needed a new QR code.
pub(crate) async fn paired_once(world: &World, name: &str, phone: &str) {
    assert_eq!(world.hooks.of(name, "qrcode.updated").len(), 1);
    let pairs = world.whatsapp.seen(Some(phone), Some("pair"), 0).await;
    assert_eq!(pairs.items.len(), 1);
}

/// The account's settings still reach the instance: its newest name does.
pub(crate) async fn follows_app_state(world: &World, name: &str, phone: &str) {
    let rename = fake_whatsapp::Change::PushName {
        name: format!("{name} after all"),
    };
    world
        .whatsapp
        .change_on_phone(phone, &rename)
        .await
        .unwrap();
    eventually("the new name arrives", PATIENCE, async || {
        let row = world.row(name).await;
        (row["profileName"] == format!("{name} after all")).then_some(())
    })
    .await;
}
