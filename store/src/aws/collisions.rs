//! Single writes of `DynamoDB` that collide with a transaction on the same item.
//!
//! `DynamoDB` refuses them with `TransactionConflictException`
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling>),
//! and nothing has happened. The SDK takes that for final; here they are tried again like any
//! other request that comes at a bad moment.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_smithy_runtime_api::client::interceptors::context::{Error, InterceptorContext};
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};

/// Has collisions tried again.
#[derive(Debug)]
pub(super) struct Collisions;

impl ClassifyRetry for Collisions {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let failed = context.output_or_error().and_then(Result::err);
        let error = failed.and_then(|error| error.as_operation_error());
        if error.is_some_and(collided) {
            RetryAction::transient_error()
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "Collisions"
    }
}

fn collided(error: &Error) -> bool {
    macro_rules! any {
        ($($of:ty),*) => {
            $(error
                .downcast_ref::<$of>()
                .is_some_and(<$of>::is_transaction_conflict_exception))||*
        };
    }
    any!(PutItemError, UpdateItemError, DeleteItemError)
}
