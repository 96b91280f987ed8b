//! What is due later than a queue can delay it, in buckets of a minute.
//!
//! A bucket has several partitions, so that a minute takes more than the 1,000 writes a second
//! of one. Whoever moves what is due reads the buckets from a mark on, and moves the mark
//! forward behind it. The mark is there before the first row is, and never passes the minute
//! for which rows may still be written.

use pombal_domain::time::UnixMs;

use super::row::{Item, Row, key, names, number, text};
use super::updates::conditional;
use super::{Error, Registry};

/// Partitions of a bucket.
pub const DUE_PARTITIONS: u32 = 4;
/// The longest body of a row in bytes. An item of `DynamoDB` has 400 KB at most:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
pub const MAX_DUE_BYTES: usize = 350 * 1024;
/// Buckets are read again for so long after their minute: a writer's clock may be behind, and
/// its write on its way.
const OPEN_MINUTES: u64 = 5;

/// Something that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Names it within its bucket.
    pub id: String,
    /// When it is due.
    pub due_at: UnixMs,
    /// What it is.
    pub body: String,
}

impl Registry {
    /// Puts something away until it is due; what is due already is due now. The same `id` for
    /// the same minute replaces what is there.
    ///
    /// # Errors
    /// [`Error::Storage`], also for a body beyond [`MAX_DUE_BYTES`].
    pub async fn put_due(&self, id: &str, due_at: UnixMs, body: &str) -> Result<(), Error> {
        if body.len() > MAX_DUE_BYTES {
            return Err(Error::storage("body too large for a row"));
        }
        let now = UnixMs::now();
        self.due_begun
            .get_or_try_init(|| self.begin_due(minute(now)))
            .await?;
        let due_at = due_at.max(now);
        self.client
            .put_item()
            .table_name(&*self.table)
            .set_item(Some(due_key(id, due_at)))
            .item("id_due", text(id))
            .item("due_at", number(due_at.0))
            .item("body", text(body))
            .send()
            .await
            .map_err(Error::storage)?;
        Ok(())
    }

    /// The minutes whose buckets may hold something that is due by `until`, the oldest first.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Storage`].
    pub async fn due_minutes(&self, until: UnixMs) -> Result<std::ops::RangeInclusive<u64>, Error> {
        let last = minute(until);
        let first = match self.item(mark_key()).await? {
            Some(item) => Row(&item).number("minute")?,
            // Nothing was ever put.
            None => last + 1,
        };
        Ok(first..=last)
    }

    /// Some of what a partition of a minute's bucket holds, in no order; nothing says that it
    /// is empty.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Storage`].
    pub async fn due_in(&self, minute: u64, partition: u32) -> Result<Vec<Due>, Error> {
        let found = self
            .client
            .query()
            .table_name(&*self.table)
            .consistent_read(true)
            .key_condition_expression("#pk = :pk")
            .set_expression_attribute_names(Some(names(&["pk"])))
            .expression_attribute_values(":pk", text(bucket(minute, partition)))
            .send()
            .await
            .map_err(Error::storage)?;
        found.items().iter().map(read_due).collect()
    }

    /// Whether something is still there: one consistent read.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn is_due(&self, due: &Due) -> Result<bool, Error> {
        let item = self.item(due_key(&due.id, due.due_at)).await?;
        Ok(item.is_some())
    }

    /// Forgets something that was due. Forgetting twice is no error.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn remove_due(&self, due: &Due) -> Result<(), Error> {
        self.client
            .delete_item()
            .table_name(&*self.table)
            .set_key(Some(due_key(&due.id, due.due_at)))
            .send()
            .await
            .map_err(Error::storage)?;
        Ok(())
    }

    /// Leaves the buckets up to `minute` behind: they are empty. Those that may still be
    /// written stay, and the mark never goes back.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn leave_due(&self, minute: u64, now: UnixMs) -> Result<(), Error> {
        let next = (minute + 1).min(self::minute(now).saturating_sub(OPEN_MINUTES));
        let update = self
            .client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(mark_key()))
            .condition_expression("#minute < :next")
            .update_expression("SET #minute = :next")
            .set_expression_attribute_names(Some(names(&["minute"])))
            .expression_attribute_values(":next", number(next));
        conditional(update).await.map(drop)
    }

    /// Puts the mark unless it is there.
    async fn begin_due(&self, minute: u64) -> Result<(), Error> {
        let update = self
            .client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(mark_key()))
            .condition_expression("attribute_not_exists(#pk)")
            .update_expression("SET #minute = :minute")
            .set_expression_attribute_names(Some(names(&["pk", "minute"])))
            .expression_attribute_values(":minute", number(minute));
        conditional(update).await.map(drop)
    }
}

fn minute(at: UnixMs) -> u64 {
    at.seconds() / 60
}

fn mark_key() -> Item {
    key("DUE".to_owned(), "DUE")
}

fn bucket(minute: u64, partition: u32) -> String {
    format!("DUE#{minute}#{partition}")
}

fn due_key(id: &str, due_at: UnixMs) -> Item {
    // Ids are random enough for their sum to be.
    let partition = id.bytes().map(u32::from).sum::<u32>() % DUE_PARTITIONS;
    key(bucket(minute(due_at), partition), &format!("DUE#{id}"))
}

fn read_due(item: &Item) -> Result<Due, Error> {
    let row = Row(item);
    Ok(Due {
        id: row.text("id_due")?.to_owned(),
        due_at: UnixMs(row.number("due_at")?),
        body: row.text("body")?.to_owned(),
    })
}
