//! An instance moves from one deployment to another, in a file.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pombal_scenarios::{Api, PATIENCE, Pombal, World, eventually};
use serde_json::{Value, json};

const PASSPHRASE: &str = "quite-a-secret-passphrase";

/// The second deployment, beside the world's own.
struct Other {
    data: PathBuf,
    passphrase: PathBuf,
}

impl Other {
    fn new(world: &World) -> Self {
        let passphrase = world.path("passphrase");
        std::fs::write(&passphrase, PASSPHRASE).unwrap();
        Self {
            data: world.path("other"),
            passphrase,
        }
    }

    fn boot(&self, world: &World) -> (Pombal, Api) {
        let pombal = Pombal::start(&self.data, &world.options);
        let api = Api::new(&pombal.url);
        (pombal, api)
    }

    /// Runs a subcommand to its end. Nothing it writes may show the passphrase.
    fn run(&self, data: &Path, args: &[&str]) -> Result<String, String> {
        let passphrase = self.passphrase.to_str().unwrap();
        let args = [args, &["--passphrase-file", passphrase]].concat();
        let (status, text) = Pombal::offline(data, &args, PATIENCE);
        assert!(!text.contains(PASSPHRASE), "{text}");
        if status.success() {
            Ok(text)
        } else {
            Err(text)
        }
    }
}

async fn state(api: &Api, name: &str) -> Value {
    let path = format!("/instance/connectionState/{name}");
    api.get(&path).await.ok()["instance"]["state"].clone()
}

async fn wait_for_open(api: &Api, name: &str) {
    eventually("it is open", PATIENCE, async || {
        (state(api, name).await == "open").then_some(())
    })
    .await;
}

async fn send(api: &Api, from: &str, to: &str, text: &str) {
    let body = json!({ "number": to, "text": text });
    let sent = api.post(&format!("/message/sendText/{from}"), body).await;
    assert_eq!(sent.status, 201, "{}", sent.body);
}

/// The texts that the instance received, sorted.
fn received(world: &World, name: &str) -> Vec<String> {
    let upserts = world.hooks.of(name, "messages.upsert").into_iter();
    let mut texts: Vec<String> = upserts
        .filter(|body| body["data"]["key"]["fromMe"] == false)
        .map(|body| {
            let text = &body["data"]["message"]["conversation"];
            text.as_str().unwrap_or_default().to_owned()
        })
        .collect();
    texts.sort();
    texts
}

async fn wait_for_texts(world: &World, name: &str, texts: &[&str]) {
    let what = format!("{name} received {texts:?}");
    eventually(&what, PATIENCE, async || {
        let received = received(world, name);
        texts
            .iter()
            .all(|text| received.iter().any(|got| got == text))
            .then_some(())
    })
    .await;
    assert_eq!(received(world, name), texts, "each once");
}

