//! Typed ids. A raw `Uuid` or integer never travels between modules.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh random id (UUID v4).
            #[must_use]
            pub fn random() -> Self {
                Self(Uuid::new_v4())
            }

            /// Wraps a UUID that is already known.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID inside.
            #[must_use]
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(s: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(s).map(Self)
            }
        }
    };
}

uuid_id! {
    /// Identity of an instance. Never reused, unlike its name.
    InstanceId
}
uuid_id! {
    /// Identity of a command. Also its deduplication id in the shard's queue.
    CommandId
}
uuid_id! {
    /// Identity of one run of a connector process.
    ConnectorId
}
uuid_id! {
    /// Record version number: a random value that a connector writes anew each time it renews
    /// its lease. Whoever sees it unchanged for a whole lease knows that it was not renewed.
    Rvn
}
uuid_id! {
    /// Identity of one attempt to hand an instance over to another shard. It names the object
    /// in which the instance's rows travel.
    MoveId
}
uuid_id! {
    /// Identity of an event, and its idempotency key. The same fact gets the same id
    /// after a crash: see [`EventId::derive`].
    EventId
}

impl EventId {
    /// The id of the fact `key` of `instance`: a UUID v5 in the instance's namespace.
    ///
    /// `key` must name the fact alone (say, the event name with chat, sender and
    /// message id), so that a replay derives the same id.
    #[must_use]
    pub fn derive(instance: InstanceId, key: &[&str]) -> Self {
        // The separator can't occur in JIDs, message ids or event names.
        let name = key.join("\u{1f}");
        Self(Uuid::new_v5(instance.as_uuid(), name.as_bytes()))
    }
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident, $int:ty) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $int);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl $name {
            /// The next number.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }
    };
}

number_id! {
    /// A shard: the unit of ownership, of the command queue and of the session database.
    ShardId, u16
}
number_id! {
    /// How often a shard has changed owners. A writer of an older epoch is fenced.
    Epoch, u64
}
number_id! {
    /// Position of an event in its instance's stream. What a connector tells begins at 1 and has
    /// no gaps. That the instance was made is 0; what is told when it is gone comes after
    /// [`Self::AFTER_ALL`].
    Seq, u64
}

impl Seq {
    /// More than an instance has events. Readers of JSON still hold it exactly (RFC 8259 § 6).
    pub const AFTER_ALL: Self = Self(1 << 52);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replayed_fact_has_the_same_id_and_other_facts_do_not() {
        let instance = InstanceId::random();
        let id = EventId::derive(
            instance,
            &["messages.upsert", "5511@s.whatsapp.net", "3EB0"],
        );
        let same = EventId::derive(
            instance,
            &["messages.upsert", "5511@s.whatsapp.net", "3EB0"],
        );
        let other_key = EventId::derive(instance, &["messages.upsert", "5511@s.whatsapp.net3EB0"]);
        let other_instance = EventId::derive(
            InstanceId::random(),
            &["messages.upsert", "5511@s.whatsapp.net", "3EB0"],
        );
        assert_eq!(id, same);
        assert_ne!(id, other_key);
        assert_ne!(id, other_instance);
    }
}
