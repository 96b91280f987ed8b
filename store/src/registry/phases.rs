//! How long something has been in the state that it is in, for who looks at it now and then.

use pombal_domain::time::UnixMs;

use super::row::{Row, key, number, text};
use super::{Error, Registry};

impl Registry {
    /// Notes that `what` is in `phase` at `now`, and tells since when: `now`, unless the last
    /// note was of the same phase. One consistent read, and a write when the phase has changed.
    /// For housekeeping only: it goes by the callers' clocks, and of two that note at once the
    /// later one is believed.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Storage`].
    pub async fn note_phase(&self, what: &str, phase: &str, now: UnixMs) -> Result<UnixMs, Error> {
        let place = key(format!("PHASE#{what}"), "PHASE");
        if let Some(item) = self.item(place.clone()).await? {
            let row = Row(&item);
            if row.text("phase")? == phase {
                return Ok(UnixMs(row.number("since")?));
            }
        }
        self.client
            .put_item()
            .table_name(&*self.table)
            .set_item(Some(place))
            .item("phase", text(phase))
            .item("since", number(now.0))
            .send()
            .await
            .map_err(Error::storage)?;
        Ok(now)
    }
}
