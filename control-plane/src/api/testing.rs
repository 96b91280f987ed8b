//! What unit tests share.

use pombal_domain::time::UnixMs;
use pombal_domain::{Instance, InstanceId, InstanceName, ShardId};

/// A row nobody has touched.
pub(crate) fn row() -> Instance {
    Instance::untouched(
        InstanceId::random(),
        InstanceName::parse("b1").unwrap(),
        ShardId(0),
        UnixMs(0),
    )
}
