//! Dead-letter queues.

use rusqlite::{Connection, Result, params};

use super::send::group;
use super::settle::refresh;
use super::writer::Turn;

/// A message that was received too often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The body.
    pub body: String,
    /// The group, on FIFO queues.
    pub group: Option<String>,
    /// How often it was received.
    pub attempts: u32,
}

/// The name of the dead-letter queue of the queue called `name`.
pub(super) fn name(name: &str) -> String {
    format!("{name}-dlq")
}

/// Moves a message to the dead-letter queue. The caller refreshes the group that it leaves.
pub(super) fn bury(turn: &mut Turn<'_>, id: i64, dead: i64, name: Option<&str>) -> Result<()> {
    let group = name
        .map(|name| group(turn.tx, dead, name))
        .transpose()?
        .map(|(id, _)| id);
    turn.tx
        .prepare_cached(
            "UPDATE message SET queue = ?2, message_group = ?3, visible_at = 0, hidden_for = 0
             WHERE id = ?1",
        )?
        .execute(params![id, dead, group])?;
    if let Some(group) = group {
        refresh(turn.tx, group)?;
    }
    turn.touched.insert(dead);
    tracing::warn!(
        queue.dead = dead,
        message.id = id,
        "message moved to its dead-letter queue"
    );
    Ok(())
}

/// What is in the queue called `name`, oldest first.
pub(super) fn list(tx: &Connection, name: &str) -> Result<Vec<DeadLetter>> {
    tx.prepare_cached(
        "SELECT message.body, message_group.name, message.attempts FROM message
         JOIN queue ON queue.id = message.queue
         LEFT JOIN message_group ON message_group.id = message.message_group
         WHERE queue.name = ?1 ORDER BY message.id",
    )?
    .query_map([name], |row| {
        Ok(DeadLetter {
            body: row.get(0)?,
            group: row.get(1)?,
            attempts: row.get(2)?,
        })
    })?
    .collect()
}
