//! Connectors and shards as items of one partition, and all of them in one read.

use pombal_domain::time::UnixMs;
use pombal_domain::{Chain, ConnectorId, ConnectorRow, Epoch, Fleet, ShardId, ShardRow};

use super::row::{Item, Row, key, names, text};
use super::{Error, Registry, pages};

/// The partition.
const FLEET: &str = "FLEET";
/// How the sort keys of connectors begin.
const CONNECTOR: &str = "CONNECTOR#";
/// How the sort keys of shards begin.
const SHARD: &str = "SHARD#";

impl Registry {
    /// All connectors and shards: one consistent query, of one read unit per 4 KB. Each row is
    /// as it was at some time between question and answer. A connector's row that can't be
    /// read is logged and left out.
    ///
    /// # Errors
    /// [`Error::Damaged`] for a damaged shard, [`Error::Storage`].
    pub async fn fleet(&self) -> Result<Fleet, Error> {
        let query = self
            .client
            .query()
            .table_name(&*self.table)
            .consistent_read(true)
            .key_condition_expression("#pk = :pk")
            .set_expression_attribute_names(Some(names(&["pk"])))
            .expression_attribute_values(":pk", text(FLEET));
        let mut fleet = Fleet::default();
        for item in pages::items(query).await? {
            let row = Row(&item);
            let kind = row.text("sk")?;
            if kind.starts_with(CONNECTOR) {
                fleet.connectors.extend(readable(&item));
            } else if kind.starts_with(SHARD) {
                fleet.shards.push(read_shard(&item)?);
            }
        }
        Ok(fleet)
    }
}

pub(super) fn connector_key(id: ConnectorId) -> Item {
    key(FLEET.to_owned(), &format!("{CONNECTOR}{id}"))
}

pub(super) fn shard_key(shard: ShardId) -> Item {
    // All digits that a number may have: the order of texts is that of numbers.
    key(FLEET.to_owned(), &format!("{SHARD}{:05}", shard.0))
}

pub(super) fn read_shard(item: &Item) -> Result<ShardRow, Error> {
    let row = Row(item);
    Ok(ShardRow {
        shard: ShardId(row.after("sk", SHARD)?),
        epoch: Epoch(row.number("epoch")?),
        owner: row.optional("owner", Row::parse)?,
        wanted_by: row.optional("wanted_by", Row::parse)?,
        since: UnixMs(row.number("since")?),
    })
}

fn read_connector(item: &Item) -> Result<ConnectorRow, Error> {
    let row = Row(item);
    Ok(ConnectorRow {
        id: row.after("sk", CONNECTOR)?,
        rvn: row.parse("rvn")?,
        accepting: row.flag("accepting")?,
        drain_requested: row
            .optional("drain_requested", Row::flag)?
            .unwrap_or_default(),
        instances: row.number("instances")?,
        open: row.number("open")?,
        started_at: UnixMs(row.number("started_at")?),
        renewed_at: UnixMs(row.number("renewed_at")?),
    })
}

/// The connector in an item. One damaged row must not stop all the others.
fn readable(item: &Item) -> Option<ConnectorRow> {
    read_connector(item)
        .inspect_err(|error| {
            let row = Row(item);
            let connector = row.text("sk").unwrap_or("unknown");
            tracing::error!(connector, error = %Chain(error), "registry row left out");
        })
        .ok()
}

#[cfg(test)]
mod tests;
