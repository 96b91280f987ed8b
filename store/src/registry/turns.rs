//! Who does what has to be done once in a while, when several could.

use std::time::Duration;

use pombal_domain::time::UnixMs;

use super::row::{key, names, number};
use super::updates::conditional;
use super::{Error, Registry};

impl Registry {
    /// Takes the turn to do `what`, if nobody has for `every`. For housekeeping only: it goes
    /// by the callers' clocks.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn take_turn(&self, what: &str, every: Duration, now: UnixMs) -> Result<bool, Error> {
        let every = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
        let update = self
            .client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key(format!("TURN#{what}"), "TURN")))
            .condition_expression("attribute_not_exists(#pk) OR #at <= :before")
            .update_expression("SET #at = :now")
            .set_expression_attribute_names(Some(names(&["pk", "at"])))
            .expression_attribute_values(":before", number(now.0.saturating_sub(every)))
            .expression_attribute_values(":now", number(now.0));
        Ok(conditional(update).await?.is_some())
    }
}
