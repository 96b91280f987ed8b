//! The janitor over embedded storage.

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pombal_control_plane::Janitor;
use pombal_control_plane::delivery::RetryLetter;
use pombal_control_plane::janitor::Report;
use pombal_domain::InstanceId;
use pombal_domain::time::UnixMs;
use pombal_store::Media;
use pombal_store::media::MediaKey;
use pombal_store::media::local::LocalMedia;
use pombal_store::registry::{DUE_PARTITIONS, Due};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::app::LONG;
use crate::delivery::rig::{Rig, event, eventually, global};
use crate::receiver::{Behave, TestReceiver};

struct House {
    rig: Rig,
    media: LocalMedia,
    dir: TempDir,
    janitor: Janitor,
}

impl House {
    async fn new() -> Self {
        let (rig, dir) = (Rig::new().await, tempfile::tempdir().unwrap());
        let media = LocalMedia::open(dir.path(), "http://api.test/", &[7; 32]).unwrap();
        let janitor = Janitor::new(
            rig.stores.registry.clone(),
            Arc::new(media.clone()),
            Arc::clone(&rig.queues.retries),
            rig.queues.bodies.clone(),
            1,
        );
        Self {
            rig,
            media,
            dir,
            janitor,
        }
    }

    async fn clean(&self) -> Report {
        self.janitor.run(Instant::now() + LONG).await
    }

    /// What waits in the registry.
    async fn waiting(&self) -> Vec<Due> {
        let registry = &self.rig.stores.registry;
        let in_hours = UnixMs::now().plus(Duration::from_secs(3 * 3600));
        let mut found = Vec::new();
        for minute in registry.due_minutes(in_hours).await.unwrap() {
            for partition in 0..DUE_PARTITIONS {
                found.extend(registry.due_in(minute, partition).await.unwrap());
            }
        }
        found
    }

    /// Makes the letters that wait due at once.
    async fn make_due(&self) {
        let (registry, bodies) = (&self.rig.stores.registry, &self.rig.queues.bodies);
        for due in self.waiting().await {
            let body = bodies.restore(&due.body).await.unwrap();
            let mut letter: RetryLetter = serde_json::from_str(&body).unwrap();
            letter.due_at = UnixMs::now();
            let body = serde_json::to_string(&letter).unwrap();
            let carried = bodies.shrink(&body, 1000).await.unwrap();
            let put = registry.put_due(&due.id, letter.due_at, &carried);
            put.await.unwrap();
            registry.remove_due(&due).await.unwrap();
            bodies.remove(&due.body).await.unwrap();
        }
    }

    fn files(&self) -> usize {
        let bodies = self.rig.stores.directory().join("bodies").join("bodies");
        std::fs::read_dir(bodies).map_or(0, Iterator::count)
    }
}

#[tokio::test]
async fn two_sinks_wait_for_one_event_by_themselves() {
    let house = House::new().await;
    let fails_once = || TestReceiver::start(|_, n| Behave::Answer(if n < 1 { 500 } else { 200 }));
    let (own, operator) = (fails_once().await, fails_once().await);
    let rig = &house.rig;
    let row = rig.instance("b1", &own.url).await;
    rig.publish(&event(&row, 1)).await;
    let service = rig.start_with(|options| {
        options.schedule.delays = vec![Duration::from_secs(3600)];
        options.schedule.jitter = 0.0;
        options.global = Some(global(&operator.url));
    });
    eventually("both failed", || service.counts().failed == 2).await;
    let waiting = house.waiting().await;
    let ids: std::collections::BTreeSet<_> = waiting.iter().map(|due| &due.id).collect();
    assert_eq!(ids.len(), 2, "{ids:?}");
    house.make_due().await;
    assert_eq!(house.clean().await.letters, 2);
    eventually("each has it", || service.counts().delivered == 2).await;
    assert_eq!((own.seqs(), operator.seqs()), (vec![1, 1], vec![1, 1]));
    service.stop().await;
}

#[tokio::test]
async fn a_long_wait_is_spent_in_the_registry() {
    let house = House::new().await;
    let receiver =
        TestReceiver::start(|_, before| Behave::Answer(if before < 2 { 500 } else { 200 })).await;
    let rig = &house.rig;
    let row = rig.instance("b1", &receiver.url).await;
    let mut large = event(&row, 2);
    large.data = serde_json::json!({ "text": "x".repeat(500_000) });
    rig.publish(&event(&row, 1)).await;
    rig.publish(&large).await;
    let service = rig.start_with(|options| {
        options.schedule.delays = vec![Duration::from_secs(3600)];
    });
    eventually("both failed", || service.counts().failed == 2).await;
    let waiting = house.waiting().await;
    assert_eq!(waiting.len(), 2);
    assert!(
        waiting.iter().all(|due| due.body.len() < 2000),
        "no pointer"
    );
    assert_eq!(house.files(), 1);
    // Nothing is due.
    assert_eq!(house.clean().await, Report::default());
    assert_eq!(receiver.seqs().len(), 2);

    house.make_due().await;
    let report = house.clean().await;
    assert_eq!((report.letters, report.failures), (2, 0));
    eventually("both delivered", || service.counts().delivered == 2).await;
    let hits = receiver.hits();
    let found = hits.iter().skip(2).find(|hit| hit.seq() == 2).unwrap();
    assert_eq!(found.json()["data"], large.data);
    assert!(house.waiting().await.is_empty());
    assert_eq!(house.files(), 0);
    service.stop().await;
}

#[tokio::test]
async fn a_letter_without_its_body_is_put_off_and_holds_up_nobody() {
    let house = House::new().await;
    let registry = &house.rig.stores.registry;
    let now = UnixMs::now();
    let lost = "pombal-body:bodies/lost";
    for (id, body) in [("a", "a letter"), ("b", lost), ("c", "another")] {
        registry.put_due(id, now, body).await.unwrap();
    }
    house.clean().await;
    let moved = house.rig.queues.retries.receive(10, LONG).await.unwrap();
    let mut bodies: Vec<_> = moved.iter().map(|m| m.body.as_str()).collect();
    bodies.sort_unstable();
    assert_eq!(bodies, ["a letter", "another"]);
    let waiting = house.waiting().await;
    assert_eq!(waiting.len(), 1);
    assert_eq!(
        (waiting[0].id.as_str(), waiting[0].body.as_str()),
        ("b", lost)
    );
    assert!(waiting[0].due_at > now.plus(Duration::from_secs(600)));
}

#[tokio::test]
async fn media_of_instances_that_are_gone_are_removed_once_they_are_old() {
    let house = House::new().await;
    let here = house.rig.instance("b1", "http://hook.test/").await.id;
    let gone = InstanceId::random();
    let mut keys = Vec::new();
    for (instance, name, age_s) in [
        (here, "old", 7200),
        (gone, "old", 7200),
        (gone, "older", 90_000),
        (gone, "young", 0),
    ] {
        let key = MediaKey::new(instance, name).unwrap();
        let put = house.media.put(&key, "text/plain", "x".into());
        put.await.unwrap();
        let path = house.dir.path().join("media").join(key.to_string());
        let put_at = SystemTime::now() - Duration::from_secs(age_s);
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(put_at).unwrap();
        keys.push(key);
    }
    let report = house.clean().await;
    assert_eq!((report.media, report.failures), (2, 0));
    let mut left = Vec::new();
    for key in &keys {
        left.push(house.media.get(key).await.unwrap().is_some());
    }
    assert_eq!(left, [true, false, false, true]);
}
