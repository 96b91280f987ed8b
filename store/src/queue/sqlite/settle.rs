//! What a receiver does with a message: acknowledge it, keep it, give it back.

use rusqlite::{Connection, OptionalExtension, Result, params};

use crate::queue::Receipt;

use super::writer::Turn;

/// Message and attempt that a receipt stands for. Each attempt gives one receipt, and message
/// ids are never used again.
fn parse(receipt: &Receipt) -> Option<(i64, u32)> {
    let (id, attempt) = receipt.0.split_once('.')?;
    Some((id.parse().ok()?, attempt.parse().ok()?))
}

/// Removes messages whose receipts are valid.
pub(super) fn ack(turn: &mut Turn<'_>, queue: i64, receipts: &[Receipt]) -> Result<()> {
    let mut groups = Vec::new();
    for (id, attempt) in receipts.iter().filter_map(parse) {
        let group = turn
            .tx
            .prepare_cached(
                "DELETE FROM message
                 WHERE id = ?1 AND queue = ?2 AND attempts = ?3 AND visible_at > ?4
                 RETURNING message_group",
            )?
            .query_row(params![id, queue, attempt, turn.now], |row| {
                row.get::<_, Option<i64>>(0)
            })
            .optional()?
            .flatten();
        groups.extend(group);
    }
    groups.sort_unstable();
    groups.dedup();
    for group in groups {
        refresh(turn.tx, group)?;
        turn.touched.insert(queue);
    }
    Ok(())
}

/// Hides a message for so many milliseconds from now. False: the receipt is not valid.
pub(super) fn hide(
    turn: &mut Turn<'_>,
    queue: i64,
    receipt: &Receipt,
    hidden_for: i64,
    returned: bool,
) -> Result<bool> {
    let Some((id, attempt)) = parse(receipt) else {
        return Ok(false);
    };
    let hidden = turn
        .tx
        .prepare_cached(
            "UPDATE message SET visible_at = ?4 + ?5, hidden_for = ?5, returned = ?6
             WHERE id = ?1 AND queue = ?2 AND attempts = ?3 AND visible_at > ?4
             RETURNING message_group",
        )?
        .query_row(
            params![id, queue, attempt, turn.now, hidden_for, returned],
            |row| row.get::<_, Option<i64>>(0),
        )
        .optional()?;
    if let Some(group) = hidden.flatten() {
        refresh(turn.tx, group)?;
    }
    turn.touched.insert(queue);
    Ok(hidden.is_some())
}

/// Makes a message as if it had not been received, when nobody is there to get it.
pub(super) fn undo(turn: &mut Turn<'_>, queue: i64, receipt: &Receipt) -> Result<()> {
    if hide(turn, queue, receipt, 0, false)?
        && let Some((id, attempt)) = parse(receipt)
    {
        turn.tx
            .prepare_cached(
                "UPDATE message SET attempts = attempts - 1 WHERE id = ?1 AND attempts = ?2",
            )?
            .execute(params![id, attempt])?;
    }
    Ok(())
}

/// Brings a group's row in line with its messages; without any, it goes.
pub(super) fn refresh(tx: &Connection, group: i64) -> Result<()> {
    let (head, busy_until) = tx
        .prepare_cached(
            "SELECT (SELECT min(id) FROM message WHERE message_group = ?1),
                    (SELECT max(visible_at) FROM message
                     WHERE message_group = ?1 AND visible_at > 0)",
        )?
        .query_row([group], |row| {
            Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?))
        })?;
    match head {
        None => tx
            .prepare_cached("DELETE FROM message_group WHERE id = ?1")?
            .execute([group])?,
        Some(head) => tx
            .prepare_cached("UPDATE message_group SET head = ?2, busy_until = ?3 WHERE id = ?1")?
            .execute([group, head, busy_until.unwrap_or_default()])?,
    };
    Ok(())
}
