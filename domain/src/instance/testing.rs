//! What unit tests share.

use super::Instance;
use crate::ids::{InstanceId, ShardId};
use crate::time::UnixMs;

/// A row that nobody has touched since it was made.
pub(super) fn row() -> Instance {
    Instance::untouched(
        InstanceId::random(),
        "b1".parse().unwrap(),
        ShardId(0),
        UnixMs(0),
    )
}
