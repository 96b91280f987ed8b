//! Everybody who lives on a fleet: instances that text each other, and a customer of each.

use std::time::Duration;

use futures::future::join_all;
use pombal_scenarios::{Fleet, Instance, PATIENCE, World, eventually};
use serde_json::json;
use tokio::sync::watch;

use crate::kill::check;
use crate::kill::traffic::{Promised, Traffic};

/// How many instances there are. With four shards, each connector has some as a rule.
const INSTANCES: usize = 6;
/// Pause between two texts of anybody. The emulator and its functions have to keep up with all
/// of them, on a machine that may have two cores.
const PAUSE: Duration = Duration::from_secs(2);

/// Instances under traffic: each sends texts to the next, and a customer writes to each.
pub(super) struct Town {
    instances: Vec<Instance>,
    promised: Vec<Promised>,
    traffic: Traffic,
    api: watch::Sender<Option<pombal_scenarios::Api>>,
}

impl Town {
    /// Pairs the instances and has everybody talk.
    pub(super) async fn open(fleet: &Fleet) -> Self {
        let world = &fleet.world;
        let openings = (0..INSTANCES).map(|n| async move {
            let (name, phone) = (format!("i{n}"), format!("55119999901{n:02}"));
            world.open(&name, &phone).await
        });
        let instances = join_all(openings).await;
        let promised: Vec<_> = instances.iter().map(|_| Promised::default()).collect();
        let (api, alive) = watch::channel(Some(world.api()));
        let mut traffic = Traffic::unhurried(&world.whatsapp, &alive, PAUSE);
        for (n, (to, promised)) in instances.iter().zip(&promised).enumerate() {
            let from = &instances[(n + 1) % INSTANCES];
            traffic.calls(&from.name, &to.phone, &[promised]);
            let customer = format!("55119888801{n:02}");
            let added = world.whatsapp.add_contact(&customer, "Customer", false);
            added.await.unwrap();
            traffic.writes(&customer, &to.phone, &[promised]);
        }
        Self {
            instances,
            promised,
            traffic,
            api,
        }
    }

    /// Moves every instance to the next shard, all at once, and waits until they live there.
    pub(super) async fn moves(&self, fleet: &Fleet) {
        let api = &fleet.world.api();
        let moves = self.instances.iter().map(|instance| async move {
            let path = format!("/admin/instances/{}", instance.name);
            let now = api.get(&path).await.ok();
            let next = (now["shard"].as_u64().unwrap() + 1) % fleet.shards();
            let asked = api
                .post(&format!("{path}/move"), json!({ "shard": next }))
                .await;
            assert_eq!(asked.status, 202);
            let name = &instance.name;
            let there =
                json!({ "instance": name, "shard": next, "movingTo": null, "arriving": false });
            eventually(
                &format!("{name} lives on shard {next}"),
                2 * PATIENCE,
                async || (api.get(&path).await.ok() == there).then_some(()),
            )
            .await;
        });
        join_all(moves).await;
    }

    /// Waits until every device has an open socket, and the API says so.
    pub(super) async fn is_open(&self, world: &World) {
        eventually("every device is connected", 2 * PATIENCE, async || {
            let devices = world.whatsapp.devices().await;
            devices.iter().all(|device| device.connected).then_some(())
        })
        .await;
        for instance in &self.instances {
            world.wait_for_state(&instance.name, "open").await;
        }
    }

    /// Waits until one more text has arrived at each instance: the town is not only open, it
    /// works.
    pub(super) async fn talks(&self, world: &World) {
        let arrived = |instance: &Instance| world.hooks.of(&instance.name, "messages.upsert").len();
        let before: Vec<usize> = self.instances.iter().map(arrived).collect();
        eventually("texts arrive everywhere", 2 * PATIENCE, async || {
            let mut both = self.instances.iter().zip(&before);
            both.all(|(instance, before)| arrived(instance) > *before)
                .then_some(())
        })
        .await;
    }

    /// Everybody stops. Then nothing may be lost or doubled, and nobody paired anew.
    pub(super) async fn ends(self, world: &World) {
        self.is_open(world).await;
        self.api.send_replace(None);
        drop(self.api);
        self.traffic.ends().await;
        for (instance, promised) in self.instances.iter().zip(&self.promised) {
            let promised = promised.ids().await;
            check::all_arrive(world, &instance.name, &promised).await;
            check::stream_is_whole(world, &instance.name).await;
            check::owners_follow_each_other(world, &instance.name);
            check::paired_once(world, &instance.name, &instance.phone).await;
        }
    }
}
