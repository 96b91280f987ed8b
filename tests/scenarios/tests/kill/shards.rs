//! Instances change shards: in order, and under traffic while the process is killed.

use std::time::Duration;

use pombal_scenarios::{Api, PATIENCE, World, eventually};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::traffic::{Promised, Traffic};
use super::{CALLERS, CUSTOMER, check, ends_well, setting};

/// Shards of the server.
const SHARDS: u64 = 16;
/// Moves in an ordinary run; `POMBAL_MOVE_ROUNDS` changes it.
const ROUNDS: u64 = 12;
/// Messages promised to each instance before the end, over all rounds.
const MESSAGES: usize = 150;
/// Overridden by `POMBAL_MOVE_SEED`, to repeat a run.
const SEED: u64 = 0x6d6f_7665;

async fn start() -> World {
    World::start_with(|options| options.env("POMBAL_SHARDS", &SHARDS.to_string())).await
}

/// Where the API says an instance is.
async fn whereabouts(api: &Api, name: &str) -> Value {
    api.get(&format!("/admin/instances/{name}")).await.ok()
}

async fn shard_of(api: &Api, name: &str) -> u64 {
    whereabouts(api, name).await["shard"].as_u64().unwrap()
}

/// Asks for a move. False: it lives there already, as it may after a move that a kill hid.
async fn ask(api: &Api, name: &str, shard: u64) -> bool {
    let path = format!("/admin/instances/{name}/move");
    let asked = api.post(&path, json!({ "shard": shard })).await;
    match asked.status {
        202 => true,
        400 => false,
        _ => panic!("{} {}", asked.status, asked.body),
    }
}

/// Waits until an instance lives on a shard, with everything it has.
async fn wait_for_shard(world: &World, name: &str, shard: u64) {
    let what = format!("{name} lives on shard {shard}");
    let there = json!({ "instance": name, "shard": shard, "movingTo": null, "arriving": false });
    eventually(&what, 2 * PATIENCE, async || {
        (whereabouts(&world.api(), name).await == there).then_some(())
    })
    .await;
}

/// Another shard than the one it is on.
async fn next_shard(world: &World, name: &str) -> u64 {
    (shard_of(&world.api(), name).await + 1) % SHARDS
}

async fn logins(world: &World, phone: &str) -> u64 {
    let devices = world.whatsapp.devices().await;
    let mine = devices.iter().filter(|device| device.phone == phone);
    mine.map(|device| device.logins).sum()
}

async fn send(world: &World, from: &str, to: &str, text: &str) -> String {
    let body = json!({ "number": to, "text": text });
    let path = format!("/message/sendText/{from}");
    let sent = world.api().post(&path, body).await.ok();
    sent["key"]["id"].as_str().unwrap().to_owned()
}

/// Parcels that lie between two shards.
fn parcels(world: &World) -> usize {
    let moves = world.data().join("sessions/shards/moves");
    let Ok(shards) = std::fs::read_dir(moves) else {
        return 0;
    };
    let parcels = shards.map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap().count());
    parcels.sum()
}

async fn no_parcel_is_left(world: &World) {
    eventually("no parcel is left", PATIENCE, async || {
        (parcels(world) == 0).then_some(())
    })
    .await;
}

