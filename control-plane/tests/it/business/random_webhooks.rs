//! Whatever Meta posts, it is taken, and nothing is lost beside rubbish. By a seed, so that a
//! failure comes again.

use std::collections::BTreeSet;

use fake_graph::{Number, webhook};
use pombal_domain::Event;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::random::{World, distort, rig};
use super::rig::{APP_SECRET, Rig};
use crate::app::Answer;
use crate::random_bodies::{self, DEPTH};

/// How many webhooks the tests make up.
const WEBHOOKS: usize = 150;
/// Those with many changes in each.
const LARGE: usize = 25;
/// Who writes.
const ANA: &str = "5511999990002";

/// A webhook of Meta's with so many messages, as the routes of `webhook` make them.
fn valid(number: &Number, ids: &[String]) -> Value {
    let messages: Vec<_> = ids.iter().map(|id| webhook::text(ANA, id, id)).collect();
    webhook::messages(number, &messages)
}

async fn post(rig: &Rig, body: &str, signature: Option<&str>) -> Answer {
    let call = rig.app.post("/webhook/meta");
    let call = match signature {
        Some(signature) => call.header("x-hub-signature-256", signature),
        None => call,
    };
    let call = call.header("content-type", "application/json");
    call.body(body).send().await
}

/// Meta repeats for days what is not answered 200, so nothing but a missing signature and a
/// failure of ours may say otherwise.
#[tokio::test]
async fn what_meta_signs_is_taken_and_nothing_else() {
    let (rig, number) = rig().await;
    let before = World::of(&rig, &number).await;
    let mut rng = StdRng::seed_from_u64(13);
    let mut understood = 0;
    for n in 0..WEBHOOKS {
        let ids = [format!("wamid.{n}")];
        let mut body = webhook::of(&number, valid(&number, &ids));
        for _ in 0..rng.random_range(0..4) {
            distort(&mut rng, &mut body);
        }
        let mut text = body.to_string();
        if rng.random_range(0..10) == 0 {
            let cut = text.floor_char_boundary(rng.random_range(0..=text.len()));
            text.truncate(cut);
        }
        let good = webhook::signature(APP_SECRET, &text);
        let others = [
            webhook::signature("another secret", &text),
            webhook::signature(APP_SECRET, "another body"),
            good.to_uppercase(),
            "sha256=".to_owned(),
        ];
        for bad in [None, others.choose(&mut rng).map(String::as_str)] {
            post(&rig, &text, bad).await.assert_unauthorized();
        }
        let told = rig.events().await;
        assert!(told.is_empty(), "told without a signature: {text}");
        let answer = post(&rig, &text, Some(&good)).await;
        let (status, body) = (answer.status, &answer.body);
        assert_eq!(status, 200, "{text}: {body}");
        assert_eq!(*body, json!({ "status": "success" }), "{text}");
        understood += rig.of("messages.upsert").await.len();
    }
    assert!(
        understood > WEBHOOKS / 10,
        "only {understood} messages were"
    );
    assert!(before == World::of(&rig, &number).await);
}

/// A message is told once, whatever stands beside it in the same webhook, and however often that
/// comes.
#[tokio::test]
async fn rubbish_costs_no_message_beside_it() {
    let (rig, number) = rig().await;
    let mut rng = StdRng::seed_from_u64(14);
    for n in 0..LARGE {
        let (body, wanted) = among_rubbish(&mut rng, &number, n);
        let text = body.to_string();
        let signature = webhook::signature(APP_SECRET, &text);
        let mut told = Vec::new();
        for _ in 0..2 {
            let answer = post(&rig, &text, Some(&signature)).await;
            assert_eq!(answer.status, 200, "{text}: {}", answer.body);
            told.extend(rig.events().await.iter().filter_map(own_id));
        }
        let all: BTreeSet<_> = told.iter().cloned().collect();
        assert_eq!(all.len(), told.len(), "told twice: {told:?} of {text}");
        assert_eq!(all, wanted, "{text}");
    }
}

/// The id of a message, if it is one of those that must arrive.
fn own_id(event: &Event) -> Option<String> {
    let id = event.data["key"]["id"].as_str()?;
    id.starts_with("wamid.valid").then(|| id.to_owned())
}

/// A webhook with valid messages at random places among rubbish, and their ids.
fn among_rubbish(rng: &mut StdRng, number: &Number, n: usize) -> (Value, BTreeSet<String>) {
    let mut wanted = BTreeSet::new();
    let mut entries = Vec::new();
    for entry in 0..rng.random_range(1..5) {
        let mut changes = Vec::new();
        for change in 0..rng.random_range(1..5) {
            let id = format!("wamid.valid.{n}.{entry}.{change}");
            changes.push(match rng.random_range(0..4) {
                0 => random_bodies::value(rng, DEPTH),
                1 => rubbish_change(rng, number),
                2 => {
                    wanted.insert(id.clone());
                    valid(number, &[id])
                }
                _ => {
                    wanted.insert(id.clone());
                    beside(rng, valid(number, &[id]))
                }
            });
        }
        entries.push(json!({ "id": number.account, "time": 1, "changes": changes }));
        if rng.random_range(0..2) == 0 {
            entries.push(random_bodies::value(rng, DEPTH));
        }
    }
    let body = json!({ "object": "whatsapp_business_account", "entry": entries });
    (body, wanted)
}

/// A change that looks like one of Meta's, of this very number, and is not.
fn rubbish_change(rng: &mut StdRng, number: &Number) -> Value {
    let ids = [format!("wamid.odd.{}", rng.random::<u32>())];
    let mut change = valid(number, &ids);
    let fields = [
        "messages",
        "statuses",
        "contacts",
        "message_echoes",
        "errors",
    ];
    change["value"][*fields.choose(rng).unwrap()] = random_bodies::value(rng, DEPTH);
    let kinds = [
        "messages",
        "message_template_status_update",
        "smb_message_echoes",
        "account_update",
    ];
    change["field"] = json!(kinds.choose(rng).unwrap());
    for _ in 0..rng.random_range(0..3) {
        distort(rng, &mut change["value"]);
    }
    change
}

/// The change with rubbish before and behind its message, and in the other lists.
fn beside(rng: &mut StdRng, mut change: Value) -> Value {
    let value = &mut change["value"];
    for (field, at_front) in [("messages", true), ("messages", false), ("contacts", true)] {
        let odd = if rng.random_range(0..2) == 0 {
            let mut odd = webhook::text(ANA, &format!("wamid.odd.{}", rng.random::<u32>()), "x");
            distort(rng, &mut odd);
            odd
        } else {
            random_bodies::value(rng, DEPTH)
        };
        let items = value[field].as_array_mut().unwrap();
        let at = if at_front { 0 } else { items.len() };
        items.insert(at, odd);
    }
    value["statuses"] = random_bodies::value(rng, DEPTH);
    value["errors"] = random_bodies::value(rng, DEPTH);
    change
}
