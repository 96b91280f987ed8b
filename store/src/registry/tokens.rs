//! An instance's token is replaced.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::builders::DeleteBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem};
use pombal_domain::Instance;
use pombal_domain::time::UnixMs;

use super::compare_and_set::CompareAndSet;
use super::row::{instance_key, names, number, text, token_key};
use super::transact::Cancelled;
use super::{Error, Registry};

impl Registry {
    /// Gives an instance the token with this hash instead of the one that `seen` has: the row,
    /// the old token and the new one, in one transaction. From then on nothing is found by the
    /// old one. Of two that replace the same token, one does.
    ///
    /// # Errors
    /// [`Error::TokenTaken`] when another instance has it, or this one already;
    /// [`Error::Conflict`] when the token has changed since `seen` was read;
    /// [`Error::NotFound`]; [`Error::Damaged`], [`Error::Storage`].
    pub async fn replace_token(
        &self,
        seen: &Instance,
        hash: &str,
        sealed: Vec<u8>,
    ) -> Result<(), Error> {
        if hash == seen.token_hash {
            return Err(Error::TokenTaken);
        }
        let row = CompareAndSet::new(
            [
                ("id", Some(text(seen.id.to_string()))),
                ("token_hash", Some(text(seen.token_hash.as_str()))),
            ],
            [
                ("token_hash", Some(text(hash))),
                ("token_sealed", Some(AttributeValue::B(Blob::new(sealed)))),
                ("updated_at", Some(number(UnixMs::now().0))),
            ],
        );
        let old = self.deleting_token(seen).build().map_err(Error::storage)?;
        let writes = vec![
            self.comparing_and_setting(instance_key(&seen.name), row)?,
            TransactWriteItem::builder().delete(old).build(),
            self.put_new(super::instances::token_item(seen.id, &seen.name, hash))?,
        ];
        let Err(cancelled) = self.transact(writes).await else {
            return Ok(());
        };
        // As with creation: it may have been done, and the answer lost.
        let now = self.instance(&seen.name).await?;
        let now = now.filter(|now| now.id == seen.id);
        match now {
            None => Err(Error::NotFound),
            Some(now) if now.token_hash == hash => Ok(()),
            Some(now) if now.token_hash != seen.token_hash => Err(Error::Conflict),
            Some(_) => Err(match cancelled {
                Cancelled::Conditions(failed) if failed.last() == Some(&true) => Error::TokenTaken,
                Cancelled::Conditions(_) => Error::Conflict,
                Cancelled::Other(error) => error,
            }),
        }
    }

    /// The removal of the token that `instance` has; another instance's stays.
    pub(super) fn deleting_token(&self, instance: &Instance) -> DeleteBuilder {
        Delete::builder()
            .table_name(&*self.table)
            .set_key(Some(token_key(&instance.token_hash)))
            .condition_expression("attribute_not_exists(#pk) OR #instance = :id")
            .set_expression_attribute_names(Some(names(&["pk", "instance"])))
            .expression_attribute_values(":id", text(instance.id.to_string()))
    }
}
