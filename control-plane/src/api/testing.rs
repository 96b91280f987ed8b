//! What unit tests share.

use pombal_domain::instance::Observed;
use pombal_domain::time::UnixMs;
use pombal_domain::{
    Desired, Epoch, Instance, InstanceId, InstanceName, Integration, Pairing, Seq, Settings,
    ShardId, Transit,
};

/// A row nobody has touched.
pub(crate) fn row() -> Instance {
    Instance {
        id: InstanceId::random(),
        name: InstanceName::parse("b1").unwrap(),
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
        epoch: Epoch::default(),
        seq: Seq::default(),
        created_at: UnixMs(0),
        updated_at: UnixMs(0),
    }
}
