//! What an idle connector asks of AWS, counted at the wire.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pombal_connector::{Connector, ConnectorOptions, Endpoint, Error, LeaseTimes, Status};
use pombal_costs::counts::{BEATS_PER_HOUR, FLEET, IDLE_WRITES, RECONCILE, RENEWAL};
use pombal_store::aws::{Aws, Requests};
use pombal_store::conformance::aws;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::place::Place;

const SHARDS: u16 = 2;
/// Short, so that a few seconds have many. What is counted is the cost of each.
const RECONCILE_EVERY: Duration = Duration::from_millis(250);
/// Looks at each shard that are waited for.
const LOOKS: u64 = 12;
/// Renewals of the lease that are waited for.
const BEATS: u64 = 12;
const HOUR: Duration = Duration::from_secs(3600);
const PATIENCE: Duration = Duration::from_secs(60);

type Counts = BTreeMap<String, u64>;

fn counts(requests: &Requests) -> Counts {
    let all = requests.all().into_iter();
    all.map(|(service, operation, count)| (format!("{service} {operation}"), count))
        .collect()
}

/// Requests since `before`.
fn since(requests: &Requests, before: &Counts) -> Counts {
    counts(requests)
        .into_iter()
        .map(|(name, count)| {
            let old = before.get(&name).copied().unwrap_or_default();
            (name, count - old)
        })
        .filter(|(_, count)| *count > 0)
        .collect()
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "never {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Serving, and past what opening the shards brings with it.
async fn settled(clients: &Aws, status: &Status) {
    until("serving", || status.report().reason.is_none()).await;
    let polls = || clients.requests().of("sqs", "ReceiveMessage");
    until("polling", || polls() == u64::from(SHARDS)).await;
    let mut before = None;
    while before != Some(clients.requests().of_service("s3")) {
        before = Some(clients.requests().of_service("s3"));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// An idle connector that serves.
struct Idle {
    clients: Aws,
    drain: CancellationToken,
    running: JoinHandle<Result<(), Error>>,
}

impl Idle {
    async fn start(change: impl FnOnce(ConnectorOptions) -> ConnectorOptions) -> Self {
        let clients = aws::connect().await;
        let place = Place::make(SHARDS).await;
        let endpoint = Endpoint::parse("ws://127.0.0.1:9/ws/chat").unwrap();
        let options = change(ConnectorOptions::new(endpoint));
        let connector = Connector::new(options, place.seams(&clients).await).unwrap();
        let status = connector.status();
        let drain = CancellationToken::new();
        let running = tokio::spawn(connector.run(drain.clone()));
        settled(&clients, &status).await;
        Self {
            clients,
            drain,
            running,
        }
    }

    async fn ends(self) {
        self.drain.cancel();
        self.running.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn an_idle_connector_only_looks_at_its_wishes() {
    let idle = Idle::start(|defaults| ConnectorOptions {
        reconcile_interval: RECONCILE_EVERY,
        // Its lease is another thing.
        lease: None,
        ..defaults
    })
    .await;
    let (requests, units) = (idle.clients.requests(), idle.clients.units());
    let looks = |counts: &Counts| counts.get("dynamodb Query").copied().unwrap_or_default();
    let (before, read, written) = (counts(requests), units.read(), units.written());
    let wanted = LOOKS * u64::from(SHARDS);
    until("so many looks", || {
        looks(&since(requests, &before)) >= wanted
    })
    .await;

    let asked = since(requests, &before);
    println!("{asked:?}, {} read units", units.read() - read);
    // One long poll per shard is on its way, since before: it lasts 20 s.
    let queries = looks(&asked);
    assert_eq!(
        asked,
        Counts::from([("dynamodb Query".to_owned(), queries)])
    );
    assert_eq!(RECONCILE.requests, [("dynamodb Query", 1)]);
    // An answer more or less per shard: units are told when it comes.
    let looks = (units.read() - read) / RECONCILE.read_units;
    let off = (looks - queries as f64).abs();
    assert!(
        off <= f64::from(SHARDS),
        "{looks} of {queries} looks at this price"
    );
    assert_eq!(units.written() - written, IDLE_WRITES as f64);
    idle.ends().await;
}

#[tokio::test]
async fn a_lease_costs_a_write_and_a_look_at_the_fleet_per_beat() {
    let quarter = Duration::from_millis(500);
    let idle = Idle::start(|defaults| ConnectorOptions {
        reconcile_interval: HOUR,
        lease: Some(LeaseTimes {
            renew_every: quarter,
            fence_after: quarter * 3,
            expires_after: quarter * 4,
        }),
        ..defaults
    })
    .await;
    let (requests, units) = (idle.clients.requests(), idle.clients.units());
    let beats = |counts: &Counts| counts.get("dynamodb UpdateItem").copied();
    let (before, read, written) = (counts(requests), units.read(), units.written());
    until("so many beats", || {
        beats(&since(requests, &before)) >= Some(BEATS)
    })
    .await;

    let asked = since(requests, &before);
    let (read, written) = (units.read() - read, units.written() - written);
    println!("{asked:?}, {read} read units, {written} write units");
    let (beats, looks) = (asked["dynamodb UpdateItem"], asked["dynamodb Query"]);
    assert_eq!(asked.len(), 2, "nothing else: {asked:?}");
    assert!(beats.abs_diff(looks) <= 1, "{beats} beats, {looks} looks");
    assert_eq!(RENEWAL.requests, [("dynamodb UpdateItem", 1)]);
    assert_eq!(FLEET.requests, [("dynamodb Query", 1)]);
    // One whose answer is still to come.
    assert!((written / RENEWAL.write_units - beats as f64).abs() <= 1.0);
    assert!((read / FLEET.read_units - looks as f64).abs() <= 1.0);
    idle.ends().await;
}

#[test]
fn the_lease_is_renewed_as_often_as_the_bill_says() {
    let every = LeaseTimes::default().renew_every;
    assert_eq!(HOUR.as_secs() / every.as_secs(), BEATS_PER_HOUR);
}
