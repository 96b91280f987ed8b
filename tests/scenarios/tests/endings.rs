//! Every way in which WhatsApp ends a connection: what users are told, whether it comes back,
//! and that no text is lost. The table is DESIGN's: `domain/src/connection.rs`.

use std::time::Duration;

use fake_whatsapp::{Config, Ending, Stage, Trouble};
use futures::future::join_all;
use pombal_scenarios::{Api, PATIENCE, Pombal, World, eventually};
use serde_json::{Value, json};

const CUSTOMER: &str = "5511988880001";
/// A silent server is noticed after 75 s at the latest; then a pause, and a login.
const SILENT_PATIENCE: Duration = Duration::from_secs(150);

/// One row of the table.
struct Case {
    /// For connections to come, or for the live one.
    stage: Option<Stage>,
    ending: Ending,
    /// What `connection.update` says.
    reason: u64,
}

impl Case {
    /// Whether `connection.update` may say this.
    fn may_tell(&self, reason: u64) -> bool {
        // The kernel tells of a reset once. When a write is told, the reader sees an end.
        let unseen = matches!(self.ending, Ending::Reset) && reason == 428;
        reason == self.reason || unseen
    }
}

fn live(ending: Ending, reason: u64) -> Case {
    Case {
        stage: None,
        ending,
        reason,
    }
}

fn at(stage: Stage, ending: Ending, reason: u64) -> Case {
    Case {
        stage: Some(stage),
        ending,
        reason,
    }
}

fn stream_error(code: u16) -> Ending {
    Ending::StreamError { code }
}

fn failure(reason: u16) -> Ending {
    Ending::Failure {
        reason,
        code: None,
        expire: None,
    }
}

fn conflict(kind: &str) -> Ending {
    Ending::Conflict {
        kind: kind.to_owned(),
        code: None,
    }
}

/// The states and reasons that `connection.update` told, in order.
fn told(world: &World, name: &str) -> Vec<(String, u64)> {
    let updates = world.hooks.of(name, "connection.update").into_iter();
    updates
        .map(|body| {
            let data = &body["data"];
            let state = data["state"].as_str().unwrap().to_owned();
            (state, data["statusReason"].as_u64().unwrap())
        })
        .collect()
}

/// The texts that arrived at the instance's webhook.
fn texts(world: &World, name: &str) -> Vec<String> {
    let upserts = world.hooks.of(name, "messages.upsert").into_iter();
    upserts
        .filter_map(|body| {
            let text = body["data"]["message"]["conversation"].as_str();
            text.map(ToOwned::to_owned)
        })
        .collect()
}

/// An instance with a name and a number of its own.
async fn instance(world: &World, n: usize) -> (String, String) {
    let (name, phone) = (format!("case-{n}"), format!("55119999{n:05}"));
    world.open(&name, &phone).await;
    (name, phone)
}

async fn start() -> World {
    let world = World::start().await;
    let added = world.whatsapp.add_contact(CUSTOMER, "Customer", false);
    added.await.unwrap();
    world
}

/// Makes the case happen to the open instance of `phone`.
async fn strike(world: &World, phone: &str, case: &Case, times: u64) {
    let Some(stage) = case.stage else {
        let ended = world.whatsapp.end(Some(phone), &case.ending).await.unwrap();
        assert_eq!(ended, 1);
        return;
    };
    let known = matches!(stage, Stage::Login | Stage::Open);
    let trouble = Trouble {
        phone: known.then(|| phone.to_owned()),
        stage,
        ending: case.ending.clone(),
        times: Some(times),
    };
    world.whatsapp.order(trouble).await.unwrap();
    let ended = world.whatsapp.end(Some(phone), &Ending::Close).await;
    assert_eq!(ended.unwrap(), 1);
}

/// The customer writes while the instance is away. Exactly once it arrives.
async fn customer_writes(world: &World, phone: &str) -> String {
    let text = format!("while {phone} is away");
    let sent = world.whatsapp.send_from_phone(CUSTOMER, phone, &text, None);
    sent.await.unwrap();
    text
}

async fn arrives_once(world: &World, name: &str, phone: &str, text: &str) {
    let arrived = async |text: &str| {
        let what = format!("{name} gets {text:?}");
        eventually(&what, SILENT_PATIENCE, async || {
            texts(world, name)
                .iter()
                .any(|got| got == text)
                .then_some(())
        })
        .await;
    };
    arrived(text).await;
    // What could come twice would come before what is sent now.
    let marker = format!("marker for {phone}");
    let sent = world
        .whatsapp
        .send_from_phone(CUSTOMER, phone, &marker, None);
    sent.await.unwrap();
    arrived(&marker).await;
    let texts = texts(world, name);
    let count = texts.iter().filter(|got| *got == text).count();
    assert_eq!(count, 1, "{name}: each text once");
}

