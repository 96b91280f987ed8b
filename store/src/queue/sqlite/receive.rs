//! Receiving: what is available, in which order.

use rusqlite::{Result, params};

use crate::queue::{Incoming, MAX_BATCH, Receipt};

use super::writer::Turn;
use super::{dead, settle};

/// A queue as its receivers see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub(super) queue: i64,
    pub(super) fifo: bool,
    pub(super) visibility_ms: i64,
    /// Where messages go after so many receives.
    pub(super) dead: Option<(i64, u32)>,
}

/// A message that is available.
pub(super) struct Candidate {
    pub(super) id: i64,
    pub(super) body: String,
    pub(super) attempts: u32,
}

impl Source {
    /// Takes up to `max` messages that are available now.
    pub(super) fn take(&self, turn: &mut Turn<'_>, max: usize) -> Result<Vec<Incoming>> {
        let max = max.min(MAX_BATCH);
        if self.fifo {
            self.take_groups(turn, max)
        } else {
            self.take_standard(turn, max)
        }
    }

    /// The moment when the next hidden message may become available.
    pub(super) fn due(&self, turn: &Turn<'_>) -> Result<Option<i64>> {
        let query = if self.fifo {
            "SELECT min(busy_until) FROM message_group WHERE queue = ?1 AND busy_until > ?2"
        } else {
            "SELECT min(visible_at) FROM message
             WHERE queue = ?1 AND visible_at > ?2 AND message_group IS NULL"
        };
        turn.tx
            .prepare_cached(query)?
            .query_row([self.queue, turn.now], |row| row.get(0))
    }

    fn take_standard(&self, turn: &mut Turn<'_>, max: usize) -> Result<Vec<Incoming>> {
        let mut taken = Vec::new();
        while taken.len() < max {
            let candidates = turn
                .tx
                .prepare_cached(
                    "SELECT id, body, attempts FROM message
                     WHERE queue = ?1 AND visible_at <= ?2 AND message_group IS NULL
                     ORDER BY visible_at, id LIMIT ?3",
                )?
                .query_map(params![self.queue, turn.now, max - taken.len()], candidate)?
                .collect::<Result<Vec<_>>>()?;
            let found = !candidates.is_empty();
            for candidate in candidates {
                taken.extend(self.deliver(turn, candidate, None)?);
            }
            if !self.look_again(found, &taken) {
                break;
            }
        }
        Ok(taken)
    }

    /// As many as possible of the group that has waited longest, then of the next one.
    fn take_groups(&self, turn: &mut Turn<'_>, max: usize) -> Result<Vec<Incoming>> {
        let mut taken = Vec::new();
        while taken.len() < max {
            // By time it would have to read and sort all groups.
            let groups = turn
                .tx
                .prepare_cached(
                    "SELECT id, name FROM message_group INDEXED BY group_by_head
                     WHERE queue = ?1 AND busy_until <= ?2 ORDER BY head LIMIT ?3",
                )?
                .query_map(params![self.queue, turn.now, max - taken.len()], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?
                .collect::<Result<Vec<(i64, String)>>>()?;
            let found = !groups.is_empty();
            for (group, name) in groups {
                if taken.len() < max {
                    self.take_group(turn, group, &name, max, &mut taken)?;
                }
            }
            if !self.look_again(found, &taken) {
                break;
            }
        }
        Ok(taken)
    }

    fn take_group(
        &self,
        turn: &mut Turn<'_>,
        group: i64,
        name: &str,
        max: usize,
        taken: &mut Vec<Incoming>,
    ) -> Result<()> {
        let candidates = turn
            .tx
            .prepare_cached(
                "SELECT id, body, attempts FROM message WHERE message_group = ?1
                 ORDER BY id LIMIT ?2",
            )?
            .query_map(params![group, max - taken.len()], candidate)?
            .collect::<Result<Vec<_>>>()?;
        for candidate in candidates {
            taken.extend(self.deliver(turn, candidate, Some(name))?);
        }
        settle::refresh(turn.tx, group)
    }

    /// Whether there may be more: some of what was found may have gone to the dead-letter
    /// queue. With no visibility timeout the same messages would only be found again.
    fn look_again(&self, found: bool, taken: &[Incoming]) -> bool {
        found && (self.visibility_ms > 0 || taken.is_empty())
    }

    /// Hides a message and hands it out, or moves it to the dead-letter queue.
    fn deliver(
        &self,
        turn: &mut Turn<'_>,
        candidate: Candidate,
        group: Option<&str>,
    ) -> Result<Option<Incoming>> {
        let Candidate { id, body, attempts } = candidate;
        if let Some((dead, limit)) = self.dead
            && attempts >= limit
        {
            dead::bury(turn, id, dead, group)?;
            return Ok(None);
        }
        turn.tx
            .prepare_cached(
                "UPDATE message SET visible_at = ?2, hidden_for = ?3, returned = 0,
                     attempts = attempts + 1
                 WHERE id = ?1",
            )?
            .execute([id, turn.now + self.visibility_ms, self.visibility_ms])?;
        let attempts = attempts.saturating_add(1);
        let receipt = Receipt(format!("{id}.{attempts}"));
        Ok(Some(Incoming {
            body,
            group: group.map(str::to_owned),
            attempts,
            receipt,
        }))
    }
}

fn candidate(row: &rusqlite::Row<'_>) -> Result<Candidate> {
    Ok(Candidate {
        id: row.get(0)?,
        body: row.get(1)?,
        attempts: row.get(2)?,
    })
}
