//! The capacity that `DynamoDB` bills, as it says itself.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html>:
//! a read unit is 4 KB read consistently, half a unit read eventually; a write unit is 1 KB;
//! transactions cost twice as much. Writes whose condition fails are billed but tell nothing:
//! those are not in here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextMut,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::delete_item::{DeleteItemInput, DeleteItemOutput};
use aws_sdk_dynamodb::operation::get_item::{GetItemInput, GetItemOutput};
use aws_sdk_dynamodb::operation::put_item::{PutItemInput, PutItemOutput};
use aws_sdk_dynamodb::operation::query::{QueryInput, QueryOutput};
use aws_sdk_dynamodb::operation::transact_write_items::{
    TransactWriteItemsInput, TransactWriteItemsOutput,
};
use aws_sdk_dynamodb::operation::update_item::{UpdateItemInput, UpdateItemOutput};
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity};
use aws_smithy_runtime_api::client::interceptors::context::{Input, Output};

/// Units so far. A cheap clone that counts in the same place.
#[derive(Debug, Clone, Default)]
pub struct Units(Arc<Mutex<(f64, f64)>>);

impl Units {
    /// Read units so far.
    #[must_use]
    pub fn read(&self) -> f64 {
        self.sums().0
    }

    /// Write units so far.
    #[must_use]
    pub fn written(&self) -> f64 {
        self.sums().1
    }

    fn sums(&self) -> MutexGuard<'_, (f64, f64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, read: f64, written: f64) {
        let mut sums = self.sums();
        sums.0 += read;
        sums.1 += written;
    }
}

/// Asks for the number in every request that has it.
fn ask(input: &mut Input) {
    macro_rules! ask {
        ($($input:ty),*) => {
            $(if let Some(input) = input.downcast_mut::<$input>() {
                input.return_consumed_capacity = Some(ReturnConsumedCapacity::Total);
            })*
        };
    }
    ask!(
        GetItemInput,
        QueryInput,
        PutItemInput,
        UpdateItemInput,
        DeleteItemInput,
        TransactWriteItemsInput
    );
}

/// Read and write units of an answer.
fn told(output: &Output) -> (f64, f64) {
    macro_rules! units {
        ($($output:ty),*) => {
            [$(output.downcast_ref::<$output>().map(|it| sum(it.consumed_capacity()))),*]
                .into_iter()
                .flatten()
                .sum()
        };
    }
    let read = units!(GetItemOutput, QueryOutput);
    let written = units!(
        PutItemOutput,
        UpdateItemOutput,
        DeleteItemOutput,
        TransactWriteItemsOutput
    );
    (read, written)
}

fn sum<'a>(consumed: impl IntoIterator<Item = &'a ConsumedCapacity>) -> f64 {
    consumed
        .into_iter()
        .filter_map(ConsumedCapacity::capacity_units)
        .sum()
}

impl Intercept for Units {
    fn name(&self) -> &'static str {
        "Units"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        ask(context.input_mut());
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Ok(output) = context.output_or_error() {
            let (read, written) = told(output);
            self.add(read, written);
        }
        Ok(())
    }
}
