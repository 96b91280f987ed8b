//! Commands whose instance lives on another shard by now follow it there.
//!
//! Which shard that is says the row, read consistently at that moment; if the instance moves on,
//! the next owner sends them on in turn. The deduplication id names the command and the stay of
//! the instance that it is sent to: a command that is sent twice because its first queue did not
//! forget it counts once, and one that follows its instance back to a queue in which it has been
//! is not taken for its own repetition.

use pombal_domain::time::UnixMs;
use pombal_domain::{Chain, Command, CommandId, Instance, Op, ShardId};
use pombal_store::queue::{Error as QueueError, MAX_BATCH, Outgoing};

use crate::shard::commands::Job;
use crate::shard::{Error, Shard};

impl Shard {
    /// The row of the command's instance, if that lives on another shard. `None` also when
    /// nobody knows.
    pub(super) async fn elsewhere(&self, command: &Command) -> Option<Instance> {
        let row = self.context.seams.registry.instance(&command.name).await;
        let row = row.inspect_err(|error| {
            tracing::warn!(instance.id = %command.instance, error = %Chain(error), "row not read");
        });
        row.ok()?
            .filter(|row| row.id == command.instance && row.shard != self.context.shard)
    }

    /// Sends commands on, in order, to the shard that `row` says; then they are forgotten here.
    /// What can't be sent on comes back.
    pub(super) async fn forward(&self, jobs: &[Job], row: &Instance) {
        for batch in jobs.chunks(MAX_BATCH) {
            if let Err(error) = self.send_on(batch, row).await {
                tracing::warn!(
                    instance.id = %row.id,
                    to = %row.shard,
                    error = %Chain(&error),
                    "commands not sent on; they come back"
                );
                return;
            }
            let receipts: Vec<_> = batch.iter().map(|job| job.receipt.clone()).collect();
            self.ack(&receipts).await;
        }
    }

    async fn send_on(&self, jobs: &[Job], row: &Instance) -> Result<(), Error> {
        let stay = row.transit.epoch_base;
        let messages = jobs.iter().map(|job| {
            let command = &job.command;
            Outgoing::fifo(command, command.group(), format!("{}/{stay}", command.id))
                .map_err(|error| QueueError::Storage(error.into()))
        });
        let messages = messages.collect::<Result<Vec<_>, _>>()?;
        Ok(self.queue_of(row.shard)?.send(&messages).await?)
    }

    /// Tells the owner of a shard to look at an instance's row.
    pub(super) async fn send_nudge(&self, row: &Instance, to: ShardId) -> Result<(), Error> {
        let command = Command {
            id: CommandId::random(),
            instance: row.id,
            name: row.name.clone(),
            not_after: UnixMs::now().plus(Command::NUDGE_TTL),
            reply: false,
            op: Op::Reconcile,
        };
        let message = Outgoing::fifo(&command, command.group(), command.id.to_string())
            .map_err(|error| QueueError::Storage(error.into()))?;
        Ok(self.queue_of(to)?.send(&[message]).await?)
    }

    fn queue_of(&self, shard: ShardId) -> Result<&dyn pombal_store::Queue, Error> {
        let queue = self.context.seams.commands.get(&shard);
        queue.map(AsRef::as_ref).ok_or(Error::NoQueue)
    }
}
