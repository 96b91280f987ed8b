//! The process is killed under traffic, again and again. Nothing is lost, nothing is doubled.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use fake_whatsapp::FakeWhatsApp;
use pombal_scenarios::{Api, PATIENCE, World, eventually};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

const ROUNDS: u32 = 20;
/// Texts accepted in each direction, over all rounds.
const TEXTS: usize = 200;
/// Callers of the API per direction, each with one request at a time.
const CALLERS: usize = 4;
const SEED: u64 = 0x706f_6d62_616c;

/// Sends texts from `from` to `to` without a pause, whoever dies meanwhile. Each text that
/// the API accepted is noted: it must arrive. One that got no answer may or may not.
async fn keep_sending(
    from: &'static str,
    caller: usize,
    to: String,
    mut api: watch::Receiver<Option<Api>>,
    accepted: Arc<Mutex<Vec<(String, String)>>>,
) {
    for n in 0u32.. {
        let text = format!("{from} {caller} {n}");
        let body = json!({ "number": to, "text": text }).to_string();
        loop {
            if api.has_changed().is_err() {
                return;
            }
            let Ok(Some(current)) = api.wait_for(Option::is_some).await.map(|api| api.clone())
            else {
                return;
            };
            let path = format!("/message/sendText/{from}");
            let answer = current.call(Method::POST, &path, Some(body.clone())).await;
            match answer {
                Ok(answer) if answer.status == 201 => {
                    let id = answer.body["key"]["id"].as_str().unwrap().to_owned();
                    accepted.lock().await.push((text, id));
                    break;
                }
                // The instance is not up yet, or the process died: the caller tries again,
                // and then the same text may arrive under two message ids.
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }
}

/// Writes texts from a simulated phone until the test is over.
async fn keep_writing(
    whatsapp: FakeWhatsApp,
    from: &'static str,
    to: String,
    sent: Arc<Mutex<Vec<(String, String)>>>,
    over: watch::Receiver<Option<Api>>,
) {
    for n in 0u32.. {
        if over.has_changed().is_err() {
            return;
        }
        let text = format!("customer {n}");
        let id = whatsapp
            .send_from_phone(from, &to, &text, None)
            .await
            .unwrap();
        sent.lock().await.push((text, id));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn upserts(world: &World, name: &str) -> Vec<Value> {
    let upserts = world.hooks.of(name, "messages.upsert").into_iter();
    upserts
        .filter(|body| body["data"]["key"]["fromMe"] == false)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_under_traffic_lose_nothing() {
    let mut rng = SmallRng::seed_from_u64(SEED);
    let mut world = World::start().await;
    let a = world.open("a", "5511999990031").await;
    let b = world.open("b", "5511999990032").await;
    let (api, api_rx) = watch::channel(Some(world.api()));
    let accepted_a = Arc::new(Mutex::new(Vec::new()));
    let accepted_b = Arc::new(Mutex::new(Vec::new()));
    let mut traffic = JoinSet::new();
    for caller in 0..CALLERS {
        let (to_a, to_b) = (a.phone.clone(), b.phone.clone());
        traffic.spawn(keep_sending(
            "a",
            caller,
            to_b,
            api_rx.clone(),
            accepted_a.clone(),
        ));
        traffic.spawn(keep_sending(
            "b",
            caller,
            to_a,
            api_rx.clone(),
            accepted_b.clone(),
        ));
    }
    // A customer writes all the time: WhatsApp has these texts, so they must arrive as well.
    let customer = "5511988880001";
    world
        .whatsapp
        .add_contact(customer, "Customer", false)
        .await
        .unwrap();
    traffic.spawn(keep_writing(
        world.whatsapp.clone(),
        customer,
        a.phone.clone(),
        accepted_b.clone(),
        api_rx,
    ));

    for round in 0..ROUNDS {
        // The moment of the kill is what is random here, not a condition.
        let moment = Duration::from_millis(rng.random_range(0..4000));
        tokio::time::sleep(moment).await;
        api.send_replace(None);
        world.kill();
        world.boot();
        api.send_replace(Some(world.api()));
        if round % 4 == 3 {
            // Now and then it gets far enough to talk, in other rounds it dies half way up.
            world.wait_for_state("a", "open").await;
            world.wait_for_state("b", "open").await;
        }
    }
    world.wait_for_state("a", "open").await;
    world.wait_for_state("b", "open").await;
    // What survived all that still works: the traffic goes on until there was enough of it.
    eventually("enough traffic", 3 * PATIENCE, async || {
        let enough =
            accepted_a.lock().await.len() >= TEXTS && accepted_b.lock().await.len() >= TEXTS;
        enough.then_some(())
    })
    .await;
    drop(api);
    traffic.join_all().await;

    for (to, accepted) in [("b", accepted_a), ("a", accepted_b)] {
        let accepted = accepted.lock().await.clone();
        let what = format!("all {} accepted texts arrive at {to}", accepted.len());
        eventually(&what, PATIENCE, async || {
            let arrived: HashSet<String> = upserts(&world, to)
                .iter()
                .map(|body| body["data"]["key"]["id"].as_str().unwrap().to_owned())
                .collect();
            accepted
                .iter()
                .all(|(_, id)| arrived.contains(id))
                .then_some(())
        })
        .await;

        // A repeated webhook carries the same event id and seq: by id, each arrived once.
        let mut event_of_message: HashMap<String, String> = HashMap::new();
        let mut seq_of_event: HashMap<String, u64> = HashMap::new();
        for hook in world.hooks.hooks(to) {
            let event = hook.body["id"].as_str().unwrap().to_owned();
            let seq = hook.body["seq"].as_u64().unwrap();
            assert_eq!(
                *seq_of_event.entry(event).or_insert(seq),
                seq,
                "one seq per event"
            );
        }
        for body in upserts(&world, to) {
            let message = body["data"]["key"]["id"].as_str().unwrap().to_owned();
            let event = body["id"].as_str().unwrap().to_owned();
            let first = event_of_message
                .entry(message)
                .or_insert_with(|| event.clone());
            assert_eq!(*first, event, "one event per message");
        }
        let seqs: HashSet<u64> = seq_of_event.values().copied().collect();
        assert_eq!(seqs.len(), seq_of_event.len(), "one event per seq");
        let last = seqs.iter().max().copied().unwrap();
        eventually("the stream has no gaps", PATIENCE, async || {
            let seqs: HashSet<u64> = world
                .hooks
                .hooks(to)
                .iter()
                .map(|hook| hook.body["seq"].as_u64().unwrap())
                .collect();
            (1..=last).all(|seq| seqs.contains(&seq)).then_some(())
        })
        .await;
    }
    // Paired once, at the start: no restart needed a new QR code.
    for (name, phone) in [("a", &a.phone), ("b", &b.phone)] {
        assert_eq!(world.hooks.of(name, "qrcode.updated").len(), 1);
        let pairs = world
            .whatsapp
            .seen(Some(phone), Some("pair"), 0)
            .await
            .items
            .len();
        assert_eq!(pairs, 1);
    }
    world.assert_no_violations().await;
}
