//! The function `delivery`: batches of the events queue and of the retry queue, as SQS event
//! sources that take partial batch responses.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_runtime::{LambdaEvent, service_fn};
use pombal_store::aws::Deployment;
use pombal_store::queue::plan;

use super::records::{incoming, queue_name};
use super::{Error, end_of};
use crate::config::{self, WebhookConfig};
use crate::delivery::{DeliveryHandler, DeliveryOptions, HandlerQueues, Shelf, Work};

/// Runs the function.
///
/// # Errors
/// When the environment can't be used, or Lambda's Runtime API fails.
pub async fn run() -> Result<(), Error> {
    let webhook = WebhookConfig::from_env()?;
    let server_url = config::server_url()?.unwrap_or_default();
    let deployment = Deployment::from_env().await?;
    let handler = DeliveryHandler::new(
        deployment.registry(),
        Arc::new(deployment.keys()?),
        webhook.egress()?,
        HandlerQueues {
            events: deployment.events().await?,
            retries: deployment.retries().await?,
            dead: deployment.dead().await?,
        },
        DeliveryOptions {
            shelf: Some(Shelf::new(Arc::new(deployment.media()?))),
            ..webhook.delivery(&server_url)?
        },
    );
    let handler = &handler;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| {
        handle(handler, event)
    }))
    .await
}

/// Works on one batch. What is reported stays in its queue.
async fn handle(
    handler: &DeliveryHandler,
    event: LambdaEvent<SqsEvent>,
) -> Result<SqsBatchResponse, Error> {
    let end = end_of(event.context.deadline);
    let mut response = SqsBatchResponse::default();
    for (work, records) in by_work(event.payload.records)? {
        let mut ids = HashMap::new();
        let mut batch = Vec::with_capacity(records.len());
        for record in records {
            let id = record.message_id.clone().unwrap_or_default();
            match incoming(&record) {
                Some(message) => {
                    ids.insert(message.receipt.clone(), id);
                    batch.push(message);
                }
                // It stays, and in the end becomes a dead letter of the queue's own.
                None => {
                    tracing::error!(message.id = id, "message on SQS can't be read");
                    response.batch_item_failures.push(failure(id));
                }
            }
        }
        let undone = handler.work_on(work, batch, end).await;
        let undone = undone.iter().filter_map(|receipt| ids.remove(receipt));
        response.batch_item_failures.extend(undone.map(failure));
    }
    Ok(response)
}

fn failure(id: String) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = id;
    failure
}

/// Sorts records by what is to be done with them. In one invocation all are of one queue.
fn by_work(records: Vec<SqsMessage>) -> Result<Vec<(Work, Vec<SqsMessage>)>, Error> {
    let (mut events, mut retries) = (Vec::new(), Vec::new());
    for record in records {
        let name = queue_name(&record);
        if name.ends_with(&format!("{}.fifo", plan::EVENTS)) {
            events.push(record);
        } else if name.ends_with(plan::RETRIES) {
            retries.push(record);
        } else {
            return Err(format!("{name:?} is no queue of the delivery").into());
        }
    }
    Ok(vec![(Work::Events, events), (Work::Retries, retries)])
}
