//! Sending.

use rusqlite::{Connection, Result, params};

use crate::queue::{DEDUP_WINDOW, Outgoing};

use super::clock::millis;
use super::writer::Turn;

/// The `head` of a group whose first message is not there yet.
const NO_HEAD: i64 = i64::MAX;

pub(super) fn send(turn: &mut Turn<'_>, queue: i64, messages: &[Outgoing]) -> Result<()> {
    for message in messages {
        let new = match (&message.group, &message.dedup) {
            (Some(group), Some(dedup)) => {
                // Neither of the two may hold a space.
                remember(turn.tx, queue, &format!("{group} {dedup}"), turn.now)?
            }
            _ => true,
        };
        if new {
            insert(turn, queue, message)?;
        }
    }
    turn.touched.insert(queue);
    Ok(())
}

/// Remembers a group's deduplication id. False: it was remembered already.
fn remember(tx: &Connection, queue: i64, id: &str, now: i64) -> Result<bool> {
    let changed = tx
        .prepare_cached(
            "INSERT INTO dedup (queue, id, until) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET until = excluded.until WHERE until <= ?4",
        )?
        .execute(params![queue, id, now + millis(DEDUP_WINDOW), now])?;
    Ok(changed > 0)
}

/// Forgets deduplication ids whose time is over.
pub(super) fn forget(tx: &Connection, now: i64) -> Result<()> {
    tx.prepare_cached("DELETE FROM dedup WHERE until <= ?1")?
        .execute([now])?;
    Ok(())
}

fn insert(turn: &Turn<'_>, queue: i64, message: &Outgoing) -> Result<()> {
    let group = message
        .group
        .as_deref()
        .map(|name| group(turn.tx, queue, name))
        .transpose()?;
    let hidden_for = millis(message.delay);
    // Zero, not now, keeps messages of groups out of the index of hidden ones.
    let visible_at = if group.is_some() {
        0
    } else {
        turn.now + hidden_for
    };
    turn.tx
        .prepare_cached(
            "INSERT INTO message (queue, message_group, body, visible_at, hidden_for)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            queue,
            group.map(|(id, _)| id),
            message.body,
            visible_at,
            hidden_for
        ])?;
    if let Some((group, NO_HEAD)) = group {
        turn.tx
            .prepare_cached("UPDATE message_group SET head = ?2 WHERE id = ?1")?
            .execute([group, turn.tx.last_insert_rowid()])?;
    }
    Ok(())
}

/// Id and head of the group called `name`, made if it is new.
pub(super) fn group(tx: &Connection, queue: i64, name: &str) -> Result<(i64, i64)> {
    tx.prepare_cached(
        "INSERT INTO message_group (queue, name, head, busy_until) VALUES (?1, ?2, ?3, 0)
         ON CONFLICT DO UPDATE SET head = head RETURNING id, head",
    )?
    .query_row(params![queue, name, NO_HEAD], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}
