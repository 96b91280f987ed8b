//! Commands to the owner of an instance, and waiting for what comes of them.

use std::time::Duration;

use pombal_domain::command::Command;
use pombal_domain::time::UnixMs;
use pombal_domain::{CommandId, Instance, Op, Reply};
use pombal_store::queue::Outgoing;
use tokio::time::{Instant, sleep};

use super::error::ApiError;
use super::state::ApiState;

/// First pause between two looks at a row.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
/// Longest pause between two looks at a row.
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// Puts a command into the queue of the instance's shard.
pub(super) async fn send(
    state: &ApiState,
    instance: &Instance,
    op: Op,
    reply: bool,
    ttl: Duration,
) -> Result<CommandId, ApiError> {
    let command = Command {
        id: CommandId::random(),
        instance: instance.id,
        name: instance.name.clone(),
        not_after: UnixMs::now().plus(ttl),
        reply,
        op,
    };
    let queue = state.commands(instance.shard).ok_or_else(|| {
        ApiError::internal(format!("shard {} has no command queue", instance.shard))
    })?;
    let message = Outgoing::fifo(&command, command.group(), command.id.to_string())
        .map_err(ApiError::internal)?;
    queue.send(&[message]).await?;
    Ok(command.id)
}

/// Tells the owner that the row has changed. A lost nudge costs seconds, not the wish, so a
/// failure is only logged. The id is there when a reply will come.
pub(super) async fn nudge(state: &ApiState, instance: &Instance, reply: bool) -> Option<CommandId> {
    match send(state, instance, Op::Reconcile, reply, Command::NUDGE_TTL).await {
        Ok(id) => Some(id),
        Err(error) => {
            error.log("nudge not sent");
            None
        }
    }
}

/// Whether anybody may take a command soon: false when there is no connector at all, since one
/// takes longer to start than a caller waits. One that has died counts for a while.
pub(super) async fn is_anybody_there(state: &ApiState) -> bool {
    match state.registry().fleet().await {
        Ok(fleet) => !fleet.connectors.is_empty(),
        Err(error) => {
            ApiError::from(error).log("connectors not looked up");
            true
        }
    }
}

/// Waits up to `wait` for the reply to a command.
pub(super) async fn reply(
    state: &ApiState,
    command: CommandId,
    wait: Duration,
) -> Result<Option<Reply>, ApiError> {
    let mut poll = Poll::new(wait);
    loop {
        if let Some(reply) = state.registry().reply(command).await? {
            return Ok(Some(reply));
        }
        if !poll.pause().await {
            return Ok(None);
        }
    }
}

/// Looks again and again, 25 ms to 400 ms apart, until a deadline.
pub(super) struct Poll {
    deadline: Instant,
    pause: Duration,
}

impl Poll {
    pub(super) fn new(wait: Duration) -> Self {
        Self {
            deadline: Instant::now() + wait,
            pause: FIRST_PAUSE,
        }
    }

    /// What is left until the deadline.
    pub(super) fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Sleeps until the next look. False: the deadline has passed.
    pub(super) async fn pause(&mut self) -> bool {
        let remaining = self.remaining();
        if remaining.is_zero() {
            return false;
        }
        sleep(self.pause.min(remaining)).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        true
    }
}
