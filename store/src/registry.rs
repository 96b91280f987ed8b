//! The registry: instances, shards, connectors and replies in one `DynamoDB` table.
//!
//! One adapter serves AWS and the embedded default: `embedded` puts `dynoxide-rs` below the
//! real SDK client.
//!
//! # The table
//!
//! | item | `pk` | `sk` | holds |
//! |---|---|---|---|
//! | instance | `NAME#<name>` | `INSTANCE` | the row; its key makes names unique |
//! | token | `TOKEN#<SHA-256>` | `TOKEN` | `name`, `instance`; its key makes tokens unique |
//! | tombstone | `TOMBSTONE#<id>` | `TOMBSTONE` | what is still to be wiped, by `shard`; `since` when |
//! | remains | `TOMBSTONE#<id>` | `SHARD#<number>` | what an instance left on a `shard` that it does not live on any more; `left_by`, `since` |
//! | connector | `FLEET` | `CONNECTOR#<id>` | its lease `rvn`, `accepting`, `drain_requested`, its load; gone a day after its last renewal (TTL) |
//! | shard | `FLEET` | `SHARD#<number>`, 5 digits | `owner`, `epoch`, `wanted_by`, `since` |
//! | number | `CLOUD#<phone_number_id>` | `CLOUD` | the `name` of the instance of the Cloud API that has it; its key makes numbers unique |
//! | account | `WABA#<id>` | `INSTANCE#<id>` | the `name` of an instance of this business account |
//! | stream | `BUSINESS#<instance>` | `HEAD` | `seq` of the last event of an instance of the Cloud API |
//! | event | `BUSINESS#<instance>` | `EVENT#<id>` | that the event has a number; gone after 30 days (TTL) |
//! | pending event | `BUSINESS#<instance>` | `PENDING#<seq>`, 20 digits | the event as JSON, until the queue has it |
//! | hook | `BUSINESS#<instance>` | `HOOK#<message>` | who wants to hear of a message; gone after 30 days (TTL) |
//! | template | `BUSINESS#<instance>` | `TEMPLATE#<id>` | a template that the instance has made, as JSON |
//! | scrub mark | `SCRUB` | `SCRUB` | `mark`; there while deleted rows are still in the file (embedded) |
//! | due | `DUE#<minute>#<partition>` | `DUE#<id>` | a retry that waits longer than a queue delays: `due_at`, `body` |
//! | due mark | `DUE` | `DUE` | `minute`: no bucket before it holds anything |
//! | turn | `TURN#<what>` | `TURN` | `at`: when housekeeping of this kind was last begun |
//! | phase | `PHASE#<what>` | `PHASE` | `phase`, `since`: in which state something is for how long |
//! | reply | `REPLY#<command>` | `REPLY` | the reply as JSON, gone after `expires_at` (TTL) |
//!
//! | index | partition | sort | holds |
//! |---|---|---|---|
//! | `by_shard` | `shard` | `shard_sort`: `INSTANCE#<id>`, `TOMBSTONE#<id>` or `REMAINS#<id>` | instances, tombstones, remains |
//! | `by_id` | `id` | – | instances |
//! | `by_name` | `listed`: a constant | `name` | instances, in name order |
//!
//! An instance found by name or by token is read consistently: key to row, token item to row.
//! Indexes are eventually consistent on AWS (the embedded adapter has no lag), so
//! [`Registry::shard_content`], [`Registry::list_instances`] and
//! [`Registry::count_instances`] may miss a change of the last moments, and
//! [`Registry::instance_by_id`] an instance that was only just made.
//!
//! `by_name` is one partition: 1,000 writes a second, which the projections of a fleet stay
//! far below. A scan would not come in name order.
//!
//! `FLEET` is one partition, so that one consistent query reads all connectors and shards
//! ([`Registry::fleet`]). A connector writes there once in three seconds.
//!
//! Writers of different concerns write different attributes (the wish: `desired`, `pairing`,
//! `generation`; the token: `token_hash`, `token_sealed`; the `webhook`; the projection: `observed`, `epoch`, `seq`; the change of shards:
//! `shard`, `moving_to`, `departing`, `arriving`, `epoch_base`) and so never undo one another. Structured values are JSON text; fields that this version doesn't know are
//! ignored.

mod business;
mod compare_and_set;
mod due;
#[cfg(feature = "embedded")]
pub mod embedded;
mod error;
mod fleet;
mod instances;
mod leases;
mod listing;
mod local;
mod moves;
mod ownership;
mod pages;
mod phases;
mod rates;
mod replies;
mod row;
mod scrubbing;
pub mod shape;
mod shards;
mod stream;
mod table;
mod templates;
mod tokens;
mod transact;
mod transit;
mod turns;
mod unused;
mod updates;

pub use due::{DUE_PARTITIONS, Due, MAX_DUE_BYTES};
pub use error::Error;
pub use leases::ConnectorBeat;
pub use ownership::ShardOwner;
pub use shards::{Grave, ShardContent};
pub use stream::{Appended, MAX_EVENT_BYTES, MAX_EVENTS, Pending};
pub use templates::TemplateRow;
pub use transit::Handover;

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use local::Local;
use tokio::sync::OnceCell;

/// The registry. A cheap clone.
#[derive(Clone)]
pub struct Registry {
    client: Client,
    table: Arc<str>,
    /// The database below the client, when it is in this process.
    local: Option<Arc<dyn Local>>,
    /// Whether the mark of what is due is there for sure.
    due_begun: Arc<OnceCell<()>>,
}

impl Registry {
    /// The registry in `table`, which must have the shape that
    /// [`Self::create_table_if_missing`] gives it.
    #[must_use]
    pub fn new(client: Client, table: &str) -> Self {
        Self {
            client,
            table: table.into(),
            local: None,
            due_begun: Arc::default(),
        }
    }

    /// The table's name.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }

    /// Removes rows whose time to live is over, and leaves nothing of deleted rows in the file
    /// if that is still to be done; how many they were. Only housekeeping, for
    /// the embedded adapter: run it every few minutes. On AWS the table does so itself, and
    /// this is a no-op.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn sweep(&self) -> Result<usize, Error> {
        let Some(local) = &self.local else {
            return Ok(0);
        };
        self.scrub().await?;
        local.sweep().await
    }
}
