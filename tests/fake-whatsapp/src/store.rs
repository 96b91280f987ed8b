//! Where the world is kept: one SQLite table, written before any client is answered.
//!
//! The truth at run time is in memory. Every change is also put in a journal, and the journal
//! of one stanza is one transaction. In WAL mode a committed transaction survives SIGKILL.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};
use serde::Serialize;

use crate::error::Error;

const FILE_NAME: &str = "fake-whatsapp.sqlite";
const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS state (
        bucket TEXT NOT NULL,
        key TEXT NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (bucket, key)
    ) WITHOUT ROWID;";

const PUT: &str = "INSERT INTO state (bucket, key, value) VALUES (?1, ?2, ?3)
    ON CONFLICT (bucket, key) DO UPDATE SET value = excluded.value";
const DELETE: &str = "DELETE FROM state WHERE bucket = ?1 AND key = ?2";

/// The kinds of rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Bucket {
    Server,
    Account,
    Device,
    Prekey,
    Queue,
    Delivered,
    Sent,
    Chain,
    Inbox,
    Outbox,
    Known,
    Peer,
    Session,
    Identity,
    OneTime,
    Consumed,
    File,
    OldMessage,
    Picture,
    About,
    Patch,
    Synced,
    Absent,
    Trouble,
    Violation,
    Group,
    OldInvite,
    SenderKey,
    SenderKeyGiven,
    GroupChain,
    MessageSecret,
    Social,
    Token,
    Call,
}

const BUCKETS: &[(Bucket, &str)] = &[
    (Bucket::Server, "server"),
    (Bucket::Account, "account"),
    (Bucket::Device, "device"),
    (Bucket::Prekey, "prekey"),
    (Bucket::Queue, "queue"),
    (Bucket::Delivered, "delivered"),
    (Bucket::Sent, "sent"),
    (Bucket::Chain, "chain"),
    (Bucket::Inbox, "inbox"),
    (Bucket::Outbox, "outbox"),
    (Bucket::Known, "known"),
    (Bucket::Peer, "peer"),
    (Bucket::Session, "session"),
    (Bucket::Identity, "identity"),
    (Bucket::OneTime, "one-time"),
    (Bucket::Consumed, "consumed"),
    (Bucket::File, "file"),
    (Bucket::OldMessage, "old-message"),
    (Bucket::Picture, "picture"),
    (Bucket::About, "about"),
    (Bucket::Patch, "patch"),
    (Bucket::Synced, "synced"),
    (Bucket::Absent, "absent"),
    (Bucket::Trouble, "trouble"),
    (Bucket::Violation, "violation"),
    (Bucket::Group, "group"),
    (Bucket::OldInvite, "old-invite"),
    (Bucket::SenderKey, "sender-key"),
    (Bucket::SenderKeyGiven, "sender-key-given"),
    (Bucket::GroupChain, "group-chain"),
    (Bucket::MessageSecret, "message-secret"),
    (Bucket::Social, "social"),
    (Bucket::Token, "token"),
    (Bucket::Call, "call"),
];

impl Bucket {
    fn name(self) -> &'static str {
        BUCKETS
            .iter()
            .find(|(bucket, _)| *bucket == self)
            .map_or("", |(_, name)| name)
    }
}

/// One stored row.
pub(crate) struct Row {
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
}

struct Change {
    bucket: Bucket,
    key: String,
    value: Option<Vec<u8>>,
}

/// The database and the journal of the stanza in hand.
pub(crate) struct Store {
    db: Option<Connection>,
    dir: Option<PathBuf>,
    journal: Vec<Change>,
}

impl Store {
    /// Opens the database in `dir`, or keeps nothing.
    pub(crate) fn open(dir: Option<&Path>) -> Result<Self, Error> {
        let db = match dir {
            None => None,
            Some(dir) => {
                std::fs::create_dir_all(dir)?;
                let db = Connection::open(dir.join(FILE_NAME))?;
                db.execute_batch(SCHEMA)?;
                Some(db)
            }
        };
        Ok(Self {
            db,
            dir: dir.map(Path::to_owned),
            journal: Vec::new(),
        })
    }

    /// The directory of the state, for what is not kept in the database.
    pub(crate) fn dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }

    /// All rows of a bucket, in key order.
    pub(crate) fn rows(&self, bucket: Bucket) -> Result<Vec<Row>, Error> {
        let Some(db) = &self.db else {
            return Ok(Vec::new());
        };
        let mut statement =
            db.prepare("SELECT key, value FROM state WHERE bucket = ?1 ORDER BY key")?;
        let rows = statement.query_map([bucket.name()], |row| {
            Ok(Row {
                key: row.get(0)?,
                value: row.get(1)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Writes a row as JSON.
    pub(crate) fn put(&mut self, bucket: Bucket, key: String, value: &impl Serialize) {
        if self.db.is_none() {
            return;
        }
        match serde_json::to_vec(value) {
            Ok(value) => self.journal.push(Change {
                bucket,
                key,
                value: Some(value),
            }),
            Err(error) => tracing::error!(%error, bucket = bucket.name(), "row not serialisable"),
        }
    }

    /// Writes a row of bytes.
    pub(crate) fn put_bytes(&mut self, bucket: Bucket, key: String, value: &[u8]) {
        if self.db.is_some() {
            self.journal.push(Change {
                bucket,
                key,
                value: Some(value.to_vec()),
            });
        }
    }

    /// Removes a row.
    pub(crate) fn delete(&mut self, bucket: Bucket, key: String) {
        if self.db.is_some() {
            self.journal.push(Change {
                bucket,
                key,
                value: None,
            });
        }
    }

    /// Makes the journal durable, in one transaction. After an error the journal is kept, and
    /// goes with the next one.
    pub(crate) fn commit(&mut self) -> Result<(), Error> {
        if let Some(db) = &mut self.db
            && !self.journal.is_empty()
        {
            write(db, &self.journal)?;
        }
        self.journal.clear();
        Ok(())
    }
}

fn write(db: &mut Connection, journal: &[Change]) -> Result<(), Error> {
    let transaction = db.transaction()?;
    {
        let mut put = transaction.prepare_cached(PUT)?;
        let mut delete = transaction.prepare_cached(DELETE)?;
        for change in journal {
            match &change.value {
                Some(value) => put.execute(params![change.bucket.name(), change.key, value])?,
                None => delete.execute(params![change.bucket.name(), change.key])?,
            };
        }
    }
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_rows_survive_and_uncommitted_rows_do_not() {
        let dir = tempfile::tempdir().expect("dir");
        let mut store = Store::open(Some(dir.path())).expect("open");
        store.put_bytes(Bucket::Known, "a".into(), b"1");
        store.put_bytes(Bucket::Known, "b".into(), b"2");
        store.commit().expect("commit");
        store.delete(Bucket::Known, "a".into());
        store.commit().expect("commit");
        store.put_bytes(Bucket::Known, "c".into(), b"3");
        drop(store);
        let store = Store::open(Some(dir.path())).expect("open");
        let keys: Vec<_> = store
            .rows(Bucket::Known)
            .expect("rows")
            .into_iter()
            .map(|row| row.key)
            .collect();
        assert_eq!(keys, ["b"]);
    }

    #[test]
    fn every_bucket_has_its_own_name() {
        let names: std::collections::HashSet<_> = BUCKETS.iter().map(|(_, name)| name).collect();
        assert_eq!(names.len(), BUCKETS.len());
    }
}
