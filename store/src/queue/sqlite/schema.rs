//! The file's tables, and opening it.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Result, params};

use crate::queue::DEDUP_WINDOW;

use super::clock::millis;

/// When a write counts as durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Once it is on the disk: it survives a power cut.
    #[default]
    Full,
    /// Once the operating system has it: it survives SIGKILL, not a power cut.
    Normal,
}

impl Durability {
    pub(super) const fn pragma(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Normal => "NORMAL",
        }
    }
}

/// How long opening waits for another process, or another part of this one, to close the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Statements kept ready; there are fewer.
const STATEMENTS: usize = 32;

/// `visible_at`, `busy_until` and `until` are moments in milliseconds. A message is in flight,
/// or not due yet, while its `visible_at` is ahead; `hidden_for` says how long that was meant
/// to be, in milliseconds. `returned` marks one that its receiver gave back.
///
/// A group has a row while it has messages: `head` is the first of them, and `busy_until` the
/// greatest `visible_at`. So a receive looks at groups, never at the messages behind them.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS queue (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        fifo INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS message_group (
        id INTEGER PRIMARY KEY,
        queue INTEGER NOT NULL,
        name TEXT NOT NULL,
        head INTEGER NOT NULL,
        busy_until INTEGER NOT NULL,
        UNIQUE (queue, name)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS group_by_head ON message_group (queue, head);
    CREATE INDEX IF NOT EXISTS group_by_time ON message_group (queue, busy_until);
    CREATE TABLE IF NOT EXISTS message (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        queue INTEGER NOT NULL,
        message_group INTEGER,
        body TEXT NOT NULL,
        visible_at INTEGER NOT NULL,
        hidden_for INTEGER NOT NULL,
        returned INTEGER NOT NULL DEFAULT 0,
        attempts INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX IF NOT EXISTS message_by_time ON message (queue, visible_at, id)
        WHERE message_group IS NULL;
    CREATE INDEX IF NOT EXISTS message_by_group ON message (message_group, id)
        WHERE message_group IS NOT NULL;
    CREATE INDEX IF NOT EXISTS message_hidden ON message (message_group, visible_at)
        WHERE message_group IS NOT NULL AND visible_at > 0;
    CREATE TABLE IF NOT EXISTS dedup (
        queue INTEGER NOT NULL,
        id TEXT NOT NULL,
        until INTEGER NOT NULL,
        PRIMARY KEY (queue, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS dedup_by_time ON dedup (until);
";

pub(super) fn open(path: &Path, now: i64) -> Result<Connection> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Before the first read, so that no second process ever gets in between.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let tx = connection.transaction()?;
    tx.execute_batch(TABLES)?;
    recover(&tx, now)?;
    tx.commit()?;
    Ok(connection)
}

/// Makes times right after a stop of any length, and any change of the clock meanwhile.
fn recover(tx: &Connection, now: i64) -> Result<()> {
    // Nobody holds a receipt any more.
    tx.execute(
        "UPDATE message SET visible_at = 0 WHERE visible_at > ?1 AND attempts > 0 AND NOT returned",
        [now],
    )?;
    // A clock that was set back must not hide anything for longer than was meant.
    tx.execute(
        "UPDATE message SET visible_at = ?1 + hidden_for WHERE visible_at > ?1 + hidden_for",
        [now],
    )?;
    tx.execute(
        "UPDATE dedup SET until = ?1 WHERE until > ?1",
        [now + millis(DEDUP_WINDOW)],
    )?;
    tx.execute(
        "UPDATE message_group SET busy_until = coalesce((SELECT max(visible_at) FROM message
             WHERE message_group = message_group.id AND visible_at > 0), 0)
         WHERE busy_until > ?1",
        [now],
    )?;
    Ok(())
}

/// The id of the queue called `name`, made if it is new; none if it has the other kind of order.
pub(super) fn queue(tx: &Connection, name: &str, fifo: bool) -> Result<Option<i64>> {
    tx.prepare_cached("INSERT INTO queue (name, fifo) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute(params![name, fifo])?;
    tx.prepare_cached("SELECT id FROM queue WHERE name = ?1 AND fifo = ?2")?
        .query_row(params![name, fifo], |row| row.get(0))
        .optional()
}
