//! Many paired instances.

use std::time::Duration;

use futures::{StreamExt, stream};
use pombal_scenarios::{Api, World, eventually};
use serde_json::json;

use crate::result::Row;

/// Instances that are being paired at a time. A code is good for 20 s, and the emulator has
/// one process for everything.
const AT_A_TIME: usize = 8;
/// Longest wait for the logins that follow the scans.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) struct Town {
    count: usize,
}

impl Town {
    /// Creates so many instances through the API, and scans a QR code for each.
    pub(super) async fn pair(world: &World, count: usize) -> Self {
        let api = world.api();
        let pairings = (0..count).map(|n| pair(world, &api, n));
        let pairings = stream::iter(pairings).buffer_unordered(AT_A_TIME);
        pairings.collect::<Vec<()>>().await;
        eventually("every device has logged in", PATIENCE, async || {
            let devices = world.whatsapp.devices().await;
            let connected = devices.iter().filter(|device| device.connected);
            (connected.count() == count).then_some(())
        })
        .await;
        Self { count }
    }

    /// How many QR codes were scanned after that.
    pub(super) async fn new_codes(&self, world: &World) -> Row {
        let pairs = world.whatsapp.seen(None, Some("pair"), 0).await.items;
        // Codes that are only shown belong to no phone yet.
        let scanned = pairs.iter().filter(|pair| pair.phone.is_some()).count();
        #[expect(clippy::cast_precision_loss, reason = "a small count")]
        let value = scanned.abs_diff(self.count) as f64;
        Row {
            metric: "instances paired anew after all that".to_owned(),
            value,
            unit: "instances",
            target: Some(0.0),
            runs: self.count,
            note: None,
        }
    }
}

async fn pair(world: &World, api: &Api, n: usize) {
    let name = format!("b{n}");
    let body = json!({ "instanceName": name, "integration": "WHATSAPP-BAILEYS" });
    api.post("/instance/create", body).await.ok();
    let connect = format!("/instance/connect/{name}");
    let code = eventually(&format!("{name} has a code"), PATIENCE, async || {
        let answer = api.get(&connect).await.ok();
        answer["code"].as_str().map(str::to_owned)
    })
    .await;
    let phone = format!("55119{n:08}");
    let scanned = world.whatsapp.scan(&code, Some(&phone), Some("Bench"));
    if let Err(error) = scanned.await {
        panic!("the code of {name} was not taken: {error}");
    }
}
