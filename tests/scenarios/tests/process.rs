//! The process itself: builds, start and end.

use std::time::Duration;

use pombal_scenarios::{Api, Build, PATIENCE, Pombal, PombalOptions, World, eventually};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_in_order_and_logs_nobody_out() {
    let mut world = World::start().await;
    let a = world.open("a", "5511999990041").await;
    let b = world.open("b", "5511999990042").await;
    let (status, took) = world.pombal.take().unwrap().terminate();
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(10), "took {took:?}");
    let devices = world.whatsapp.devices().await;
    assert_eq!(devices.len(), 2, "devices stay linked");
    assert!(
        devices.iter().all(|device| !device.connected),
        "sockets are closed"
    );

    // What comes in meanwhile is there after the start.
    let id = world
        .whatsapp
        .send_from_phone(&b.phone, &a.phone, "while you were out", None)
        .await
        .unwrap();
    world.boot();
    world.wait_for_state("a", "open").await;
    world.wait_for_state("b", "open").await;
    eventually("the message sent meanwhile", PATIENCE, async || {
        let upserts = world.hooks.of("a", "messages.upsert");
        upserts
            .iter()
            .any(|body| body["data"]["key"]["id"] == id.as_str())
            .then_some(())
    })
    .await;
    assert_eq!(world.hooks.of("a", "qrcode.updated").len(), 1);
    world.assert_no_violations().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_production_build_rejects_the_fake_servers_certificate() {
    let world = World::start().await;
    let dir = tempfile::tempdir().unwrap();
    let options = PombalOptions {
        build: Build::Production,
        ..PombalOptions::demo(world.whatsapp.ws_url())
    };
    let production = Pombal::start(&dir.path().join("data"), &options);
    let api = Api::new(&production.url);
    api.post(
        "/instance/create",
        json!({ "instanceName": "p", "integration": "WHATSAPP-BAILEYS" }),
    )
    .await
    .ok();
    let dial = tokio::spawn(async move { api.get("/instance/connect/p").await });
    eventually(
        "the handshake is broken off by the client",
        PATIENCE,
        async || {
            let failed = world.whatsapp.seen(None, Some("handshake-failed"), 0).await;
            (!failed.items.is_empty()).then_some(())
        },
    )
    .await;
    let answer = dial.await.unwrap();
    assert!(answer.body["code"].is_null(), "no QR code: {}", answer.body);
    assert!(world.whatsapp.pairings().await.is_empty());
    let log = production.log();
    assert!(log.contains("ended before the login"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_brings_its_own_whatsapp_and_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let options = PombalOptions {
        whatsapp_url: None,
        args: ["--fake-whatsapp", "--fake-whatsapp-page", "127.0.0.1:0"]
            .map(Into::into)
            .to_vec(),
        env: Vec::new(),
        ..PombalOptions::demo(String::new())
    };
    let page_of = |demo: &Pombal| {
        let line = demo
            .greeting
            .lines()
            .find_map(|line| line.split_once("QR codes on "));
        line.expect("it prints where to look").1.to_owned()
    };
    let demo = Pombal::start(&data, &options);
    let api = Api::new(&demo.url);
    let phones = Api::new(&page_of(&demo));
    assert_eq!(phones.get("/").await.status, 200);
    api.post(
        "/instance/create",
        json!({ "instanceName": "d", "integration": "WHATSAPP-BAILEYS" }),
    )
    .await
    .ok();
    api.get("/instance/connect/d").await.ok();
    // The page shows the code by itself, and its button scans it.
    let qr = eventually("the page knows the QR code", PATIENCE, async || {
        let pairings = phones.get("/api/pairings").await.ok();
        pairings[0]["qr"].as_str().map(str::to_owned)
    })
    .await;
    phones
        .post("/api/scan", json!({ "qr": qr, "name": "Demo" }))
        .await
        .ok();
    let wait_until_open = async |api: &Api| {
        eventually("the instance is open", PATIENCE, async || {
            let state = api.get("/instance/connectionState/d").await.ok();
            (state["instance"]["state"] == "open").then_some(())
        })
        .await;
    };
    wait_until_open(&api).await;

    demo.kill();
    let demo = Pombal::start(&data, &options);
    let phones = Api::new(&page_of(&demo));
    eventually("a second login without a scan", PATIENCE, async || {
        let devices = phones.get("/api/devices").await.ok();
        (devices[0]["connected"] == true && devices[0]["logins"] == 2).then_some(())
    })
    .await;
    wait_until_open(&Api::new(&demo.url)).await;
    assert_eq!(phones.get("/api/violations").await.ok(), json!([]));
}

#[test]
fn a_demo_build_refuses_whatsapp() {
    let dir = tempfile::tempdir().unwrap();
    for url in [None, Some("wss://web.whatsapp.com/ws/chat".to_owned())] {
        let options = PombalOptions {
            whatsapp_url: url,
            ..PombalOptions::demo(String::new())
        };
        let message = Pombal::refuses(&dir.path().join("data"), &options);
        assert!(message.contains("demo build"), "{message}");
    }
}

#[test]
fn a_bad_proxy_in_the_environment_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let long = "x".repeat(256);
    for (name, value) in [
        ("PROXY_HOST", "http://proxy.test"),
        ("PROXY_PORT", "0"),
        ("PROXY_PORT", "70000"),
        ("PROXY_PROTOCOL", "socks4"),
        ("PROXY_USERNAME", long.as_str()),
        ("PROXY_PASSWORD", "of-no-proxy"),
        ("PROXY_ALLOW_PRIVATE", "yes"),
    ] {
        let options = PombalOptions::demo("ws://127.0.0.1:9/ws/chat".to_owned());
        let options = options.env(name, value);
        let message = Pombal::refuses(&dir.path().join("data"), &options);
        assert!(message.contains(&format!("{name}: ")), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_whatsapp_is_said_and_backed_off() {
    let dir = tempfile::tempdir().unwrap();
    // A port that nobody listens on.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/ws/chat", free.local_addr().unwrap());
    drop(free);
    let options = PombalOptions {
        build: Build::Production,
        ..PombalOptions::demo(url)
    };
    let pombal = Pombal::start(&dir.path().join("data"), &options);
    let api = Api::new(&pombal.url);
    api.post(
        "/instance/create",
        json!({ "instanceName": "p", "integration": "WHATSAPP-BAILEYS" }),
    )
    .await
    .ok();
    let connect = tokio::spawn(async move {
        let answer = api.get("/instance/connect/p").await;
        (answer, api.get("/instance/connectionState/p").await)
    });
    eventually("the log says so", PATIENCE, async || {
        pombal
            .log()
            .contains("WhatsApp can't be reached; backing off")
            .then_some(())
    })
    .await;
    let (connect, state) = connect.await.unwrap();
    assert!(connect.body["code"].is_null(), "{}", connect.body);
    assert_eq!(state.body["instance"]["state"], "connecting");
    assert_eq!(state.body["statusReason"], 503);
}
