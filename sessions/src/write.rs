//! One write of a session: collected under the session's lock, committed at once.

use std::time::Duration;

use bytes::Bytes;
use slatedb::WriteBatch;
use slatedb::config::{PutOptions, Ttl};
use tokio::sync::OwnedMutexGuard;

use crate::commit::{Durability, Request};
use crate::error::Error;
use crate::kind::Kind;
use crate::row_key::RowKey;
use crate::session::{Session, State};

/// Rows to write. Dropping it writes nothing.
pub(crate) struct Write {
    session: Session,
    held: Held,
    batch: WriteBatch,
    changes: usize,
    /// Session rows are among the changes.
    session_rows: Option<Kind>,
}

/// The session's lock. What a write has noted in the state holds only once its rows are
/// applied; if they never are, the state is forgotten and read again.
struct Held {
    state: OwnedMutexGuard<State>,
    noted: bool,
}

impl Held {
    /// The rows are applied: what was noted holds, and the next write may start.
    fn applied(mut self) {
        self.noted = false;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.noted {
            *self.state = State::default();
        }
    }
}

/// When a row may disappear by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expiry {
    /// After this long.
    After(Duration),
    /// At this moment, in Unix seconds.
    AtSecs(i64),
    /// At this moment, in Unix milliseconds.
    AtMs(i64),
}

impl From<Expiry> for Ttl {
    fn from(expiry: Expiry) -> Self {
        match expiry {
            Expiry::After(duration) => {
                Self::ExpireAfterMillis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
            }
            Expiry::AtSecs(secs) => Self::ExpireAtMillis(secs.saturating_mul(1000)),
            Expiry::AtMs(ms) => Self::ExpireAtMillis(ms),
        }
    }
}

impl Session {
    /// Starts a write: waits for the write before it to be applied.
    pub(crate) async fn write(&self) -> Result<Write, Error> {
        self.ready().await?;
        Ok(self.lock().await)
    }

    /// [`Self::write`] without the key check, which itself writes.
    pub(crate) async fn lock(&self) -> Write {
        let state = self.0.shared.state.clone().lock_owned().await;
        Write {
            session: self.clone(),
            held: Held {
                state,
                noted: false,
            },
            batch: WriteBatch::new(),
            changes: 0,
            session_rows: None,
        }
    }

    /// Writes one row durably.
    pub(crate) async fn put_row(&self, key: &RowKey, plain: &[u8]) -> Result<(), Error> {
        let mut write = self.write().await?;
        write.put(key, plain)?;
        write.commit().await
    }

    /// Deletes one row durably.
    pub(crate) async fn delete_row(&self, key: &RowKey) -> Result<(), Error> {
        let mut write = self.write().await?;
        write.delete(key);
        write.commit().await
    }
}

impl Write {
    pub(crate) fn put(&mut self, key: &RowKey, plain: &[u8]) -> Result<(), Error> {
        let sealed = self.session.seal(key, plain)?;
        self.touch(key.kind);
        self.batch.put_bytes(key.bytes.clone(), sealed.into());
        self.changes += 1;
        Ok(())
    }

    pub(crate) fn put_expiring(
        &mut self,
        key: &RowKey,
        plain: &[u8],
        expiry: Expiry,
    ) -> Result<(), Error> {
        let sealed = self.session.seal(key, plain)?;
        let options = PutOptions { ttl: expiry.into() };
        self.touch(key.kind);
        self.batch
            .put_bytes_with_options(key.bytes.clone(), sealed.into(), &options);
        self.changes += 1;
        Ok(())
    }

    /// Puts a row that is sealed already, whatever state the session is in.
    pub(crate) fn put_sealed(&mut self, key: Bytes, value: Bytes, expires_at_ms: Option<i64>) {
        match expires_at_ms {
            None => self.batch.put_bytes(key, value),
            Some(at) => {
                let ttl = Expiry::AtMs(at).into();
                let options = PutOptions { ttl };
                self.batch.put_bytes_with_options(key, value, &options);
            }
        }
        self.changes += 1;
    }

    pub(crate) fn delete(&mut self, key: &RowKey) {
        self.touch(key.kind);
        self.delete_bytes(&key.bytes);
    }

    /// Notes that a row of the kind changes: a damaged session is left as it is.
    pub(crate) fn touch(&mut self, kind: Kind) {
        if kind.is_session() {
            self.session_rows = Some(kind);
        }
    }

    /// Deletes a row by its bytes, whatever state the session is in.
    pub(crate) fn delete_bytes(&mut self, key: &[u8]) {
        self.batch.delete(key);
        self.changes += 1;
    }

    /// Notes a fact that holds once this write is applied.
    pub(crate) fn note(&mut self) -> &mut State {
        self.held.noted = true;
        &mut self.held.state
    }

    /// Notes a fact that was just read, so that it holds whatever happens to this write.
    pub(crate) fn learn(&mut self) -> &mut State {
        &mut self.held.state
    }

    /// Commits and returns when durable. An empty write returns at once.
    pub(crate) async fn commit(self) -> Result<(), Error> {
        if self.changes == 0 {
            return Ok(());
        }
        self.submit(Durability::Durable).await
    }

    /// Like [`Self::commit`], but also waits for earlier writes when it is empty itself.
    pub(crate) async fn commit_or_barrier(self) -> Result<(), Error> {
        self.submit(Durability::Durable).await
    }

    /// Applies in memory; the rows become durable with the shard's next flush.
    pub(crate) async fn commit_behind(self) -> Result<(), Error> {
        if self.changes == 0 {
            return Ok(());
        }
        self.submit(Durability::Behind).await
    }

    /// Commits durably and lets no write of this instance follow.
    pub(crate) async fn commit_last(self) -> Result<(), Error> {
        let shared = self.session.0.shared.clone();
        self.hand_over(Durability::Durable, move || shared.set_wiped())
            .await
    }

    async fn submit(self, durability: Durability) -> Result<(), Error> {
        // A write that waited for the lock while its handle was ended.
        self.session.check_usable()?;
        if let Some(kind) = self.session_rows {
            self.session.check_whole(kind)?;
        }
        self.hand_over(durability, || ()).await
    }

    /// Gives the rows to the committer, which calls `applied` once they are applied.
    async fn hand_over(
        self,
        durability: Durability,
        applied: impl FnOnce() + Send + 'static,
    ) -> Result<(), Error> {
        let Self {
            session,
            held,
            batch,
            changes,
            ..
        } = self;
        // The lock travels with the batch: were this future dropped, the next write
        // would still wait until the committer has applied or refused this one.
        let applied = Box::new(move || {
            applied();
            held.applied();
        });
        session
            .0
            .db
            .write(Request {
                batch: (changes > 0).then_some(batch),
                durability,
                applied: Some(applied),
            })
            .await
    }
}
