//! An instance with a proxy: everything goes through it, and nothing beside it.

use fake_proxy::{EXIT, FakeProxy, Speaks};
use fake_whatsapp::Change;
use pombal_scenarios::{Answer, PATIENCE, World, eventually};
use serde_json::{Value, json};

const OWNER: &str = "5511999990071";

/// A world in which instances may have proxies on loopback.
async fn world() -> World {
    World::start_with(|options| options.env("PROXY_ALLOW_PRIVATE", "true")).await
}

async fn set(world: &World, name: &str, body: Value) -> Answer {
    world.api().post(&format!("/proxy/set/{name}"), body).await
}

fn through(proxy: &FakeProxy, protocol: &str, password: &str) -> Value {
    json!({
        "enabled": true, "host": "127.0.0.1", "port": proxy.port().to_string(),
        "protocol": protocol, "username": "ana", "password": password,
    })
}

/// Where WhatsApp saw connections of this kind come from.
async fn peers(world: &World, kind: &str) -> Vec<String> {
    let seen = world.whatsapp.seen(None, Some(kind), 0).await.items;
    let peers = seen.into_iter().map(|item| item.details["from"].clone());
    peers.map(|it| it.as_str().unwrap().to_owned()).collect()
}

/// Connections and requests that did not come through a proxy.
async fn beside(world: &World) -> usize {
    let mut peers = [
        peers(world, "dial").await,
        peers(world, "media-request").await,
    ]
    .concat();
    peers.retain(|peer| *peer != EXIT.to_string());
    peers.len()
}

/// How often the log says that WhatsApp was not reached.
fn failures(world: &World) -> usize {
    world.pombal().log().matches("backing off").count()
}

async fn until_failures(world: &World, count: usize) {
    eventually("dials fail", PATIENCE, async || {
        (failures(world) >= count).then_some(())
    })
    .await;
}

async fn revive(proxy: &FakeProxy) {
    eventually("the proxy has its port again", PATIENCE, async || {
        proxy.revive().ok()
    })
    .await;
}

