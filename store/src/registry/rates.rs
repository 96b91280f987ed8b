//! How often each key was used lately.

use std::time::Duration;

use aws_sdk_dynamodb::types::ReturnValue;
use pombal_domain::time::UnixMs;

use super::row::{Row, key, names, number};
use super::shape::TTL;
use super::{Error, Registry};

/// How long a counter is kept after its window. Clocks of machines differ.
const KEEP: Duration = Duration::from_secs(60);

impl Registry {
    /// Counts one use of what `key_hash` stands for, in the window of that length that `now` is
    /// in. Returns how many there were, with this one: one write. The counter is the same for
    /// all processes. A use whose answer was lost may count twice.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Storage`].
    pub async fn count_use(
        &self,
        key_hash: &str,
        window: Duration,
        now: UnixMs,
    ) -> Result<u64, Error> {
        let window_secs = window.as_secs().max(1);
        let number_of_window = now.seconds() / window_secs;
        let end = UnixMs((number_of_window + 1) * window_secs * 1000);
        let counted = self
            .client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key(
                format!("RATE#{key_hash}#{window_secs}#{number_of_window}"),
                "RATE",
            )))
            .update_expression("ADD #uses :one SET #expires_at = :end")
            .set_expression_attribute_names(Some(names(&["uses", TTL])))
            .expression_attribute_values(":one", number(1_u64))
            .expression_attribute_values(":end", number(end.plus(KEEP).seconds()))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await
            .map_err(Error::storage)?;
        let after = counted.attributes.unwrap_or_default();
        Ok(Row(&after).number("uses")?)
    }
}
