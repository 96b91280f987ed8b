//! What an operator may switch on, in the real process.

use std::time::Duration;

use pombal_domain::time::UnixMs;
use pombal_domain::{Instance, InstanceId};
use pombal_scenarios::{PATIENCE, Pombal, PombalOptions, World, eventually};
use pombal_store::registry::embedded;

/// Adds a row to the data of a dead process, as if it had been made so long ago.
async fn add_old(world: &World, like: &str, name: &str, age: Duration) {
    let registry = embedded::open(world.data().join("registry.db")).await;
    let registry = registry.unwrap();
    let row = registry.instance(&like.parse().unwrap()).await;
    let mut row: Instance = row.unwrap().unwrap();
    row.id = InstanceId::random();
    row.name = name.parse().unwrap();
    row.token_hash = format!("{:0>64}", row.id.as_uuid().simple());
    row.created_at = UnixMs(UnixMs::now().0 - u64::try_from(age.as_millis()).unwrap());
    row.updated_at = row.created_at;
    row.webhook.as_mut().unwrap().url = world.hooks.url(name);
    registry.create_instance(&row).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_nobody_uses_is_deleted() {
    let mut world = World::embedded(|options| options.env("DEL_INSTANCE", "60")).await;
    world.open("paired", "5511999990081").await;
    world.create("young").await;
    world.kill();
    add_old(&world, "young", "older", Duration::from_secs(30 * 60)).await;
    add_old(&world, "young", "old", Duration::from_secs(61 * 60)).await;
    // The janitor comes at the start, and each minute.
    world.boot();
    eventually("its webhook is told", PATIENCE, async || {
        let told = world.hooks.of("old", "remove.instance");
        (!told.is_empty()).then_some(())
    })
    .await;
    assert_eq!(world.hooks.of("old", "instance.delete").len(), 1);
    let rows = world.api().get("/instance/fetchInstances").await.ok();
    let names = rows.as_array().unwrap().iter().map(|row| &row["name"]);
    assert_eq!(names.collect::<Vec<_>>(), ["older", "paired", "young"]);
    world.wait_for_state("paired", "open").await;
    // It had no account.
    assert!(world.hooks.of("old", "logout.instance").is_empty());
}

/// What `/metrics` answers without the key.
async fn scrape(world: &World, login: Option<(&str, &str)>) -> (u16, String) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.get(format!("{}/metrics", world.url()));
    if let Some((user, password)) = login {
        request = request.basic_auth(user, Some(password));
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_may_read_the_metrics() {
    let mut world = World::embedded(|options| options).await;
    world.open("ana", "5511999990082").await;
    assert_eq!(scrape(&world, None).await.0, 404);
    world.kill();
    let options = [
        ("PROMETHEUS_METRICS", "true"),
        ("METRICS_ALLOWED_IPS", "127.0.0.1"),
        ("METRICS_AUTH_REQUIRED", "true"),
        ("METRICS_USER", "prometheus"),
        ("METRICS_PASSWORD", "secret-of-the-scraper"),
    ];
    for (name, value) in options {
        world.options = world.options.clone().env(name, value);
    }
    world.boot();
    world.wait_for_state("ana", "open").await;
    let login = Some(("prometheus", "secret-of-the-scraper"));
    let (status, text) = scrape(&world, login).await;
    assert_eq!(status, 200, "{text}");
    let open = r#"evolution_instance_up{instance="ana",integration="WHATSAPP-BAILEYS"} 1"#;
    assert!(text.lines().any(|line| line == open), "{text}");
    for wrong in [None, Some(("prometheus", "secret")), Some(("", ""))] {
        let (status, text) = scrape(&world, wrong).await;
        assert_eq!((status, text.as_str()), (401, "Unauthorized"));
    }
}

#[test]
fn what_an_operator_gets_wrong_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let on = ("PROMETHEUS_METRICS", "true");
    let wrong: [(&[(&str, &str)], &str); 8] = [
        (&[("PROMETHEUS_METRICS", "yes")], "PROMETHEUS_METRICS"),
        (&[("METRICS_AUTH_REQUIRED", "1")], "METRICS_AUTH_REQUIRED"),
        (
            &[("METRICS_ALLOWED_IPS", "10.0.0.0/8")],
            "METRICS_ALLOWED_IPS",
        ),
        (&[on, ("METRICS_AUTH_REQUIRED", "true")], "METRICS_USER"),
        (
            &[
                on,
                ("METRICS_AUTH_REQUIRED", "true"),
                ("METRICS_USER", "prometheus"),
            ],
            "METRICS_PASSWORD",
        ),
        (
            &[on, ("METRICS_PASSWORD", "secret")],
            "METRICS_AUTH_REQUIRED",
        ),
        (&[("DEL_INSTANCE", "true")], "DEL_INSTANCE"),
        (&[("DEL_INSTANCE", "0")], "DEL_INSTANCE"),
    ];
    for (env, named) in wrong {
        let options = PombalOptions::demo("ws://127.0.0.1:9/ws/chat".to_owned());
        let options = env
            .iter()
            .fold(options, |options, (name, value)| options.env(name, value));
        let message = Pombal::refuses(&dir.path().join("data"), &options);
        assert!(
            message.contains(&format!("{named}: ")),
            "{env:?}: {message}"
        );
    }
}
