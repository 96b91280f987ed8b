//! What happens to instances when something happens to their stored sessions.

use std::path::{Path, PathBuf};

use pombal_domain::{InstanceId, ShardId};
use pombal_scenarios::{Instance, PATIENCE, World, eventually};
use pombal_sessions::{Error, ShardDb, ShardDbOptions, local_store};
use pombal_store::DataKey;
use serde_json::json;

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The shard that holds the instance's rows: their keys begin with its id.
fn shard_of(world: &World, instance: &Instance) -> PathBuf {
    let id = hex(&instance.id.replace('-', ""));
    let shards = std::fs::read_dir(world.data().join("sessions/shards")).unwrap();
    shards
        .map(|shard| shard.unwrap().path())
        .find(|shard| {
            files(shard).iter().any(|file| {
                let bytes = std::fs::read(file).unwrap();
                bytes.windows(id.len()).any(|window| window == id)
            })
        })
        .expect("the instance has rows")
}

fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

async fn logins(world: &World, instance: &Instance) -> usize {
    let phone = Some(instance.phone.as_str());
    let logins = world.whatsapp.seen(phone, Some("login"), 0).await;
    logins.items.len()
}

async fn arrives(world: &World, name: &str, id: &str) {
    eventually(&format!("{id} arrives"), PATIENCE, async || {
        let upserts = world.hooks.of(name, "messages.upsert");
        let found = upserts.iter().any(|body| body["data"]["key"]["id"] == id);
        found.then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_is_fenced_drops_its_sockets_and_loses_nothing() {
    let mut world = World::start().await;
    let a = world.open("a", "5511999990091").await;
    let b = world.open("b", "5511999990092").await;
    let before = world
        .whatsapp
        .send_from_phone(&b.phone, &a.phone, "before", None)
        .await
        .unwrap();
    arrives(&world, "a", &before).await;

    // Somebody else opens the shard, and does not own it.
    let shard = shard_of(&world, &a);
    let number: u16 = shard
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let store = local_store(world.data().join("sessions")).unwrap();
    let options = ShardDbOptions::local(store, "shards", ShardId(number));
    let second = ShardDb::open(options).await.unwrap();
    let before_it = logins(&world, &a).await;
    let during = world
        .whatsapp
        .send_from_phone(&b.phone, &a.phone, "during", None)
        .await
        .unwrap();
    // It drops its sockets. Its row says that the shard is its own, so it takes it again.
    eventually("it logs in again", PATIENCE, async || {
        (logins(&world, &a).await > before_it).then_some(())
    })
    .await;
    arrives(&world, "a", &during).await;
    let log = world.pombal().log();
    assert!(
        log.contains("another connector has taken the shard"),
        "{log}"
    );
    assert!(!log.contains("session.corrupt"), "a takeover is no damage");
    // And now the other one is the one that must not write.
    let key = DataKey::random().unwrap();
    let stranger = second.session(InstanceId::random(), key);
    let written = stranger.put_meta("late", b"1", true).await;
    assert!(matches!(written, Err(Error::Fenced { .. })), "{written:?}");
    drop(second);

    world.kill();
    world.boot();
    world.wait_for_state("a", "open").await;
    world.wait_for_state("b", "open").await;
    for name in ["a", "b"] {
        assert_eq!(
            world.hooks.of(name, "qrcode.updated").len(),
            1,
            "{name} paired anew"
        );
    }
    world.assert_no_violations().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_session_object_is_an_alarm_and_no_new_identity() {
    let mut world = World::start().await;
    let a = world.open("a", "5511999990093").await;
    let mut b = world.open("b0", "5511999990094").await;
    // Another instance in another shard. The shard is drawn by lot.
    for n in 1..20 {
        if shard_of(&world, &a) != shard_of(&world, &b) {
            break;
        }
        b = world
            .open(&format!("b{n}"), &format!("55119999901{n:02}"))
            .await;
    }
    let shard = shard_of(&world, &a);
    assert_ne!(shard, shard_of(&world, &b));
    world.kill();

    let all = files(&shard.join("wal"));
    let hurt = all
        .iter()
        .rfind(|file| file.metadata().unwrap().len() > 200)
        .unwrap();
    let sound = std::fs::read(hurt).unwrap();
    let mut damaged = sound.clone();
    let middle = damaged.len() / 3;
    damaged[middle] ^= 0x20;
    std::fs::write(hurt, &damaged).unwrap();

    world.boot();
    world.wait_for_state(&b.name, "open").await;
    world.wait_for_state("a", "close").await;
    let row = world.row("a").await;
    assert_eq!(row["disconnectionReasonCode"], 500, "{row}");
    let log = world.pombal().log();
    assert!(log.contains("session.corrupt"), "{log}");
    let name = hurt.file_name().unwrap().to_str().unwrap();
    assert!(log.contains(name), "the alarm names {name}: {log}");
    // Asking for a connection brings no code: that would be a new identity.
    let connect = world.api().get("/instance/connect/a").await;
    assert!(connect.body["code"].is_null(), "{}", connect.body);
    assert_eq!(world.hooks.of("a", "qrcode.updated").len(), 1);
    // The others go on.
    let text = world
        .api()
        .post(
            &format!("/message/sendText/{}", b.name),
            json!({ "number": a.phone, "text": "still here" }),
        )
        .await;
    assert_eq!(text.status, 201, "{}", text.body);
    assert_eq!(
        std::fs::read(hurt).unwrap(),
        damaged,
        "left as it was found"
    );

    // The operator puts back what was there.
    world.kill();
    std::fs::write(hurt, &sound).unwrap();
    world.boot();
    world.wait_for_state("a", "open").await;
    assert_eq!(world.hooks.of("a", "qrcode.updated").len(), 1);
    world.assert_no_violations().await;
}

/// The whole directory is gone, as after a restore of the registry alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_session_is_an_alarm_and_no_new_identity() {
    let mut world = World::start().await;
    world.open("a", "5511999990095").await;
    world.kill();
    std::fs::remove_dir_all(world.data().join("sessions")).unwrap();
    world.boot();
    world.wait_for_state("a", "close").await;
    let log = world.pombal().log();
    assert!(log.contains("session.corrupt"), "{log}");
    let connect = world.api().get("/instance/connect/a").await;
    assert!(connect.body["code"].is_null(), "{}", connect.body);
    assert_eq!(world.hooks.of("a", "qrcode.updated").len(), 1);
    world.assert_no_violations().await;
}
