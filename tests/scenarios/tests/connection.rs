//! How connections end, and what follows.

use std::time::Duration;

use fake_whatsapp::{DropHow, Refusal};
use pombal_scenarios::{PATIENCE, World, eventually};

/// The states that `connection.update` told, in order.
fn states(world: &World, name: &str) -> Vec<(String, u64)> {
    let updates = world.hooks.of(name, "connection.update").into_iter();
    updates
        .map(|body| {
            let data = &body["data"];
            let state = data["state"].as_str().unwrap().to_owned();
            (state, data["statusReason"].as_u64().unwrap())
        })
        .collect()
}

async fn wait_for_told(world: &World, name: &str, state: &str, reason: u64) {
    let what = format!("{name} tells {state} {reason}");
    eventually(&what, PATIENCE, async || {
        states(world, name)
            .contains(&(state.to_owned(), reason))
            .then_some(())
    })
    .await;
}

/// How often `phone`'s devices have logged in.
async fn logins(world: &World, phone: &str) -> u64 {
    let devices = world.whatsapp.devices().await;
    devices
        .iter()
        .filter(|device| device.phone == phone)
        .map(|device| device.logins)
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_socket_comes_back_by_itself() {
    let world = World::start().await;
    let a = world.open("a", "5511999990021").await;
    for (how, logins_before) in [(DropHow::Close, 1), (DropHow::Eof, 2)] {
        assert_eq!(logins(&world, &a.phone).await - logins_before, 0);
        world
            .whatsapp
            .drop_sockets(&a.phone, how, None)
            .await
            .unwrap();
        eventually("a new login", PATIENCE, async || {
            (logins(&world, &a.phone).await == logins_before + 1).then_some(())
        })
        .await;
        world.wait_for_state("a", "open").await;
    }
    eventually("two comebacks told", PATIENCE, async || {
        let told = states(&world, "a");
        let open = told.iter().filter(|(state, _)| state == "open").count();
        (open == 3).then_some(())
    })
    .await;
    let told = states(&world, "a");
    let lost = told
        .iter()
        .filter(|(state, reason)| state == "connecting" && *reason != 200);
    assert_eq!(lost.count(), 2, "each loss is told once: {told:?}");
    world.assert_no_violations().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logged_out_by_the_phone_means_a_fresh_qr_code() {
    let world = World::start().await;
    let a = world.open("a", "5511999990022").await;
    world.whatsapp.logout(&a.phone).await.unwrap();
    wait_for_told(&world, "a", "close", 401).await;
    world.wait_for_state("a", "close").await;
    eventually("logout.instance is told", PATIENCE, async || {
        (world.hooks.of("a", "logout.instance").len() == 1).then_some(())
    })
    .await;
    let row = world.row("a").await;
    assert_eq!(row["disconnectionReasonCode"], 401);
    assert!(row["ownerJid"].is_null());

    // The session is gone: connecting means pairing, and that works again.
    world.scan("a", &a.phone).await;
    world.assert_no_violations().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forbidden_login_is_not_repeated() {
    let world = World::start().await;
    let a = world.open("a", "5511999990023").await;
    world
        .whatsapp
        .refuse(Refusal {
            phone: Some(a.phone.clone()),
            code: 403,
            times: None,
        })
        .await;
    world
        .whatsapp
        .drop_sockets(&a.phone, DropHow::Close, None)
        .await
        .unwrap();
    wait_for_told(&world, "a", "close", 403).await;
    let refused = async || {
        let page = world
            .whatsapp
            .seen(Some(&a.phone), Some("login-refused"), 0)
            .await;
        page.items.len()
    };
    assert_eq!(refused().await, 1);

    // A restart of the process is no reason to try again, a user's wish is.
    let mut world = world;
    world.kill();
    world.boot();
    world.wait_for_state("a", "close").await;
    world.whatsapp.clear_troubles().await;
    let seen = world
        .whatsapp
        .seen(Some(&a.phone), Some("login-refused"), 0)
        .await;
    assert_eq!(seen.items.len(), 1, "no dial without a wish");
    let _ = world.api().get("/instance/connect/a").await;
    world.wait_for_state("a", "open").await;
    world.assert_no_violations().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_that_nobody_scans_stop_at_the_limit() {
    let world = World::start_with(|options| options.env("QRCODE_LIMIT", "1")).await;
    world.create("a").await;
    let connect = world.api().get("/instance/connect/a").await.ok();
    assert_eq!(connect["count"], 1);
    // The first code of WhatsApp lives 60 s; the second would be one too many.
    let patience = PATIENCE + Duration::from_secs(60);
    eventually("the limit is told", patience, async || {
        states(&world, "a")
            .contains(&("refused".to_owned(), 428))
            .then_some(())
    })
    .await;
    world.wait_for_state("a", "close").await;
    let codes = world.hooks.of("a", "qrcode.updated");
    assert_eq!(codes.len(), 2);
    assert_eq!(codes[1]["data"]["statusCode"], 500);
    eventually("the socket is closed", PATIENCE, async || {
        world.whatsapp.pairings().await.is_empty().then_some(())
    })
    .await;
    // Asking again starts again.
    let again = world.api().get("/instance/connect/a").await.ok();
    assert_eq!(again["count"], 1);
    assert_ne!(again["code"], connect["code"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn restart_logout_and_delete_do_what_they_say() {
    let world = World::start().await;
    let a = world.open("a", "5511999990024").await;
    world
        .api()
        .post("/instance/restart/a", serde_json::json!({}))
        .await
        .ok();
    eventually("a second login", PATIENCE, async || {
        (logins(&world, &a.phone).await == 2).then_some(())
    })
    .await;
    world.wait_for_state("a", "open").await;

    let out = world.api().delete("/instance/logout/a").await.ok();
    assert_eq!(out["status"], "SUCCESS");
    world.wait_for_state("a", "close").await;
    let linked = world
        .whatsapp
        .devices()
        .await
        .iter()
        .filter(|d| d.phone == a.phone)
        .count();
    assert_eq!(linked, 0, "the phone no longer lists the device");
    assert_eq!(world.api().delete("/instance/logout/a").await.status, 400);

    world.scan("a", &a.phone).await;
    let deleted = world.api().delete("/instance/delete/a").await.ok();
    assert_eq!(deleted["status"], "SUCCESS");
    assert_eq!(
        world.api().get("/instance/connectionState/a").await.status,
        404
    );
    eventually("the device is unlinked", PATIENCE, async || {
        let devices = world.whatsapp.devices().await;
        devices
            .iter()
            .all(|device| device.phone != a.phone)
            .then_some(())
    })
    .await;

    // The name is free, and the new instance has nothing of the old one.
    world.create("a").await;
    assert!(world.row("a").await["ownerJid"].is_null());
    assert_eq!(world.state("a").await, "close");
}
