//! Who gets events.

use pombal_domain::InstanceId;
use serde::{Deserialize, Serialize};

/// Who gets an event. Each sink has attempts and letters of its own: what one makes of an event
/// is nothing to the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sink {
    /// The instance's own webhook, or the one address that an event is for.
    #[default]
    Instance,
    /// The operator's webhook, for the events of all instances.
    Global,
}

/// What may stop answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Endpoint {
    /// The webhook of one instance.
    Instance(InstanceId),
    /// The one of all.
    Global,
}

impl Sink {
    /// Every sink.
    pub(super) const ALL: [Self; 2] = [Self::Instance, Self::Global];

    /// Whether letters were of this sink before they named one.
    pub(super) fn is_instance(&self) -> bool {
        *self == Self::Instance
    }

    /// Its name in logs.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Global => "global",
        }
    }

    /// Where the events of `instance` go.
    pub(super) fn endpoint(self, instance: InstanceId) -> Endpoint {
        match self {
            Self::Instance => Endpoint::Instance(instance),
            Self::Global => Endpoint::Global,
        }
    }
}
