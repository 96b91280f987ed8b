//! `pair`: from `POST /instance/create` to the webhook that says `open`.

use std::time::{Duration, Instant};

use pombal_scenarios::{PATIENCE, World, eventually};

use crate::result::Row;

const RUNS: usize = 20;

pub(crate) async fn run() -> Vec<Row> {
    let world = World::start().await;
    let mut qr: Vec<Duration> = Vec::with_capacity(RUNS);
    let mut open: Vec<Duration> = Vec::with_capacity(RUNS);
    for n in 0..RUNS {
        let name = format!("pair-{n}");
        let start = Instant::now();
        world.create(&name).await;
        let connect = world
            .api()
            .get(&format!("/instance/connect/{name}"))
            .await
            .ok();
        qr.push(start.elapsed());
        let code = connect["code"].as_str().unwrap_or_default();
        let scanned = world.whatsapp.scan(code, None, Some("Bench")).await;
        assert!(scanned.is_ok(), "the code was not taken");
        let at = eventually("open", PATIENCE, async || {
            let hooks = world.hooks.hooks(&name);
            hooks
                .iter()
                .find(|hook| hook.body["data"]["state"] == "open")
                .map(|hook| hook.at)
        })
        .await;
        open.push(at - start);
    }
    vec![
        Row::percentile("create to QR code", 0.5, &mut qr),
        Row::percentile("create to open", 0.5, &mut open),
        Row::percentile("create to open", 0.99, &mut open),
    ]
}
