//! `api`: what a request costs in the function `api`, on an emulator of AWS. The emulator's own
//! time is not counted: CPU time is that of the function's process.

mod house;
mod process;

use std::time::{Duration, Instant};

use fake_lambda::{Function, HttpCall};
use serde_json::json;

use crate::result::Row;
use house::House;

/// Starts of the function.
const STARTS: usize = 10;
/// Instances in the registry when many are fetched.
const FLEETS: [usize; 3] = [1, 100, 1000];
/// The kernel counts CPU time in hundredths of a second, so a measurement has to last: it ends
/// with the first batch of requests after so much CPU time.
const ENOUGH: Duration = Duration::from_millis(500);
/// A measurement is the median of so many.
const ROUNDS: usize = 5;
/// Requests between two looks at the clock.
const BATCH: usize = 10;

/// Targets of the plan: milliseconds of CPU for one connectionState, milliseconds from the start
/// to the first answer, and MiB.
const STATE_MS: f64 = 0.1;
const START_MS: f64 = 60.0;
const MEMORY_MIB: f64 = 40.0;

/// What a profile of connectionState shows.
const STATE_MISSED: &str = "missed. `welcome` is what Lambda's Runtime API, the event and the \
    router cost without AWS, and that is more than the target already; the rest is one call of \
    AWS's SDK. There is no hot spot: a third is in the kernel and the C library, and the rest is \
    spread over the SDK's layers, HTTP, JSON and signing.";

pub(crate) async fn run() -> Vec<Row> {
    let house = House::new().await;
    let mut rows = vec![first_answer(&house).await];
    let function = house.start().await;
    house.create(&function, "b0").await;
    house.connect("b0").await;
    // No AWS in it: what Lambda's Runtime API, API Gateway's event and the router cost.
    rows.push(cpu("welcome", &function, |_| welcome()).await);
    let state = cpu("connectionState", &function, |_| state()).await;
    rows.push(Row {
        target: Some(STATE_MS),
        note: (state.value > STATE_MS).then_some(STATE_MISSED),
        ..state
    });
    let mut made = 1;
    for fleet in FLEETS {
        house.fill(&function, made..fleet).await;
        made = fleet;
        let metric = format!("fetchInstances of {fleet}");
        rows.push(cpu(&metric, &function, |_| fetch()).await);
    }
    rows.push(
        cpu("create", &function, |n| {
            house::creation(&format!("new-{n}"))
        })
        .await,
    );
    let owner = house.answer_texts();
    rows.push(cpu("sendText", &function, |_| text()).await);
    rows.extend(first_texts(&house).await);
    owner.abort();
    rows.push(Row {
        metric: "peak memory".to_owned(),
        value: process::peak_mib(function.pid()),
        unit: "MiB",
        target: Some(MEMORY_MIB),
        runs: 1,
        note: None,
    });
    rows
}

/// From the start of the process to the answer of its first request.
async fn first_answer(house: &House) -> Row {
    let mut took = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let start = Instant::now();
        let function = house.start().await;
        let answer = function.call(&fetch()).await;
        took.push(start.elapsed());
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    Row {
        target: Some(START_MS),
        ..Row::percentile("start to first answer", 0.5, &mut took)
    }
}

/// The first text of a function, and its second: what is left to be made and connected.
async fn first_texts(house: &House) -> [Row; 2] {
    let mut took = [Vec::with_capacity(STARTS), Vec::with_capacity(STARTS)];
    for _ in 0..STARTS {
        let function = house.start().await;
        let answer = function.call(&state()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        for took in &mut took {
            let start = Instant::now();
            let answer = function.call(&text()).await;
            took.push(start.elapsed());
            assert_eq!(answer.status, 201, "{}", answer.body);
        }
    }
    let [first, second] = &mut took;
    [
        Row::percentile("sendText, the first of a function", 0.5, first),
        Row::percentile("sendText, its second", 0.5, second),
    ]
}

/// CPU time of one request: the median over rounds.
async fn cpu(metric: &str, function: &Function, call: impl Fn(usize) -> HttpCall) -> Row {
    let mut next = 0;
    let mut each = Vec::with_capacity(ROUNDS);
    // The first batch warms up.
    ask(function, &call, &mut next).await;
    for _ in 0..ROUNDS {
        let (before, first) = (process::cpu(function.pid()), next);
        let spent = loop {
            ask(function, &call, &mut next).await;
            let spent = process::cpu(function.pid()) - before;
            if spent >= ENOUGH {
                break spent;
            }
        };
        let count = u32::try_from(next - first).unwrap_or(u32::MAX);
        each.push(spent.as_secs_f64() * 1000.0 / f64::from(count));
    }
    each.sort_by(f64::total_cmp);
    Row {
        metric: format!("{metric}: CPU per request"),
        value: (each[ROUNDS / 2] * 10_000.0).round() / 10_000.0,
        unit: "ms",
        target: None,
        runs: next,
        note: None,
    }
}

async fn ask(function: &Function, call: &impl Fn(usize) -> HttpCall, next: &mut usize) {
    for _ in 0..BATCH {
        let answer = function.call(&call(*next)).await;
        *next += 1;
        assert!(
            (200..300).contains(&answer.status),
            "{}: {}",
            answer.status,
            answer.body
        );
    }
}

fn welcome() -> HttpCall {
    HttpCall::new("GET", "/")
}

fn state() -> HttpCall {
    HttpCall::new("GET", "/instance/connectionState/b0").key(house::KEY)
}

fn fetch() -> HttpCall {
    HttpCall::new("GET", "/instance/fetchInstances").key(house::KEY)
}

fn text() -> HttpCall {
    let body = json!({ "number": "5511999990001", "text": "Oi!" });
    HttpCall::new("POST", "/message/sendText/b0")
        .key(house::KEY)
        .json(&body)
}
