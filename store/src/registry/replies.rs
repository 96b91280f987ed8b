//! Replies to commands, for as long as somebody may wait for them.

use std::time::Duration;

use pombal_domain::time::UnixMs;
use pombal_domain::{CommandId, Reply};

use super::row::{Item, Row, json, key, number};
use super::shape::TTL;
use super::{Error, Registry};

/// The exact end of a row's life. The table's own TTL is in seconds, and days late.
const EXPIRES_AT_MS: &str = "expires_at_ms";

impl Registry {
    /// Stores the reply to a command for `ttl`. A later reply takes an earlier one's place.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn put_reply(
        &self,
        command: CommandId,
        reply: &Reply,
        ttl: Duration,
    ) -> Result<(), Error> {
        let end = UnixMs::now().plus(ttl);
        self.client
            .put_item()
            .table_name(&*self.table)
            .set_item(Some(reply_key(command)))
            .item("reply", json(reply)?)
            .item(EXPIRES_AT_MS, number(end.0))
            .item(TTL, number(end.seconds() + 1))
            .send()
            .await
            .map_err(Error::storage)?;
        Ok(())
    }

    /// The reply to a command, if it is there and its time is not over: one consistent read.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Storage`].
    pub async fn reply(&self, command: CommandId) -> Result<Option<Reply>, Error> {
        let Some(item) = self.item(reply_key(command)).await? else {
            return Ok(None);
        };
        let row = Row(&item);
        if UnixMs::now().0 >= row.number(EXPIRES_AT_MS)? {
            return Ok(None);
        }
        Ok(Some(row.json("reply")?))
    }
}

fn reply_key(command: CommandId) -> Item {
    key(format!("REPLY#{command}"), "REPLY")
}
