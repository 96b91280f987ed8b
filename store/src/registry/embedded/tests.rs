//! What the conformance suite can't see: the file, and what stays of it.

use pombal_domain::instance::Settings;
use pombal_domain::time::UnixMs;
use pombal_domain::{CommandId, Desired, Instance, InstanceId, Reply, ShardId};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::kill;

fn instance(name: &str) -> Instance {
    Instance {
        token_hash: uuid::Uuid::new_v4().simple().to_string().repeat(2),
        desired: Desired::Connected,
        generation: 1,
        ..Instance::untouched(
            InstanceId::random(),
            name.parse().unwrap(),
            ShardId(0),
            UnixMs(0),
        )
    }
}

#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("registry.db");
    for _ in 0..3 {
        let child = "registry::embedded::tests::child";
        let reports = kill::run_and_kill(child, &path, 60);
        let registry = open(&path).await.unwrap();
        for report in reports {
            let (generation, name) = report.split_once(' ').unwrap();
            let row = registry.instance(&name.parse().unwrap()).await.unwrap();
            let row = row.unwrap_or_else(|| panic!("{name} is lost"));
            assert!(
                row.generation >= generation.parse().unwrap(),
                "{name}: a wish is lost"
            );
            let by_token = registry.instance_by_token(&row.token_hash).await.unwrap();
            assert_eq!(by_token, Some(row));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child process of another test"]
async fn child() {
    let Some(path) = kill::place() else { return };
    let registry = open(path).await.unwrap();
    let work = (0..4).map(|_| async {
        loop {
            let made = instance(&uuid::Uuid::new_v4().to_string());
            registry.create_instance(&made).await.unwrap();
            kill::report(&format!("1 {}", made.name));
            let wish = registry.set_desired(&made.name, made.id, Desired::LoggedOut, None);
            kill::report(&format!("{} {}", wish.await.unwrap().generation, made.name));
        }
    });
    futures::future::join_all(work).await;
}

#[tokio::test]
async fn opening_and_sweeping_drop_rows_whose_time_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("registry.db");
    let registry = open(&path).await.unwrap();
    let kept = CommandId::random();
    let hour = std::time::Duration::from_secs(3600);
    registry.put_reply(kept, &Reply::Done, hour).await.unwrap();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
    registry
        .put_reply(CommandId::random(), &Reply::Done, std::time::Duration::ZERO)
        .await
        .unwrap();
    // The table's own TTL is in whole seconds.
    while registry.sweep().await.unwrap() == 0 {
        assert!(std::time::Instant::now() < end, "never swept");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    drop(registry);
    let registry = open(&path).await.unwrap();
    assert_eq!(registry.reply(kept).await.unwrap(), Some(Reply::Done));
    assert_eq!(registry.sweep().await.unwrap(), 0);
}

#[tokio::test]
async fn fields_of_a_later_version_are_ignored() {
    let dir = tempfile::tempdir().unwrap();
    let registry = open(dir.path().join("registry.db")).await.unwrap();
    let made = instance("one");
    registry.create_instance(&made).await.unwrap();
    let add = registry
        .client
        .update_item()
        .table_name(TABLE)
        .set_key(Some(super::super::row::instance_key(&made.name)))
        .update_expression("SET later = :later, settings = :settings")
        .expression_attribute_values(":later", super::super::row::number(1_u64))
        .expression_attribute_values(
            ":settings",
            super::super::row::text(r#"{"rejectCall":true,"later":{"deep":[1]}}"#),
        );
    add.send().await.unwrap();
    let settings = Settings {
        reject_call: true,
        ..Settings::default()
    };
    assert_eq!(
        registry.instance(&made.name).await.unwrap(),
        Some(Instance { settings, ..made })
    );
}

#[tokio::test]
async fn a_damaged_row_is_an_error_by_name_and_hides_no_other_in_lists() {
    let dir = tempfile::tempdir().unwrap();
    let registry = open(dir.path().join("registry.db")).await.unwrap();
    let (good, bad) = (instance("good"), instance("bad"));
    registry.create_instance(&good).await.unwrap();
    registry.create_instance(&bad).await.unwrap();
    let damage = registry
        .client
        .update_item()
        .table_name(TABLE)
        .set_key(Some(super::super::row::instance_key(&bad.name)))
        .update_expression("REMOVE observed");
    damage.send().await.unwrap();
    let read = registry.instance(&bad.name).await;
    assert!(matches!(read, Err(Error::Damaged(_))), "{read:?}");
    assert_eq!(
        registry.list_instances(None, 10).await.unwrap(),
        std::slice::from_ref(&good)
    );
    assert_eq!(
        registry.shard_content(ShardId(0)).await.unwrap().instances,
        [good]
    );
}

/// Whether a key stands anywhere in the files of the directory, as bytes or as Base64, which
/// is how the table keeps it.
fn is_on_disk(dir: &Path, key: &[u8]) -> bool {
    let text = STANDARD.encode(key);
    std::fs::read_dir(dir).unwrap().any(|file| {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|part| part == needle);
        holds(key) || holds(text.as_bytes())
    })
}

/// Instances with keys of their own, whose rows have grown, shrunk and moved about.
async fn busy_registry(path: &Path) -> (Registry, Vec<Instance>) {
    let registry = open(path).await.unwrap();
    let mut made = Vec::new();
    for n in 0..30 {
        let key: [u8; 61] = std::array::from_fn(|_| rand::random());
        let row = Instance {
            data_key: key.to_vec(),
            ..instance(&format!("busy-{n}"))
        };
        registry.create_instance(&row).await.unwrap();
        made.push(row);
    }
    for round in 0..4 {
        for row in &made {
            let webhook = pombal_domain::WebhookConfig {
                id: uuid::Uuid::new_v4(),
                enabled: true,
                url: "x".repeat(rand::random_range(0..3000)),
                headers: None,
                by_events: false,
                base64: false,
                events: Vec::new(),
                created_at: UnixMs(round),
                updated_at: UnixMs(round),
            };
            registry
                .set_webhook(&row.name, row.id, &webhook)
                .await
                .unwrap();
        }
    }
    (registry, made)
}

#[tokio::test]
async fn a_deleted_instances_key_is_nowhere_in_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("registry.db");
    let (registry, made) = busy_registry(&path).await;
    let (gone, kept) = made.split_at(10);
    assert!(gone.iter().all(|row| is_on_disk(dir.path(), &row.data_key)));
    let deletions = gone.iter().map(|row| registry.delete_instance(row));
    for deleted in futures::future::join_all(deletions).await {
        deleted.unwrap();
    }
    for row in gone {
        assert!(
            !is_on_disk(dir.path(), &row.data_key),
            "the key of {} is still there",
            row.name
        );
    }
    assert!(kept.iter().all(|row| is_on_disk(dir.path(), &row.data_key)));
    assert_eq!(registry.count_instances().await.unwrap(), kept.len());
    let one = registry.instance(&kept[0].name).await.unwrap().unwrap();
    assert_eq!(one.data_key, kept[0].data_key);
}

#[tokio::test]
async fn a_deletion_that_broke_off_is_finished_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("registry.db");
    let (registry, made) = busy_registry(&path).await;
    let (before, rest) = made.split_at(10);
    let (after, kept) = rest.split_at(10);
    // SQLite may have written over one deleted row or the other, but not over all of them.
    let on_disk = |row: &Instance| is_on_disk(dir.path(), &row.data_key);
    // As far as a process gets that dies right after the transaction.
    for row in before {
        registry.delete_rows(row).await.unwrap();
    }
    drop(registry);
    assert!(before.iter().any(on_disk));
    let registry = open(&path).await.unwrap();
    assert!(!before.iter().any(on_disk));

    // A server that goes on does it at the next sweep.
    for row in after {
        registry.delete_rows(row).await.unwrap();
    }
    assert!(after.iter().any(on_disk));
    registry.sweep().await.unwrap();
    assert!(!after.iter().any(on_disk));
    assert!(kept.iter().all(on_disk));
}
