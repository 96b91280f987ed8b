//! The process is killed under traffic, again and again. Nothing is lost, nothing is doubled.

pub(crate) mod check;
mod shards;
pub(crate) mod traffic;

use std::time::Duration;

use fake_whatsapp::GroupPlan;
use pombal_scenarios::{Api, Instance, PATIENCE, World, eventually};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;

use traffic::{Promised, Traffic};

/// Kills in an ordinary run; the nightly command sets `POMBAL_KILL_ROUNDS`.
const ROUNDS: u32 = 10;
/// Messages promised to each instance before the end, over all rounds.
const MESSAGES: usize = 200;
/// Callers of the API per direction, each with one request at a time.
const CALLERS: usize = 3;
/// On the deployment the lease of who was killed has to run out first. A short one, so that most
/// kills hit an owner.
const LEASE_MS: &str = "2000";
/// Overridden by `POMBAL_KILL_SEED`, to repeat a run.
const SEED: u64 = 0x706f_6d62_616c;

const OWNER_A: &str = "5511999990031";
const OWNER_B: &str = "5511999990032";
const CUSTOMER: &str = "5511988880001";

fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} is a number")),
        Err(_) => default,
    }
}

/// Kills and boots `rounds` times, at moments drawn from `rng`.
async fn kill_again_and_again(
    world: &mut World,
    api: &watch::Sender<Option<Api>>,
    rounds: u64,
    rng: &mut SmallRng,
) {
    for round in 0..rounds {
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
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_under_traffic_lose_nothing() {
    let seed = setting("POMBAL_KILL_SEED", SEED);
    let rounds = setting("POMBAL_KILL_ROUNDS", ROUNDS.into());
    eprintln!("seed {seed}, {rounds} rounds");
    let mut rng = SmallRng::seed_from_u64(seed);
    let mut world = World::start_with(|options| options.env("LEASE_MS", LEASE_MS)).await;
    let a = world.open("a", OWNER_A).await;
    let b = world.open("b", OWNER_B).await;
    let added = world
        .whatsapp
        .add_contact(CUSTOMER, "Customer", false)
        .await;
    added.unwrap();
    let plan = GroupPlan {
        creator: CUSTOMER.to_owned(),
        subject: "Everybody".to_owned(),
        members: vec![a.phone.clone(), b.phone.clone()],
        addressing: Default::default(),
    };
    let group = world.whatsapp.create_group(plan).await.unwrap();
    let group = group.group.unwrap().id;

    let (api, alive) = watch::channel(Some(world.api()));
    let (to_a, to_b) = (Promised::default(), Promised::default());
    let mut traffic = Traffic::new(&world.whatsapp, &alive);
    for _ in 0..CALLERS {
        traffic.calls("a", &b.phone, &[&to_b]);
        traffic.calls("b", &a.phone, &[&to_a]);
    }
    traffic.calls("a", &group, &[&to_b]);
    traffic.calls("b", &group, &[&to_a]);
    traffic.writes(CUSTOMER, &a.phone, &[&to_a]);
    traffic.writes(CUSTOMER, &group, &[&to_a, &to_b]);
    traffic.mutes(&a.phone, CUSTOMER);
    traffic.mutes(&b.phone, CUSTOMER);
    drop(alive);

    kill_again_and_again(&mut world, &api, rounds, &mut rng).await;
    ends_well(&world, api, traffic, MESSAGES, [(&a, &to_a), (&b, &to_b)]).await;
}

/// What survived all that still works: the traffic goes on until there was enough of it. Then
/// everybody stops, and nothing may be lost or doubled.
async fn ends_well(
    world: &World,
    api: watch::Sender<Option<Api>>,
    traffic: Traffic,
    messages: usize,
    promised: [(&Instance, &Promised); 2],
) {
    let [(_, to_a), (_, to_b)] = promised;
    eventually("enough traffic", 3 * PATIENCE, async || {
        let enough = to_a.ids().await.len() >= messages && to_b.ids().await.len() >= messages;
        enough.then_some(())
    })
    .await;
    // No API any more, and nobody who could bring another one: everybody stops.
    api.send_replace(None);
    drop(api);
    traffic.ends().await;

    for (instance, promised) in promised {
        check::all_arrive(world, &instance.name, &promised.ids().await).await;
        check::follows_app_state(world, &instance.name, &instance.phone).await;
        check::stream_is_whole(world, &instance.name).await;
        check::paired_once(world, &instance.name, &instance.phone).await;
    }
}