async fn logins(world: &World, phone: &str) -> u64 {
    let devices = world.whatsapp.devices().await;
    let mine = devices.iter().filter(|device| device.phone == phone);
    mine.map(|device| device.logins).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_moves_without_a_new_qr_code() {
    let mut world = World::start().await;
    let a = world.open("a", "5511999990081").await;
    let b = world.open("b", "5511999990082").await;
    send(&world.api(), "a", &b.phone, "1 from the old house").await;
    send(&world.api(), "b", &a.phone, "1 to the old house").await;
    wait_for_texts(&world, "b", &["1 from the old house"]).await;
    wait_for_texts(&world, "a", &["1 to the old house"]).await;

    let other = Other::new(&world);
    let (old, file) = (world.path("data"), world.path("a.session"));
    let file = file.to_str().unwrap();
    let export = ["session", "export", "a", "--out", file, "--move"];
    let import = ["session", "import", file];
    let refused = other.run(&old, &export).unwrap_err();
    assert!(refused.contains("stop it first"), "{refused}");
    assert!(!Path::new(file).exists());
    let (status, _) = world.pombal.take().unwrap().terminate();
    assert!(status.success());
    // WhatsApp keeps what comes in on the way.
    world
        .whatsapp
        .send_from_phone(&b.phone, &a.phone, "2 on the way", None)
        .await
        .unwrap();
    let moved = other.run(&old, &export).unwrap();
    assert!(moved.contains("will not connect here"), "{moved}");
    let again = other.run(&old, &export).unwrap_err();
    assert!(again.contains("was moved away already"), "{again}");
    refuses_bad_files(&world, &other, file);

    other.run(&other.data, &import).unwrap();
    let twice = other.run(&other.data, &import).unwrap_err();
    assert!(twice.contains("here already"), "{twice}");
    let before = logins(&world, &a.phone).await;
    let (_there, there) = other.boot(&world);
    wait_for_open(&there, "a").await;
    world.boot();
    let here = world.api();
    wait_for_open(&here, "b").await;
    wait_for_texts(&world, "a", &["1 to the old house", "2 on the way"]).await;

    // The old house has not forgotten it, but never dials for it.
    assert_eq!(state(&here, "a").await, "close");
    for answer in [
        here.get("/instance/connect/a").await,
        here.post("/instance/restart/a", json!({})).await,
        here.delete("/instance/logout/a").await,
    ] {
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert!(answer.body.to_string().contains("was moved"));
    }
    send(&there, "a", &b.phone, "3 from the new house").await;
    send(&here, "b", &a.phone, "3 to the new house").await;
    wait_for_texts(
        &world,
        "b",
        &["1 from the old house", "3 from the new house"],
    )
    .await;
    let texts = ["1 to the old house", "2 on the way", "3 to the new house"];
    wait_for_texts(&world, "a", &texts).await;
    assert_eq!(state(&here, "a").await, "close");
    assert_eq!(logins(&world, &a.phone).await, before + 1);
    assert_eq!(world.hooks.of("a", "qrcode.updated").len(), 1);

    // Its clients go on as before, and its stream of events too.
    let own = Api::with_key(&_there.url, &a.token);
    assert_eq!(state(&own, "a").await, "open");
    let seqs = || {
        let hooks = world.hooks.hooks("a").into_iter();
        let seqs: HashSet<u64> = hooks
            .map(|hook| hook.body["seq"].as_u64().unwrap())
            .collect();
        seqs
    };
    eventually("the stream has no gaps", PATIENCE, async || {
        let seqs = seqs();
        let last = seqs.iter().max().copied().unwrap_or_default();
        (1..=last).all(|seq| seqs.contains(&seq)).then_some(())
    })
    .await;
    let hooks = world.hooks.hooks("a");
    let ids: HashSet<&str> = hooks
        .iter()
        .map(|hook| hook.body["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), seqs().len(), "one event per seq");
    for log in [_there.log(), world.pombal().log()] {
        assert!(!log.contains(PASSPHRASE));
    }
    world.assert_no_violations().await;
}

/// Wrong passphrases and damaged files change nothing.
fn refuses_bad_files(world: &World, other: &Other, file: &str) {
    let good = std::fs::read(file).unwrap();
    let damaged = world.path("damaged");
    let import = ["session", "import", damaged.to_str().unwrap()];
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let mut later = good.clone();
    later[17] = 9;
    for (bytes, said) in [
        (&good[..good.len() - 1], "damaged or was cut short"),
        (&flipped[..], "damaged or was cut short"),
        (&later[..], "format 9"),
        (&b"something else"[..], "not an exported session"),
    ] {
        std::fs::write(&damaged, bytes).unwrap();
        let refused = other.run(&other.data, &import).unwrap_err();
        assert!(refused.contains(said), "{refused}");
    }
    std::fs::write(&other.passphrase, "another passphrase").unwrap();
    let refused = other
        .run(&other.data, &["session", "import", file])
        .unwrap_err();
    assert!(refused.contains("the passphrase is wrong"), "{refused}");
    std::fs::write(&other.passphrase, PASSPHRASE).unwrap();
    assert!(!other.data.exists(), "a refused import made a deployment");
}

/// An import that is killed leaves an instance that is whole, or none.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_import_leaves_nothing_that_dials() {
    let mut world = World::start().await;
    let a = world.open("a", "5511999990083").await;
    let other = Other::new(&world);
    let file = world.path("a.session");
    let file = file.to_str().unwrap();
    let (status, _) = world.pombal.take().unwrap().terminate();
    assert!(status.success());
    let export = ["session", "export", "a", "--out", file, "--move"];
    other.run(&world.path("data"), &export).unwrap();

    let passphrase = other.passphrase.to_str().unwrap();
    let import = ["session", "import", file, "--passphrase-file", passphrase];
    let before = logins(&world, &a.phone).await;
    let mut arrived = false;
    // Each try gets a little further than the one before.
    for patience_ms in (100..).step_by(150) {
        let patience = Duration::from_millis(patience_ms);
        let (status, text) = Pombal::offline(&other.data, &import, patience);
        let (pombal, api) = other.boot(&world);
        let rows = api.get("/instance/fetchInstances").await.ok();
        arrived = rows.as_array().is_some_and(|rows| !rows.is_empty());
        assert!(arrived || !status.success(), "{text}");
        if arrived {
            wait_for_open(&api, "a").await;
            break;
        }
        assert_eq!(logins(&world, &a.phone).await, before);
        pombal.kill();
    }
    assert!(arrived);
    assert_eq!(world.hooks.of("a", "qrcode.updated").len(), 1);
    world.assert_no_violations().await;
}
