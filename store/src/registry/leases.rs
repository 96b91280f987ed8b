//! The rows of connectors: their leases, and what they and operators say of them.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use pombal_domain::time::UnixMs;
use pombal_domain::{ConnectorId, Rvn};

use super::fleet::connector_key;
use super::row::{names, number, text};
use super::shape::TTL;
use super::updates::conditional;
use super::{Error, Registry};

/// A row that is not renewed is removed by the table after so long. Only housekeeping: a lease
/// is over long before.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// What a connector says of itself when it renews its lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectorBeat {
    /// The connector.
    pub id: ConnectorId,
    /// A value that no renewal before had.
    pub rvn: Rvn,
    /// How many renewals there were before: a greater number than each of them had.
    pub beat: u64,
    /// It takes shards.
    pub accepting: bool,
    /// Instances that it looks after.
    pub instances: u64,
    /// Those of them that are open.
    pub open: u64,
    /// When it started, on its own wall clock.
    pub started_at: UnixMs,
    /// Now, on its own wall clock.
    pub renewed_at: UnixMs,
}

impl Registry {
    /// Renews the lease of a connector, or begins it: one write unit. What operators asked of
    /// the connector stays. A renewal that comes late, after a later one, changes nothing:
    /// a `rvn` that came back would look as if it had never changed.
    ///
    /// # Errors
    /// [`Error::Conflict`] when there was a later one. [`Error::Storage`]: it may have been
    /// renewed, or still be.
    pub async fn renew_connector(&self, beat: &ConnectorBeat) -> Result<(), Error> {
        let expires_at = UnixMs::now().plus(KEPT).seconds();
        let update = self
            .client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(connector_key(beat.id)))
            // The same one again is a retry of what was done and not answered.
            .condition_expression("attribute_not_exists(#beat) OR #beat < :beat OR #rvn = :rvn")
            .update_expression(
                "SET #rvn = :rvn, #beat = :beat, #accepting = :accepting, \
                 #instances = :instances, #open = :open, #started_at = :started_at, \
                 #renewed_at = :renewed_at, #expires_at = :expires_at",
            )
            .set_expression_attribute_names(Some(names(&[
                "rvn",
                "beat",
                "renewed_at",
                "accepting",
                "instances",
                "open",
                "started_at",
                TTL,
            ])))
            .expression_attribute_values(":rvn", text(beat.rvn.to_string()))
            .expression_attribute_values(":accepting", AttributeValue::Bool(beat.accepting))
            .expression_attribute_values(":instances", number(beat.instances))
            .expression_attribute_values(":open", number(beat.open))
            .expression_attribute_values(":beat", number(beat.beat))
            .expression_attribute_values(":started_at", number(beat.started_at.0))
            .expression_attribute_values(":renewed_at", number(beat.renewed_at.0))
            .expression_attribute_values(":expires_at", number(expires_at));
        conditional(update)
            .await?
            .map(|_| ())
            .ok_or(Error::Conflict)
    }

    /// Notes that an operator wants the connector to drain. That can't be taken back.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Storage`].
    pub async fn ask_to_drain(&self, id: ConnectorId) -> Result<(), Error> {
        let update = self
            .client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(connector_key(id)))
            .condition_expression("attribute_exists(#pk)")
            .update_expression("SET #drain_requested = :true")
            .set_expression_attribute_names(Some(names(&["pk", "drain_requested"])))
            .expression_attribute_values(":true", AttributeValue::Bool(true));
        conditional(update)
            .await?
            .map(|_| ())
            .ok_or(Error::NotFound)
    }

    /// Removes the row of a connector that has ended. Removing twice is no error; a renewal
    /// brings the row back.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn remove_connector(&self, id: ConnectorId) -> Result<(), Error> {
        self.client
            .delete_item()
            .table_name(&*self.table)
            .set_key(Some(connector_key(id)))
            .send()
            .await
            .map_err(Error::storage)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
