//! Delivery, seen from its endpoints.

use std::time::Duration;

use pombal_scenarios::{PATIENCE, World, eventually};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_endpoint_delays_nobody_else() {
    let world = World::start().await;
    world.hooks.hang("stuck");
    world.create("stuck").await;
    world.api().get("/instance/connect/stuck").await.ok();
    // By now the endpoint of "stuck" holds its first event, and would for 30 s.
    let start = std::time::Instant::now();
    world.open("free", "5511999990051").await;
    eventually(
        "the other instance's webhooks arrive",
        PATIENCE,
        async || {
            let told = world.hooks.of("free", "connection.update");
            told.iter()
                .any(|body| body["data"]["state"] == "open")
                .then_some(())
        },
    )
    .await;
    assert!(
        start.elapsed() < Duration::from_secs(25),
        "took {:?}",
        start.elapsed()
    );
    assert!(world.hooks.hooks("stuck").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_delivery_is_repeated_even_after_a_kill() {
    let mut world = World::start().await;
    world.hooks.fail("a", true);
    world.create("a").await;
    world.api().get("/instance/connect/a").await.ok();
    eventually("an attempt fails", PATIENCE, async || {
        (world.hooks.refused("a") > 0).then_some(())
    })
    .await;
    world.kill();
    world.hooks.fail("a", false);
    world.boot();
    eventually("the event arrives after all", PATIENCE, async || {
        let told = world.hooks.of("a", "connection.update");
        told.iter().any(|body| body["seq"] == 1).then_some(())
    })
    .await;
    let hook = &world.hooks.hooks("a")[0];
    assert_eq!(
        hook.headers["webhook-id"],
        hook.body["id"].as_str().unwrap()
    );
    assert_eq!(hook.body["apikey"], json!(null));
    assert_eq!(hook.body["destination"], world.hooks.url("a"));
}
