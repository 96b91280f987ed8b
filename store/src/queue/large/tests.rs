use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use tempfile::TempDir;

use super::*;
use crate::conformance::queue::{Factory, Place, run_all};
use crate::queue::QueueOptions;
use crate::queue::sqlite::QueueFile;

struct Embedded;

struct File {
    file: QueueFile,
    bucket: Arc<InMemory>,
    _dir: TempDir,
}

impl File {
    fn wrap(&self, queue: Arc<dyn Queue>) -> LargeBodies {
        LargeBodies::new(queue, self.bucket.clone(), "bodies")
    }

    fn inner(&self, name: &str, options: QueueOptions) -> Arc<dyn Queue> {
        self.file.queue(name, options).unwrap()
    }
}

#[async_trait]
impl Factory for Embedded {
    type Place = File;

    async fn make(&self) -> File {
        let dir = tempfile::tempdir().unwrap();
        File {
            file: QueueFile::open(dir.path().join("queues.db")).unwrap(),
            bucket: Arc::default(),
            _dir: dir,
        }
    }

    fn tick(&self) -> Duration {
        Duration::from_millis(150)
    }

    fn max_body(&self) -> usize {
        MAX_LARGE_BODY_BYTES
    }
}

#[async_trait]
impl Place for File {
    async fn queue(&self, name: &str, options: QueueOptions) -> Arc<dyn Queue> {
        Arc::new(self.wrap(self.inner(name, options)))
    }

    async fn dead_letters(&self, name: &str) -> Vec<(String, u32)> {
        let dead = self.file.dead_letters(name).await.unwrap();
        dead.into_iter()
            .map(|letter| (letter.body, letter.attempts))
            .collect()
    }
}

fn message(body: &str) -> Outgoing {
    Outgoing {
        body: body.to_owned(),
        group: Some("g".to_owned()),
        dedup: Some(uuid::Uuid::new_v4().to_string()),
        delay: Duration::ZERO,
    }
}

const FIFO: QueueOptions = QueueOptions {
    fifo: true,
    visibility: Duration::from_secs(600),
    max_receives: None,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_is_a_queue_like_any_other() {
    run_all(&Embedded).await;
}

#[tokio::test]
async fn the_queue_carries_pointers_for_large_bodies_only() {
    let place = Embedded.make().await;
    let (queue, inner) = (place.queue("q", FIFO).await, place.inner("q", FIFO));
    let (small, large) = ("s".repeat(INLINE_BYTES), "l".repeat(INLINE_BYTES + 1));
    // One that looks like a pointer must not be followed.
    let sly = "pombal-body:bodies/other";
    let sent = [message(&small), message(&large), message(sly)];
    queue.send(&sent).await.unwrap();
    let raw = inner.receive(10, Duration::ZERO).await.unwrap();
    assert!(raw[0].body == small);
    assert!(raw[1].body.len() < 100 && raw[2].body.len() < 100);
    assert!(raw[1].body.starts_with("pombal-body:") && raw[2].body != sly);
    for message in raw.iter().rev() {
        inner
            .release(&message.receipt, Duration::ZERO)
            .await
            .unwrap();
    }
    let got = queue.receive(10, Duration::ZERO).await.unwrap();
    assert!(
        got.iter()
            .map(|m| &m.body)
            .eq([&small, &large, &sly.to_owned()])
    );
}

#[tokio::test]
async fn a_body_that_is_missing_holds_back_its_group_only() {
    let place = Embedded.make().await;
    let (queue, inner) = (place.queue("q", FIFO).await, place.inner("q", FIFO));
    queue.send(&[message("first")]).await.unwrap();
    inner
        .send(&[message("pombal-body:bodies/gone")])
        .await
        .unwrap();
    let other = Outgoing {
        group: Some("other".to_owned()),
        ..message("of another group")
    };
    queue.send(&[message("behind"), other]).await.unwrap();
    let got = queue.receive(10, Duration::ZERO).await.unwrap();
    let bodies: Vec<_> = got.iter().map(|m| m.body.as_str()).collect();
    assert_eq!(bodies, ["first", "of another group"]);
    let receipts: Vec<_> = got.into_iter().map(|m| m.receipt).collect();
    queue.ack(&receipts).await.unwrap();

    // Once the body is there again, the group goes on in order.
    let at = Path::from("bodies/gone");
    place.bucket.put(&at, "found".into()).await.unwrap();
    let got = queue.receive(10, Duration::from_secs(30)).await.unwrap();
    let bodies: Vec<_> = got.iter().map(|m| m.body.as_str()).collect();
    assert_eq!(bodies, ["found", "behind"]);
}
