//! A mark that deleted rows are still in the file, so that a crash does not forget it.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};

use super::row::{Item, Row, key, names, text};
use super::{Error, Registry};

/// Tells the mark of one deletion from that of the next.
const MARK: &str = "mark";

impl Registry {
    /// The write that makes the mark; `None` where the database is not ours.
    pub(super) fn scrub_mark(&self) -> Result<Option<TransactWriteItem>, Error> {
        if self.local.is_none() {
            return Ok(None);
        }
        let mut item = mark_key();
        item.insert(MARK.to_owned(), text(uuid::Uuid::new_v4().to_string()));
        let put = Put::builder()
            .table_name(&*self.table)
            .set_item(Some(item))
            .build()
            .map_err(Error::storage)?;
        Ok(Some(TransactWriteItem::builder().put(put).build()))
    }

    /// Scrubs the file if the mark is there, then removes the mark, unless another deletion
    /// has replaced it meanwhile. Deletions that wait for one another share a scrub.
    pub(super) async fn scrub(&self) -> Result<(), Error> {
        let Some(local) = &self.local else {
            return Ok(());
        };
        let _turn = local.scrub_turn().await;
        let Some(item) = self.item(mark_key()).await? else {
            return Ok(());
        };
        local.scrub().await?;
        let removed = self
            .client
            .delete_item()
            .table_name(&*self.table)
            .set_key(Some(mark_key()))
            .condition_expression("#mark = :seen")
            .set_expression_attribute_names(Some(names(&[MARK])))
            .expression_attribute_values(":seen", text(Row(&item).text(MARK)?))
            .send()
            .await;
        match removed {
            Err(error)
                if !error
                    .as_service_error()
                    .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Err(Error::storage(error))
            }
            _ => Ok(()),
        }
    }
}

fn mark_key() -> Item {
    key("SCRUB".to_owned(), "SCRUB")
}
