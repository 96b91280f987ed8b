//! Transactions, and what a cancelled one means.

use std::time::Duration;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::TransactWriteItem;

use super::{Error, Registry};

/// How often a transaction is tried that met another one on its items, or too many.
const TRIES: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// Reasons of a cancellation that pass.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
const PASSING: [&str; 3] = [
    "TransactionConflict",
    "ProvisionedThroughputExceeded",
    "ThrottlingError",
];

/// Why a transaction did nothing.
pub(super) enum Cancelled {
    /// Conditions failed: those of these items, by position.
    Conditions(Vec<bool>),
    /// Anything else; it may have been done after all.
    Other(Error),
}

impl Registry {
    /// Runs a transaction. One that collides with another on the same items, or is throttled,
    /// is tried again: to the SDK a cancellation is final. The SDK's own retries carry one
    /// client request token, so they can't fail on what they did themselves. The tries here
    /// can: an earlier one may have been done and its answer lost before the SDK's next one
    /// met another transaction. Where conditions fail on what a transaction itself wrote, its
    /// caller has to look.
    pub(super) async fn transact(&self, items: Vec<TransactWriteItem>) -> Result<(), Cancelled> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let sent = self
                .client
                .transact_write_items()
                .set_transact_items(Some(items.clone()));
            let Err(error) = sent.send().await else { break };
            let codes = reasons(error.as_service_error());
            if codes.iter().any(|code| code == "ConditionalCheckFailed") {
                let failed = codes
                    .iter()
                    .map(|code| code == "ConditionalCheckFailed")
                    .collect();
                return Err(Cancelled::Conditions(failed));
            }
            let passes = codes.iter().any(|code| PASSING.contains(&code.as_str()));
            if !passes || attempt == TRIES {
                return Err(Cancelled::Other(Error::storage(error)));
            }
            tokio::time::sleep(pause.mul_f64(rand::random_range(0.0..1.0))).await;
            pause *= 2;
        }
        Ok(())
    }
}

/// One code per item, `None` (the text) for items without fault.
fn reasons(error: Option<&TransactWriteItemsError>) -> Vec<String> {
    match error {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => cancelled
            .cancellation_reasons()
            .iter()
            .map(|reason| reason.code().unwrap_or_default().to_owned())
            .collect(),
        _ => Vec::new(),
    }
}
