//! Sessions on S3: conditional writes fence, and a commit is one request.
//!
//! Against AWS, or against what stands in for it: `cargo xtask aws-local`.

mod faults;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use object_store::ObjectStore;
use object_store::path::Path;
use object_store::{Error as StoreError, ObjectStoreExt, PutMode, PutPayload, UpdateVersion};
use pombal_costs::counts::COMMIT;
use pombal_domain::InstanceId;
use pombal_sessions::{ShardDb, ShardDbOptions};
use pombal_store::aws::Requests;
use pombal_store::conformance::aws;

use crate::support::{SHARD, session};

/// The bucket called `name`, in a process that did not make it.
pub(crate) async fn bucket(name: &str) -> Arc<dyn ObjectStore> {
    aws::connect().await.bucket(name).unwrap()
}

async fn new_bucket() -> Arc<dyn ObjectStore> {
    aws::bucket(&aws::connect().await).await
}

#[tokio::test]
async fn random_operations_give_the_same_results_as_the_reference() {
    crate::conformance::random_operations(new_bucket().await, 0x5EED, 600).await;
}

#[tokio::test]
async fn the_second_writer_fences_the_first() {
    crate::fencing::the_second_writer_fences_the_first(new_bucket().await).await;
}

#[tokio::test]
async fn a_killed_process_loses_nothing_it_acknowledged() {
    let name = aws::fresh("crash");
    aws::make_bucket(&aws::connect().await, &name).await;
    crate::durability::kill_and_look(&format!("s3:{name}")).await;
}

#[tokio::test]
async fn of_many_conditional_writes_one_wins() {
    let store = new_bucket().await;
    let at = Path::from("manifest");
    let write = |mode: PutMode, n: usize| {
        let (store, at) = (store.clone(), at.clone());
        let body = PutPayload::from(n.to_string());
        async move { store.put_opts(&at, body, mode.into()).await }
    };
    // Each writes something else: an etag stands for the content.
    let created = join_all((0..16).map(|n| write(PutMode::Create, n))).await;
    assert_eq!(created.iter().filter(|done| done.is_ok()).count(), 1);
    for round in 1..=5 {
        let seen = store.head(&at).await.unwrap();
        let seen = UpdateVersion {
            e_tag: seen.e_tag,
            version: seen.version,
        };
        let update = |n| write(PutMode::Update(seen.clone()), 100 * round + n);
        let updated = join_all((0..16).map(update)).await;
        let winners: Vec<usize> = (0..16).filter(|n| updated[*n].is_ok()).collect();
        let [winner] = winners[..] else {
            panic!("{winners:?} all won")
        };
        for lost in updated.iter().filter_map(|result| result.as_ref().err()) {
            assert!(matches!(lost, StoreError::Precondition { .. }), "{lost:?}");
        }
        let now = store.get(&at).await.unwrap().bytes().await.unwrap();
        assert_eq!(now, (100 * round + winner).to_string());
    }
}

/// Waits until the database's own tasks have read what they read after an opening.
async fn quiet(requests: &Requests) {
    let end = Instant::now() + Duration::from_secs(60);
    let mut before = 0;
    while requests.of_service("s3") != before {
        assert!(Instant::now() < end, "never quiet: {:?}", requests.all());
        before = requests.of_service("s3");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn a_commit_costs_one_request() {
    let clients = aws::connect().await;
    let store = aws::bucket(&clients).await;
    let db = ShardDb::open(ShardDbOptions::new(store, "sessions", SHARD))
        .await
        .unwrap();
    let sessions: Vec<_> = (0..10)
        .map(|_| session(&db, InstanceId::random()))
        .collect();
    join_all(sessions.iter().map(|s| s.put_meta("warm", b"", true))).await;
    let requests = clients.requests();
    quiet(requests).await;
    for n in 0..5 {
        let before = (requests.of("s3", "PUT"), requests.of_service("s3"));
        sessions[0].put_meta("a", &[n], true).await.unwrap();
        assert_eq!(
            COMMIT.requests,
            [("s3 PUT", requests.of("s3", "PUT") - before.0)]
        );
        assert_eq!(
            requests.of_service("s3") - before.1,
            COMMIT.of("s3"),
            "{:?}",
            requests.all()
        );
    }
    // Writes that come together share it: one may be under way when the others come.
    let before = requests.of_service("s3");
    for result in join_all(sessions.iter().map(|s| s.put_meta("b", b"1", true))).await {
        result.unwrap();
    }
    let shared = requests.of_service("s3") - before;
    assert!((1..=2).contains(&shared), "{shared} requests");
    db.close().await.unwrap();
}
