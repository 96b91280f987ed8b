//! What the conformance suite can't see: the file, and what stays of it.

use pombal_domain::instance::{Integration, Settings};
use pombal_domain::time::UnixMs;
use pombal_domain::{
    CommandId, Desired, Epoch, Instance, InstanceId, Observed, Pairing, Reply, Seq, ShardId,
};

use super::*;
use crate::kill;

fn instance(name: &str) -> Instance {
    Instance {
        id: InstanceId::random(),
        name: name.parse().unwrap(),
        integration: Integration::Baileys,
        shard: ShardId(0),
        number: None,
        token_hash: uuid::Uuid::new_v4().simple().to_string().repeat(2),
        token_sealed: Vec::new(),
        data_key: Vec::new(),
        desired: Desired::Connected,
        pairing: Pairing::Qr,
        generation: 1,
        settings: Settings::default(),
        webhook: None,
        websocket: None,
        sqs: None,
        observed: Observed::never(),
        epoch: Epoch(0),
        seq: Seq(0),
        created_at: UnixMs(0),
        updated_at: UnixMs(0),
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