/// An account whose settings are so many that they come as a file from the media host.
async fn an_account_with_settings(world: &World) {
    world.whatsapp.seed_history(OWNER, 1, 5).await.unwrap();
    for n in 0..10 {
        let change = Change::Pin {
            chat: (5_521_900_000_001_u64 + n).to_string(),
            on: true,
        };
        let changed = world.whatsapp.change_on_phone(OWNER, &change).await;
        changed.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_and_files_go_through_the_proxy_and_nothing_beside_it() {
    for (speaks, protocol) in [(Speaks::Http, "http"), (Speaks::Socks5, "socks")] {
        let world = world().await;
        an_account_with_settings(&world).await;
        let proxy = FakeProxy::start_for(speaks, "ana", "hush").await;
        let body = json!({
            "instanceName": "far", "integration": "WHATSAPP-BAILEYS",
            "proxyHost": "127.0.0.1", "proxyPort": proxy.port(), "proxyProtocol": protocol,
            "proxyUsername": "ana", "proxyPassword": "hush",
        });
        world.api().post("/instance/create", body).await.ok();
        world.scan("far", OWNER).await;
        eventually("the file is fetched", PATIENCE, async || {
            (!peers(&world, "media-request").await.is_empty()).then_some(())
        })
        .await;
        assert_eq!(beside(&world).await, 0, "{protocol}");
        let hosts = proxy.targets();
        let sockets = world.whatsapp.ws_url();
        let sockets = hosts.iter().filter(|host| sockets.contains(*host)).count();
        // One to try it, one to pair, one to log in; and the media host.
        assert!(
            sockets >= 3 && hosts.len() > sockets,
            "{protocol}: {hosts:?}"
        );
        let row = world.row("far").await;
        assert_eq!(row["Proxy"]["password"], "hush");
        let log = world.pombal().log();
        assert!(!log.contains("hush"), "the password is in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_proxy_takes_effect_at_once() {
    let world = world().await;
    world.open("mover", OWNER).await;
    let first = FakeProxy::start_for(Speaks::Http, "ana", "hush").await;
    let second = FakeProxy::start_for(Speaks::Socks5, "ana", "hush").await;
    for (proxy, protocol) in [(&first, "http"), (&second, "socks5")] {
        set(&world, "mover", through(proxy, protocol, "hush"))
            .await
            .ok();
        // One connection was to try it.
        eventually("the instance connects through it", PATIENCE, async || {
            (proxy.targets().len() >= 2).then_some(())
        })
        .await;
        world.wait_for_state("mover", "open").await;
    }
    let direct = beside(&world).await;
    set(&world, "mover", json!({ "enabled": false })).await.ok();
    eventually("the instance connects directly", PATIENCE, async || {
        (beside(&world).await > direct).then_some(())
    })
    .await;
    world.wait_for_state("mover", "open").await;
    let found = world.api().get("/proxy/find/mover").await.ok();
    assert_eq!(
        (&found["enabled"], &found["host"], &found["protocol"]),
        (&json!(false), &json!("127.0.0.1"), &json!("socks5"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_proxy_is_waited_for_and_never_gone_around() {
    for (speaks, protocol) in [(Speaks::Http, "http"), (Speaks::Socks5, "socks5")] {
        let mut world = world().await;
        let proxy = FakeProxy::start_for(speaks, "ana", "hush").await;
        world.create("patient").await;
        set(&world, "patient", through(&proxy, protocol, "hush"))
            .await
            .ok();
        world.scan("patient", OWNER).await;

        proxy.kill();
        world.wait_for_state("patient", "connecting").await;
        until_failures(&world, 2).await;
        eventually("it is told as unavailable", PATIENCE, async || {
            let told = world.hooks.of("patient", "connection.update");
            let is_told = |body: &Value| body["data"]["statusReason"] == 503;
            told.iter().any(is_told).then_some(())
        })
        .await;
        // Nor by a process that starts anew.
        world.kill();
        world.boot();
        until_failures(&world, failures(&world) + 1).await;
        assert_eq!(beside(&world).await, 0, "{protocol}");

        revive(&proxy).await;
        // Who asks for it does not wait until it would be tried again.
        let api = world.api();
        api.post("/instance/restart/patient", json!({})).await.ok();
        world.wait_for_state("patient", "open").await;
        assert_eq!(beside(&world).await, 0, "{protocol}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_refused_and_one_that_becomes_wrong_is_no_way_around() {
    let world = world().await;
    let proxy = FakeProxy::start_for(Speaks::Socks5, "ana", "hush").await;
    world.create("locked").await;
    let refused = set(&world, "locked", through(&proxy, "socks5", "wrong")).await;
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.body["response"]["message"],
        json!(["Invalid proxy"])
    );
    let found = world.api().get("/proxy/find/locked").await;
    assert_eq!((found.status, found.body), (200, Value::Null));

    set(&world, "locked", through(&proxy, "socks5", "hush"))
        .await
        .ok();
    world.scan("locked", OWNER).await;
    proxy.change_password("another");
    proxy.kill();
    revive(&proxy).await;
    eventually("it is turned away again and again", PATIENCE, async || {
        (proxy.turned_away() >= 3).then_some(())
    })
    .await;
    assert_eq!(world.state("locked").await, "connecting");
    assert_eq!(beside(&world).await, 0);
    set(&world, "locked", through(&proxy, "socks5", "another"))
        .await
        .ok();
    world.wait_for_state("locked", "open").await;
    assert_eq!(beside(&world).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_proxy_is_for_instances_without_their_own() {
    let operators = FakeProxy::start_for(Speaks::Http, "pombal", "secret").await;
    let own = FakeProxy::start_for(Speaks::Socks5, "ana", "hush").await;
    let world = World::start_with(|options| {
        options
            .env("PROXY_ALLOW_PRIVATE", "true")
            .env("PROXY_HOST", "127.0.0.1")
            .env("PROXY_PORT", &operators.port().to_string())
            .env("PROXY_USERNAME", "pombal")
            .env("PROXY_PASSWORD", "secret")
    })
    .await;
    world.open("plain", OWNER).await;
    let so_far = operators.targets().len();
    assert!(so_far >= 2, "to pair, and to log in");
    set(&world, "plain", through(&own, "socks5", "hush"))
        .await
        .ok();
    eventually(
        "the instance connects through its own",
        PATIENCE,
        async || (own.targets().len() >= 2).then_some(()),
    )
    .await;
    world.wait_for_state("plain", "open").await;
    assert_eq!(operators.targets().len(), so_far);
    // Off is no way around the operator's.
    set(&world, "plain", json!({ "enabled": false })).await.ok();
    eventually("the instance is back", PATIENCE, async || {
        (operators.targets().len() > so_far).then_some(())
    })
    .await;
    world.wait_for_state("plain", "open").await;
    assert_eq!(beside(&world).await, 0);
}
