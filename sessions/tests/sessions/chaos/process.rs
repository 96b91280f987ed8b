//! A process that owns the shard, until it dies.

use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use pombal_domain::InstanceId;
use pombal_sessions::{Session, ShardDb, ShardDbOptions};
use wacore::store::traits::DeviceStore;

use super::signal::Signal;
use super::{Checked, ensure};
use crate::faults::FaultStore;
use crate::support::{SHARD, session};

pub(super) const INSTANCE: InstanceId = InstanceId::from_uuid(uuid::Uuid::from_u128(9));

pub(super) struct Process {
    pub(super) faults: Arc<FaultStore>,
    pub(super) session: Session,
    pub(super) signal: Signal,
}

fn options(store: Arc<FaultStore>) -> ShardDbOptions {
    ShardDbOptions {
        max_retries: 6,
        commit_interval: Duration::from_millis(20),
        ..ShardDbOptions::local(store, "sessions", SHARD)
    }
}

impl Process {
    /// Starts on what is on the disk. The device must be the one that was made first.
    pub(super) async fn start(
        disk: &InMemory,
        first: Option<&wacore::store::Device>,
    ) -> Checked<Self> {
        let faults = FaultStore::over(Arc::new(disk.clone()));
        let db = ShardDb::open(options(faults.clone()))
            .await
            .map_err(|error| format!("the shard does not open: {error:?}"))?;
        let session = session(&db, INSTANCE);
        let loaded = session
            .load()
            .await
            .map_err(|e| format!("no device: {e:?}"))?;
        let device = match (loaded, first) {
            (Some(loaded), Some(first)) => {
                let same = loaded.identity_key.public_key == first.identity_key.public_key;
                ensure!(same, "another identity after a restart");
                loaded
            }
            (None, None) => {
                let device = wacore::store::Device::new();
                session.save(&device).await.map_err(|e| format!("{e:?}"))?;
                device
            }
            (loaded, _) => return Err(format!("the device is there: {}", loaded.is_some())),
        };
        let signal = Signal::new(device, Arc::new(session.clone()));
        Ok(Self {
            faults,
            session,
            signal,
        })
    }
}