/// Each move begins a new epoch, and none goes back: every shard is in its first.
#[track_caller]
fn assert_epochs_grow(world: &World, name: &str, moves: u64) {
    let hooks = world.hooks.hooks(name);
    let number = |body: &Value, field: &str| body[field].as_u64().unwrap();
    let mut places: Vec<_> = hooks
        .iter()
        .map(|hook| (number(&hook.body, "seq"), number(&hook.body, "epoch")))
        .collect();
    places.sort_unstable();
    assert!(places.is_sorted_by_key(|(_, epoch)| *epoch), "{places:?}");
    let last = places.last().map(|(_, epoch)| *epoch);
    assert_eq!(last, Some(1 + moves), "{places:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_instance_changes_shards_without_a_word() {
    let world = start().await;
    let a = world.open("a", "5511999990035").await;
    let b = world.open("b", "5511999990036").await;
    let home = shard_of(&world.api(), "a").await;
    let away = (home + 1) % SHARDS;
    let before = logins(&world, &a.phone).await;
    let mut promised = vec![send(&world, "b", &a.phone, "before").await];
    // There, on to a third one at once, and back to where it left its rows.
    for (n, shard) in [away, (home + 2) % SHARDS, home].into_iter().enumerate() {
        assert!(ask(&world.api(), "a", shard).await);
        // Whatever is sent meanwhile arrives, and WhatsApp keeps what comes in.
        promised.push(send(&world, "b", &a.phone, &format!("during {n}")).await);
        send(&world, "a", &b.phone, &format!("away {n}")).await;
        wait_for_shard(&world, "a", shard).await;
        world.wait_for_state("a", "open").await;
        promised.push(send(&world, "b", &a.phone, &format!("after {n}")).await);
        let sent = send(&world, "a", &b.phone, &format!("there {n}")).await;
        check::all_arrive(&world, "b", &[sent]).await;
        assert!(!ask(&world.api(), "a", shard).await);
    }
    check::all_arrive(&world, "a", &promised).await;
    check::stream_is_whole(&world, "a").await;
    check::stream_is_whole(&world, "b").await;
    check::paired_once(&world, "a", &a.phone).await;
    // One connection each, and for those who listen it was never closed.
    assert_eq!(logins(&world, &a.phone).await, before + 3);
    let closed = world.hooks.of("a", "connection.update").into_iter();
    let closed: Vec<_> = closed
        .filter(|body| body["data"]["state"] == "close")
        .collect();
    assert_eq!(closed, Vec::<Value>::new());
    no_parcel_is_left(&world).await;
    assert_epochs_grow(&world, "a", 3);

    // A user's wishes follow it.
    assert!(ask(&world.api(), "a", away).await);
    let logged_out = world.api().delete("/instance/logout/a").await;
    logged_out.ok();
    world.wait_for_state("a", "close").await;
    wait_for_shard(&world, "a", away).await;
    assert!(ask(&world.api(), "b", next_shard(&world, "b").await).await);
    world.api().delete("/instance/delete/b").await.ok();
    let gone = world.api().get("/admin/instances/b").await;
    assert_eq!(gone.status, 404);
    no_parcel_is_left(&world).await;
}

/// Kills the process some time after a move was asked for, or lets it be.
async fn move_and_kill(
    world: &mut World,
    api: &watch::Sender<Option<Api>>,
    rounds: u64,
    rng: &mut SmallRng,
) {
    for round in 0..rounds {
        for name in ["a", "b"] {
            if rng.random_ratio(2, 3) {
                ask(&world.api(), name, rng.random_range(0..SHARDS)).await;
            }
        }
        if round % 3 == 2 {
            world.wait_for_state("a", "open").await;
            world.wait_for_state("b", "open").await;
            continue;
        }
        // The moment of the kill is what is random here, not a condition.
        let moment = Duration::from_millis(rng.random_range(0..2500));
        tokio::time::sleep(moment).await;
        api.send_replace(None);
        world.kill();
        world.boot();
        api.send_replace(Some(world.api()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn moves_and_kills_under_traffic_lose_nothing() {
    let seed = setting("POMBAL_MOVE_SEED", SEED);
    let rounds = setting("POMBAL_MOVE_ROUNDS", ROUNDS);
    eprintln!("seed {seed}, {rounds} rounds");
    let mut rng = SmallRng::seed_from_u64(seed);
    let mut world = start().await;
    let a = world.open("a", "5511999990037").await;
    let b = world.open("b", "5511999990038").await;
    let added = world.whatsapp.add_contact(CUSTOMER, "Customer", false);
    added.await.unwrap();

    let (api, alive) = watch::channel(Some(world.api()));
    let (to_a, to_b) = (Promised::default(), Promised::default());
    let mut traffic = Traffic::new(&world.whatsapp, &alive);
    for _ in 0..CALLERS {
        traffic.calls("a", &b.phone, &[&to_b]);
        traffic.calls("b", &a.phone, &[&to_a]);
    }
    traffic.writes(CUSTOMER, &a.phone, &[&to_a]);
    traffic.mutes(&a.phone, CUSTOMER);
    traffic.mutes(&b.phone, CUSTOMER);
    drop(alive);

    move_and_kill(&mut world, &api, rounds, &mut rng).await;
    // And once more, each to its last shard.
    for name in ["a", "b"] {
        let shard = next_shard(&world, name).await;
        assert!(ask(&world.api(), name, shard).await);
        wait_for_shard(&world, name, shard).await;
        world.wait_for_state(name, "open").await;
    }
    ends_well(&world, api, traffic, MESSAGES, [(&a, &to_a), (&b, &to_b)]).await;
}