/// The instance comes back by itself, tells why it was away, and loses nothing.
async fn comes_back(world: &World, n: usize, name: &str, phone: &str, case: &Case) {
    let before = told(world, name).len();
    let codes = world.hooks.of(name, "qrcode.updated").len();
    strike(world, phone, case, 1).await;
    let text = customer_writes(world, phone).await;
    let what = format!(
        "case {n}: {:?} {:?} tells {}",
        case.stage, case.ending, case.reason
    );
    eventually(&what, SILENT_PATIENCE, async || {
        let told = told(world, name);
        let new = &told[before..];
        let mut away = new.iter().filter(|(state, _)| state == "connecting");
        let away = away.any(|(_, reason)| case.may_tell(*reason));
        let back = new.last().is_some_and(|(state, _)| state == "open");
        (away && back).then_some(())
    })
    .await;
    arrives_once(world, name, phone, &text).await;
    let told = told(world, name);
    let closed = told.iter().any(|(state, _)| state == "close");
    assert!(!closed, "{what}: {told:?}");
    let new_codes = world.hooks.of(name, "qrcode.updated").len() - codes;
    assert_eq!(new_codes, 0, "{what}: no new pairing");
}

/// All cases at once, each with an instance of its own.
async fn all_come_back(world: &World, cases: &[Case]) {
    let instances = join_all((0..cases.len()).map(|n| instance(world, n))).await;
    let runs = cases.iter().zip(&instances).enumerate();
    join_all(runs.map(|(n, (case, (name, phone)))| comes_back(world, n, name, phone, case))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passing_trouble_passes_by_itself() {
    let world = start().await;
    let cases = [
        live(Ending::Close, 428),
        live(Ending::Eof, 428),
        live(Ending::Reset, 408),
        live(Ending::StreamEnd, 428),
        live(stream_error(428), 428),
        live(stream_error(429), 503),
        live(stream_error(500), 500),
        live(stream_error(503), 503),
        live(stream_error(599), 500),
        live(Ending::XmlNotWellFormed, 500),
        at(Stage::Login, failure(400), 500),
        at(Stage::Login, failure(500), 500),
        at(Stage::Login, failure(503), 503),
        at(Stage::Login, failure(599), 500),
        at(Stage::Login, Ending::Close, 428),
        at(Stage::Login, stream_error(503), 503),
        at(Stage::Open, Ending::Eof, 428),
        at(Stage::Open, Ending::Reset, 408),
    ];
    all_come_back(&world, &cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_stream_is_opened_at_once_and_silently() {
    let world = start().await;
    let (name, phone) = instance(&world, 0).await;
    let before = told(&world, &name).len();
    strike(&world, &phone, &live(stream_error(515), 515), 1).await;
    let text = customer_writes(&world, &phone).await;
    arrives_once(&world, &name, &phone, &text).await;
    let told = told(&world, &name);
    assert!(
        told[before..].iter().all(|(_, reason)| *reason == 200),
        "{told:?}"
    );
}

/// One after the other: at these stages the server does not know whom it has before it.
#[tokio::test(flavor = "multi_thread")]
async fn broken_handshakes_are_tried_again() {
    let world = start().await;
    let cases = [
        at(Stage::Accepted, Ending::Eof, 503),
        at(Stage::Accepted, Ending::Reset, 503),
        at(Stage::Upgraded, Ending::Close, 428),
        at(Stage::Upgraded, Ending::Eof, 428),
        at(Stage::Hello, Ending::GarbledHello, 428),
        at(Stage::Hello, Ending::Reset, 428),
    ];
    let instances = join_all((0..cases.len()).map(|n| instance(&world, n))).await;
    for (n, (case, (name, phone))) in cases.iter().zip(&instances).enumerate() {
        comes_back(&world, n, name, phone, case).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_is_noticed_and_dialled_again() {
    let world = start().await;
    let cases = [
        live(Ending::Silence, 408),
        live(Ending::GarbageFrame, 408),
        live(Ending::OversizedFrame, 408),
        at(Stage::Login, Ending::Silence, 408),
        at(Stage::Login, Ending::Limbo, 408),
        at(Stage::Open, Ending::Silence, 408),
    ];
    all_come_back(&world, &cases).await;
}

async fn silent_at(stage: Stage) {
    let world = start().await;
    all_come_back(&world, &[at(stage, Ending::Silence, 408)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_accepts_and_never_answers() {
    silent_at(Stage::Accepted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_upgrades_and_never_shakes_hands() {
    silent_at(Stage::Upgraded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_breaks_off_half_way_in_the_handshake() {
    silent_at(Stage::Hello).await;
}

/// The instance closes, says why, and does not dial again until a user asks.
async fn closes(world: &World, n: usize, name: &str, phone: &str, case: &Case, wiped: bool) {
    strike(world, phone, case, 1).await;
    let text = customer_writes(world, phone).await;
    let what = format!(
        "case {n}: {:?} {:?} closes with {}",
        case.stage, case.ending, case.reason
    );
    eventually(&what, PATIENCE, async || {
        let last = told(world, name).pop()?;
        (last == ("close".to_owned(), case.reason)).then_some(())
    })
    .await;
    world.wait_for_state(name, "close").await;
    let row = world.row(name).await;
    assert_eq!(row["disconnectionReasonCode"], case.reason, "{what}");
    assert_eq!(row["ownerJid"].is_null(), wiped, "{what}");
    let logouts = world.hooks.of(name, "logout.instance").len();
    assert_eq!(logouts, usize::from(wiped), "{what}");

    let connect = world
        .api()
        .get(&format!("/instance/connect/{name}"))
        .await
        .ok();
    if wiped {
        assert!(connect["code"].is_string(), "{what}: {connect}");
        return;
    }
    world.wait_for_state(name, "open").await;
    arrives_once(world, name, phone, &text).await;
    let codes = world.hooks.of(name, "qrcode.updated").len();
    assert_eq!(codes, 1, "{what}: paired once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_it_for_good_closes_and_says_why() {
    let world = start().await;
    let ban = Ending::Failure {
        reason: 402,
        code: Some(101),
        expire: Some(3600),
    };
    let cases = [
        (live(stream_error(401), 401), true),
        (live(stream_error(516), 401), true),
        (live(conflict("device_removed"), 401), true),
        (live(stream_error(403), 403), false),
        (at(Stage::Login, failure(401), 401), true),
        (at(Stage::Login, ban, 402), false),
        (at(Stage::Login, failure(402), 402), false),
        (at(Stage::Login, failure(403), 403), false),
        (at(Stage::Login, failure(405), 405), false),
        (at(Stage::Login, failure(406), 406), false),
        (at(Stage::Login, failure(409), 405), false),
        (at(Stage::Login, failure(418), 406), false),
    ];
    let instances = join_all((0..cases.len()).map(|n| instance(&world, n))).await;
    let runs = cases.iter().zip(&instances).enumerate();
    join_all(
        runs.map(|(n, ((case, wiped), (name, phone)))| {
            closes(&world, n, name, phone, case, *wiped)
        }),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_connection_is_tried_once_more_and_no_more() {
    let world = start().await;
    let (name, phone) = instance(&world, 0).await;
    let trouble = Trouble {
        phone: Some(phone.clone()),
        stage: Stage::Open,
        ending: conflict("replaced"),
        times: None,
    };
    world.whatsapp.order(trouble).await.unwrap();
    strike(&world, &phone, &live(conflict("replaced"), 440), 1).await;
    eventually("closed with 440", PATIENCE, async || {
        let last = told(&world, &name).pop()?;
        (last == ("close".to_owned(), 440)).then_some(())
    })
    .await;
    let told = told(&world, &name);
    assert!(told.contains(&("connecting".to_owned(), 440)), "{told:?}");
    let logins = async || world.whatsapp.devices().await[0].logins;
    let pairing = 1;
    assert_eq!(logins().await, pairing + 1, "one retry");
    assert_eq!(world.row(&name).await["disconnectionReasonCode"], 440);
    world.whatsapp.clear_troubles().await;
    let _ = world.api().get(&format!("/instance/connect/{name}")).await;
    world.wait_for_state(&name, "open").await;
}

/// The same session in two processes: they must not throw each other out for ever.
#[tokio::test(flavor = "multi_thread")]
async fn two_processes_with_one_session_settle_it() {
    let mut world = start().await;
    world.whatsapp.expects_violations(["two-live-sockets"]);
    let (name, _) = instance(&world, 0).await;
    world.kill();
    let copy = world.copy_of_data();
    world.boot();
    let other = Pombal::start(&copy.path().join("data"), &world.options);
    let path = format!("/instance/connectionState/{name}");
    let other_api = Api::new(&other.url);
    eventually("one of them has given up", PATIENCE, async || {
        let state: Value = other_api.get(&path).await.ok();
        let states = [
            world.state(&name).await,
            state["instance"]["state"].as_str().unwrap().to_owned(),
        ];
        (states.contains(&"close".to_owned()) && states.contains(&"open".to_owned())).then_some(())
    })
    .await;
    let pairing = 1;
    let first_logins = 2;
    let retries = 2;
    let logins = world.whatsapp.devices().await[0].logins;
    assert_eq!(logins, pairing + first_logins + retries);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_hours_off_breaks_nothing() {
    for clock_skew_secs in [-5 * 3600, 5 * 3600] {
        let world = start().await;
        let config = Config {
            clock_skew_secs,
            ..Config::default()
        };
        world.whatsapp.set_config(config).await;
        let (name, phone) = instance(&world, 0).await;
        comes_back(&world, 0, &name, &phone, &live(Ending::Close, 428)).await;
        let body = json!({ "number": CUSTOMER, "text": "answer" });
        let sent = world
            .api()
            .post(&format!("/message/sendText/{name}"), body)
            .await;
        assert_eq!(sent.status, 201, "{}", sent.body);
        eventually("the answer arrives", PATIENCE, async || {
            let inbox = world.whatsapp.inbox(CUSTOMER).await.unwrap();
            inbox.iter().any(|item| item.text == "answer").then_some(())
        })
        .await;
    }
}
