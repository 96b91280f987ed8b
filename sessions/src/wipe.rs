//! Deleting many rows.
//!
//! Deleted rows stay in the object store until compaction and garbage collection pass,
//! but sealed: deleting the instance's data key is what makes them unreadable.

use crate::error::Error;
use crate::kind::Kind;
use crate::row_key::PREFIX_BYTES;
use crate::session::{Session, State};

impl Session {
    /// Deletes the whole `WhatsApp` session: device, keys, everything of the `Backend`. The
    /// journal, the sequence number and the meta rows stay. Durable when it returns, in
    /// one commit. Stop the instance's client first: what it writes later stays.
    ///
    /// # Errors
    /// [`Error::WrongKey`] and every error of a read or a commit.
    pub async fn wipe_session(&self) -> Result<(), Error> {
        let mut write = self.write().await?;
        for kind in Kind::ALL.iter().filter(|kind| kind.is_session()) {
            for (key, _) in self.0.db.scan(&self.keys().prefix(*kind)).await? {
                write.delete_bytes(&key);
            }
        }
        let last_seq = write.learn().last_seq;
        *write.note() = State {
            last_seq,
            ..State::default()
        };
        write.commit_or_barrier().await
    }

    /// Deletes every row of the instance, durably and in one commit. It needs no right
    /// key. Afterwards each handle of the instance fails with [`Error::Wiped`], so that
    /// no straggler writes again; a new [`crate::ShardDb::session`] starts empty.
    ///
    /// # Errors
    /// Every error of a read or a commit.
    pub async fn wipe_all(&self) -> Result<(), Error> {
        let mut write = self.lock().await;
        for (key, _) in self.0.db.scan(&self.keys().instance_prefix()).await? {
            write.delete_bytes(&key);
        }
        write.commit_last().await
    }

    /// Deletes every row of the kind with this prefix, in one durable commit.
    pub(crate) async fn delete_prefix(&self, kind: Kind, prefix: &[u8]) -> Result<(), Error> {
        debug_assert!(prefix.len() >= PREFIX_BYTES);
        let mut write = self.write().await?;
        write.touch(kind);
        for (key, _) in self.0.db.scan(prefix).await? {
            write.delete_bytes(&key);
        }
        write.commit().await
    }
}
