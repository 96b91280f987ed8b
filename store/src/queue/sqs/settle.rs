//! What a receiver does with a message: acknowledge it, keep it, give it back.

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;

use super::send::refused;
use super::{SqsQueue, TRIES, pause};
use crate::queue::{Error, Receipt};

impl SqsQueue {
    /// Deletes up to ten messages. Expired receipts are skipped.
    pub(super) async fn delete(&self, receipts: &[Receipt]) -> Result<(), Error> {
        let mut left = receipts
            .iter()
            .enumerate()
            .map(|(at, receipt)| {
                DeleteMessageBatchRequestEntry::builder()
                    .id(at.to_string())
                    .receipt_handle(&receipt.0)
                    .build()
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(Error::storage)?;
        for attempt in 1.. {
            let deleted = self
                .client
                .delete_message_batch()
                .queue_url(&self.url)
                .set_entries(Some(left.clone()))
                .send()
                .await
                .map_err(Error::storage)?;
            let mut failed = deleted.failed;
            failed.retain(|entry| !is_expired(Some(entry.code())));
            let Some(first) = failed.first() else { break };
            if attempt == TRIES {
                return Err(refused(first));
            }
            left.retain(|entry| failed.iter().any(|failed| failed.id() == entry.id()));
            pause(attempt).await;
        }
        Ok(())
    }

    /// Hides a message for so many seconds from now on.
    pub(super) async fn hide(&self, receipt: &Receipt, seconds: i32) -> Result<(), Error> {
        let hidden = self
            .client
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(&receipt.0)
            .visibility_timeout(seconds)
            .send()
            .await;
        match hidden {
            Ok(_) => Ok(()),
            Err(error) if is_beyond_limit(&error) => {
                Err(Error::Invalid("hidden for more than 12 hours in all"))
            }
            Err(error) if is_expired(error.code()) => Err(Error::ReceiptExpired),
            Err(error) => Err(Error::storage(error)),
        }
    }
}

/// `InvalidParameterValue` is what a FIFO queue says to an expired receipt, and any queue to a
/// receipt of a message that is gone.
fn is_expired(code: Option<&str>) -> bool {
    // Some answers have the older protocol's prefix.
    let code = code.map(|code| code.rsplit('.').next().unwrap_or(code));
    matches!(
        code,
        Some("ReceiptHandleIsInvalid" | "MessageNotInflight" | "InvalidParameterValue")
    )
}

/// "Total `VisibilityTimeout` for the message is beyond the limit": counted from its receipt.
fn is_beyond_limit<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error
        .message()
        .is_some_and(|message| message.contains("Total VisibilityTimeout"))
}
