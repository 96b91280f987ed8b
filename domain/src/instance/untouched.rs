//! What every instance begins as.

use super::{Desired, Instance, Integration, Observed, Pairing, Settings, Transit};
use crate::ids::{Epoch, InstanceId, Seq, ShardId};
use crate::name::InstanceName;
use crate::time::UnixMs;

impl Instance {
    /// A linked device, made at `at`, for which nothing is set and which nobody wants to connect.
    /// It has no token and no data key yet.
    #[must_use]
    pub fn untouched(id: InstanceId, name: InstanceName, shard: ShardId, at: UnixMs) -> Self {
        Self {
            id,
            name,
            integration: Integration::Baileys,
            business: None,
            shard,
            transit: Transit::default(),
            number: None,
            token_hash: String::new(),
            token_sealed: Vec::new(),
            data_key: Vec::new(),
            desired: Desired::Disconnected,
            pairing: Pairing::Qr,
            generation: 0,
            settings: Settings::default(),
            proxy: None,
            webhook: None,
            websocket: None,
            sqs: None,
            observed: Observed::never(),
            epoch: Epoch::default(),
            seq: Seq::default(),
            created_at: at,
            updated_at: at,
        }
    }
}
