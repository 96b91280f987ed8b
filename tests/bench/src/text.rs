//! `text`: from `POST /message/sendText` to the frame at WhatsApp to the receiver's webhook.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::future::join_all;
use pombal_scenarios::{PATIENCE, World, eventually};
use serde_json::json;

use crate::result::Row;

/// Texts sent one after the other, for latency.
const SINGLE: usize = 200;
/// Callers at once, and texts of each, for throughput.
const CALLERS: usize = 16;
const EACH: usize = 50;

pub(crate) async fn run() -> Vec<Row> {
    let world = World::start().await;
    let a = world.open("a", "5511999990001").await;
    let b = world.open("b", "5511999990002").await;
    // The first text between two strangers sets the session up.
    send(&world, &b.phone, "hello").await;

    let mut answered = Vec::with_capacity(SINGLE);
    let mut sent_at = HashMap::with_capacity(SINGLE);
    for n in 0..SINGLE {
        let (start, wall) = (Instant::now(), SystemTime::now());
        let id = send(&world, &b.phone, &format!("text {n}")).await;
        answered.push(start.elapsed());
        sent_at.insert(id, (start, wall));
    }
    let arrivals = arrivals(&world, SINGLE + 1).await;
    let mut delivered: Vec<Duration> = arrivals
        .iter()
        .filter_map(|(id, at)| sent_at.get(id).map(|(start, _)| *at - *start))
        .collect();
    let mut framed = Vec::with_capacity(SINGLE);
    for item in world
        .whatsapp
        .seen(Some(&a.phone), Some("message"), 0)
        .await
        .items
    {
        let id = item
            .details
            .get("id")
            .and_then(|id| id.as_str())
            .unwrap_or_default();
        let Some((_, wall)) = sent_at.get(id) else {
            continue;
        };
        let start_ms = wall
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis();
        let ms = u128::from(item.at_ms).saturating_sub(start_ms);
        framed.push(Duration::from_millis(u64::try_from(ms).unwrap_or_default()));
    }

    let start = Instant::now();
    let callers = (0..CALLERS).map(|caller| {
        let (world, phone) = (&world, &b.phone);
        async move {
            for n in 0..EACH {
                send(world, phone, &format!("caller {caller} text {n}")).await;
            }
        }
    });
    join_all(callers).await;
    let http = start.elapsed();
    self::arrivals(&world, SINGLE + 1 + CALLERS * EACH).await;
    let all = start.elapsed();
    world.assert_no_violations().await;

    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    let count = (CALLERS * EACH) as f64;
    let rate = |metric: &str, took: Duration| Row {
        metric: metric.to_owned(),
        value: (count / took.as_secs_f64() * 10.0).round() / 10.0,
        unit: "texts/s",
        target: None,
        runs: CALLERS * EACH,
        note: None,
    };
    vec![
        Row::percentile("sendText to its answer", 0.5, &mut answered),
        Row::percentile("sendText to its answer", 0.99, &mut answered),
        Row::percentile("sendText to the frame at WhatsApp", 0.5, &mut framed),
        Row::percentile("sendText to the frame at WhatsApp", 0.99, &mut framed),
        Row::percentile("sendText to the receiver's webhook", 0.5, &mut delivered),
        Row::percentile("sendText to the receiver's webhook", 0.99, &mut delivered),
        rate("one instance, 16 callers: answered", http),
        rate("one instance, 16 callers: at the receiver's webhook", all),
    ]
}

async fn send(world: &World, to: &str, text: &str) -> String {
    let body = json!({ "number": to, "text": text });
    let sent = world.api().post("/message/sendText/a", body).await.ok();
    sent["key"]["id"].as_str().unwrap_or_default().to_owned()
}

/// Message ids and arrival times at b's webhook, once there are `count`.
async fn arrivals(world: &World, count: usize) -> Vec<(String, Instant)> {
    eventually("all texts arrive", PATIENCE, async || {
        let hooks = world.hooks.hooks("b").into_iter();
        let upserts: Vec<_> = hooks
            .filter(|hook| hook.event() == "messages.upsert")
            .map(|hook| {
                let id = hook.body["data"]["key"]["id"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                (id, hook.at)
            })
            .collect();
        (upserts.len() >= count).then_some(upserts)
    })
    .await
}
