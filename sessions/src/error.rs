//! What can go wrong in the session store.

use std::path::PathBuf;
use std::sync::Arc;

use pombal_domain::{InstanceId, Seq, ShardId};
use pombal_store::keys::OpenError;
use slatedb::{CloseReason, ErrorKind};

use crate::damage::Damage;
use crate::kind::Kind;

/// An error of the session store. Cheap to clone: one failed commit reaches many waiters.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another writer has opened the shard. Drop the shard at once.
    #[error("shard {shard} has a newer writer; this one is fenced")]
    Fenced {
        /// The shard.
        shard: ShardId,
    },
    /// The handle was closed, so nothing was written.
    #[error("the session database of shard {shard} is closed")]
    Closed {
        /// The shard.
        shard: ShardId,
    },
    /// The database could not be opened.
    #[error("the session database of shard {shard} does not open")]
    Open {
        /// The shard.
        shard: ShardId,
        /// What `SlateDB` said.
        #[source]
        source: Arc<slatedb::Error>,
    },
    /// A commit failed. Its rows may or may not be durable; the handle is dead, so
    /// reopen the shard before reading or writing again.
    #[error("a commit of shard {shard} failed")]
    Commit {
        /// The shard.
        shard: ShardId,
        /// What `SlateDB` said.
        #[source]
        source: Arc<slatedb::Error>,
    },
    /// A read failed. Nothing is known about the row.
    #[error("a read of shard {shard} failed")]
    Read {
        /// The shard.
        shard: ShardId,
        /// What `SlateDB` said.
        #[source]
        source: Arc<slatedb::Error>,
    },
    /// Objects of the shard are damaged or missing. They are left as they are, and this shard
    /// writes nothing any more. An operator has to act: see "A session object is damaged" in
    /// `docs/ARCHITECTURE.md`.
    #[error("session storage of shard {shard} is damaged: {}", list(damage))]
    Corrupt {
        /// The shard.
        shard: ShardId,
        /// The damaged objects; at least one, and not all of very many.
        damage: Arc<[Damage]>,
    },
    /// A row that every session has is missing while others are there: this is no new
    /// instance, so it must not get a new identity.
    #[error("the {missing:?} row of instance {instance} is missing")]
    Incomplete {
        /// The instance.
        instance: InstanceId,
        /// Kind of the missing row.
        missing: Kind,
    },
    /// The session is older than what is known of the instance elsewhere: objects of the
    /// shard were lost, or replaced by older ones. Used again, it would repeat message keys.
    #[error(
        "the session of instance {instance} ends at event {stored}, but event {known} is known"
    )]
    RolledBack {
        /// The instance.
        instance: InstanceId,
        /// The last sequence number that the session gave out.
        stored: Seq,
        /// A sequence number that others have seen.
        known: Seq,
    },
    /// The instance's rows were written under another data key.
    #[error("the data key is not the one instance {instance} was written under")]
    WrongKey {
        /// The instance.
        instance: InstanceId,
    },
    /// A row does not open: damaged bytes, or a row moved to another place.
    #[error("a {kind:?} row of instance {instance} does not open")]
    Unopenable {
        /// The instance.
        instance: InstanceId,
        /// Kind of the row.
        kind: Kind,
        /// What the cipher said.
        #[source]
        source: OpenError,
    },
    /// A row opens, but its content is not what this version writes.
    #[error("a {kind:?} row of instance {instance} has an unknown layout")]
    Malformed {
        /// The instance.
        instance: InstanceId,
        /// Kind of the row.
        kind: Kind,
    },
    /// A JSON row does not decode, or a value does not encode.
    #[error("a {kind:?} row of instance {instance} is not valid JSON for its type")]
    Json {
        /// The instance.
        instance: InstanceId,
        /// Kind of the row.
        kind: Kind,
        /// What the decoder said.
        #[source]
        source: Arc<serde_json::Error>,
    },
    /// A row could not be sealed: the system's random source failed.
    #[error("a {kind:?} row of instance {instance} could not be sealed")]
    Seal {
        /// The instance.
        instance: InstanceId,
        /// Kind of the row.
        kind: Kind,
    },
    /// The instance was deleted through this shard handle; nothing may follow.
    #[error("instance {instance} was wiped")]
    Wiped {
        /// The instance.
        instance: InstanceId,
    },
    /// This handle was ended with its [`crate::Revoker`]; the session itself goes on.
    #[error("this handle on the session of instance {instance} was revoked")]
    Revoked {
        /// The instance.
        instance: InstanceId,
    },
    /// The instance has left for another shard; it is somebody else's to write.
    #[error("instance {instance} has left the shard")]
    Left {
        /// The instance.
        instance: InstanceId,
    },
    /// The rows that an instance should arrive with are not what they should be.
    #[error("the parcel with the rows of instance {instance} is of no use: {what}")]
    Parcel {
        /// The instance.
        instance: InstanceId,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The local directory could not be created or opened.
    #[error("the directory {} can't be used as a session store", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// Whether the whole shard handle is unusable, so that the shard must be dropped.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        matches!(
            self,
            Self::Fenced { .. }
                | Self::Closed { .. }
                | Self::Open { .. }
                | Self::Commit { .. }
                | Self::Corrupt { .. }
        )
    }

    /// Whether this says that the stored session itself can't be trusted. Trying again does
    /// not help, and starting anew would lose it: somebody has to look.
    #[must_use]
    pub const fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Corrupt { .. }
                | Self::Incomplete { .. }
                | Self::RolledBack { .. }
                | Self::WrongKey { .. }
                | Self::Unopenable { .. }
                | Self::Malformed { .. }
                | Self::Json { .. }
                | Self::Parcel { .. }
        )
    }

    pub(crate) fn open(shard: ShardId, source: slatedb::Error) -> Self {
        Self::closed(shard, &source).unwrap_or_else(|| Self::Open {
            shard,
            source: Arc::new(source),
        })
    }

    pub(crate) fn commit(shard: ShardId, source: slatedb::Error) -> Self {
        Self::closed(shard, &source).unwrap_or_else(|| Self::Commit {
            shard,
            source: Arc::new(source),
        })
    }

    pub(crate) fn read(shard: ShardId, source: slatedb::Error) -> Self {
        Self::closed(shard, &source).unwrap_or_else(|| Self::Read {
            shard,
            source: Arc::new(source),
        })
    }

    fn closed(shard: ShardId, source: &slatedb::Error) -> Option<Self> {
        match source.kind() {
            ErrorKind::Closed(CloseReason::Fenced) => Some(Self::Fenced { shard }),
            ErrorKind::Closed(CloseReason::Clean) => Some(Self::Closed { shard }),
            _ => None,
        }
    }
}

fn list(damage: &[Damage]) -> String {
    let named: Vec<String> = damage.iter().map(ToString::to_string).collect();
    named.join("; ")
}

impl From<Error> for wacore::store::error::StoreError {
    fn from(error: Error) -> Self {
        match error {
            Error::Json { .. } | Error::Malformed { .. } => Self::Serialization(Box::new(error)),
            _ => Self::Database(Box::new(error)),
        }
    }
}
