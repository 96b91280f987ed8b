//! What can go wrong.

use std::time::Duration;

use crate::call::{Call, Service};

/// What happens to a request. A rule acts only on requests that its fault can happen to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Refused for its rate, in the service's own words. Nothing happened. For a transaction
    /// of `DynamoDB` half of the time as a cancellation, which says why per item.
    Throttled,
    /// 500 in the service's own words. Nothing happened.
    Failed,
    /// 503 in the service's own words. Nothing happened.
    Unavailable,
    /// The same items or the same key are being written by another request. Nothing happened.
    /// Transactions and single writes of `DynamoDB`, conditional writes of S3.
    Conflict,
    /// The connection ends before the request is passed on. Nothing happened.
    Cut,
    /// The request is passed on to nobody, and no answer comes until the client gives up.
    /// Nothing happened.
    Swallowed,
    /// It happened, but the connection ends without an answer.
    Lost,
    /// It happened, but no answer comes until the client gives up.
    Withheld,
    /// It happened, but the connection ends in the middle of the answer.
    BrokenOff,
    /// It happens, and the answer comes so much later.
    Slow(Duration),
    /// An eventually consistent read of `DynamoDB` answers what the first identical read of
    /// this proxy's life answered. Consistent reads are never stale.
    Stale,
    /// A receive of SQS finds nothing, whatever there is: messages come late.
    Late,
    /// A message received from a standard queue comes once more with the next receive, whether
    /// it was deleted or not.
    Twice,
    /// The messages of a receive are visible again before the receiver has its answer, and
    /// their receipts are worthless: somebody else received them in between.
    Expired,
    /// One entry of a batch of SQS is refused, and nothing happened to it.
    Partial,
    /// One entry of a batch of SQS is refused, though it happened.
    PartialLost,
}

impl Fault {
    /// Whether this can happen to such a request.
    pub(crate) fn fits(self, call: &Call) -> bool {
        let receive = call.service == Service::Sqs && call.operation == "ReceiveMessage";
        match self {
            Self::Conflict => match call.service {
                Service::DynamoDb => matches!(
                    call.operation.as_str(),
                    "TransactWriteItems" | "PutItem" | "UpdateItem" | "DeleteItem"
                ),
                Service::S3 => call.operation == "PUT" && call.is_conditional,
                _ => false,
            },
            Self::Stale => {
                call.service == Service::DynamoDb
                    && matches!(call.operation.as_str(), "GetItem" | "Query" | "Scan")
                    && !call.is_consistent
            }
            Self::Late => receive,
            Self::Twice => receive && call.is_json && !call.is_fifo(),
            Self::Expired => receive && call.is_json,
            Self::Partial | Self::PartialLost => {
                call.service == Service::Sqs && call.is_json && call.operation.ends_with("Batch")
            }
            _ => true,
        }
    }
}
