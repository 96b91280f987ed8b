//! Deleting an instance destroys its data key: a copy of its rows is of no use any more.

use std::path::Path;

use pombal_domain::time::UnixMs;
use pombal_domain::{Instance, InstanceId};
use pombal_sessions::{Error, ShardDb, ShardDbOptions, local_store};
use pombal_store::Keys;
use pombal_store::keys::file::FileKeys;
use pombal_store::registry::{self, Registry};
use tempfile::TempDir;
use wacore::store::Device;
use wacore::store::traits::DeviceStore;

use crate::support::SHARD;

async fn create(registry: &Registry, keys: &FileKeys, name: &str) -> Instance {
    let id = InstanceId::random();
    let (_, data_key) = keys.generate(id).await.unwrap();
    let row = Instance {
        token_hash: id.as_uuid().simple().to_string().repeat(2),
        data_key,
        ..Instance::untouched(id, name.parse().unwrap(), SHARD, UnixMs(0))
    };
    registry.create_instance(&row).await.unwrap();
    row
}

async fn open(dir: &Path) -> ShardDb {
    let store = local_store(dir.join("sessions")).unwrap();
    ShardDb::open(ShardDbOptions::local(store, "shards", SHARD))
        .await
        .unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn restored_rows_of_a_deleted_instance_do_not_open() {
    let dir = TempDir::new().unwrap();
    let keys = FileKeys::open(dir.path().join("master.key")).unwrap();
    let registry = registry::embedded::open(dir.path().join("registry.db"))
        .await
        .unwrap();
    let gone = create(&registry, &keys, "gone").await;
    let stays = create(&registry, &keys, "stays").await;
    let db = open(dir.path()).await;
    for row in [&gone, &stays] {
        let key = keys.unwrap(row.id, &row.data_key).await.unwrap();
        db.session(row.id, key).save(&Device::new()).await.unwrap();
    }
    db.close().await.unwrap();
    let backup = TempDir::new().unwrap();
    copy(&dir.path().join("sessions"), backup.path());

    registry.delete_instance(&gone).await.unwrap();
    assert!(registry.instance_by_id(gone.id).await.unwrap().is_none());
    let db = open(dir.path()).await;
    let left = registry.shard_content(SHARD).await.unwrap();
    assert_eq!(left.tombstones.len(), 1);
    let no_key = keys.generate(gone.id).await.unwrap().0;
    db.session(gone.id, no_key).wipe_all().await.unwrap();
    db.close().await.unwrap();

    // Everything comes back but the registry: the rows are there again, and stay shut.
    std::fs::remove_dir_all(dir.path().join("sessions")).unwrap();
    copy(backup.path(), &dir.path().join("sessions"));
    let db = open(dir.path()).await;
    let rows = registry.list_instances(None, 10).await.unwrap();
    assert_eq!(rows.len(), 1);
    let mut every_key_left = vec![keys.generate(gone.id).await.unwrap().0];
    for row in &rows {
        every_key_left.push(keys.unwrap(row.id, &row.data_key).await.unwrap());
        assert!(keys.unwrap(gone.id, &row.data_key).await.is_err());
    }
    for key in every_key_left {
        let session = db.session(gone.id, key);
        let read = session.get_meta("any").await;
        assert!(matches!(read, Err(Error::WrongKey { .. })), "{read:?}");
        assert!(session.load().await.is_err());
    }
    let key = keys.unwrap(stays.id, &stays.data_key).await.unwrap();
    assert!(db.session(stays.id, key).exists().await.unwrap());
}
