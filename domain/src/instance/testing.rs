//! What unit tests share.

use super::{Desired, Instance, Integration, Observed, Pairing, Settings, Transit};
use crate::ids::{Epoch, InstanceId, Seq, ShardId};
use crate::time::UnixMs;

/// A row that nobody has touched since it was made.
pub(super) fn row() -> Instance {
    Instance {
        id: InstanceId::random(),
        name: "b1".parse().unwrap(),
        integration: Integration::Baileys,
        business: None,
        shard: ShardId(0),
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
        epoch: Epoch(0),
        seq: Seq(0),
        created_at: UnixMs(0),
        updated_at: UnixMs(0),
    }
}
