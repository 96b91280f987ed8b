//! Leaves nothing of deleted rows in the file.
//!
//! `SQLite` only forgets where a deleted row was: its bytes stay in free pages, in gaps of
//! pages and in the write-ahead log. Among them is the wrapped data key of a deleted instance,
//! which must be gone. A vacuum writes a file of what is still there, and a truncating
//! checkpoint empties the log. What the disk itself keeps of blocks that were given back is
//! out of our hands.

use std::time::Duration;

use async_trait::async_trait;
use dynoxide::Database;
use rusqlite::Connection;
use tokio::sync::{Mutex, MutexGuard};

use crate::registry::Error;
use crate::registry::local::Local;

/// Longest wait for readers of the file; there are none but in this process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The database of an embedded registry.
pub(super) struct DbFile {
    db: Database,
    path: String,
    scrubbing: Mutex<()>,
}

impl DbFile {
    pub(super) fn new(db: Database, path: String) -> Self {
        Self {
            db,
            path,
            scrubbing: Mutex::default(),
        }
    }
}

#[async_trait]
impl Local for DbFile {
    async fn sweep(&self) -> Result<usize, Error> {
        let db = self.db.clone();
        tokio::task::spawn_blocking(move || db.sweep_ttl())
            .await
            .map_err(Error::storage)?
            .map_err(Error::storage)
    }

    async fn scrub(&self) -> Result<(), Error> {
        let (db, path) = (self.db.clone(), self.path.clone());
        tokio::task::spawn_blocking(move || {
            db.vacuum().map_err(Error::storage)?;
            empty_log(&path).map_err(Error::storage)
        })
        .await
        .map_err(Error::storage)?
    }

    async fn scrub_turn(&self) -> MutexGuard<'_, ()> {
        self.scrubbing.lock().await
    }
}

/// Moves the write-ahead log into the file and cuts it to nothing.
fn empty_log(path: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let busy: i64 =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy != 0 {
        return Err("the write-ahead log is in use".into());
    }
    Ok(())
}
