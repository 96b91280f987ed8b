//! The service: both loops, and what they share.

use std::sync::Arc;

use pombal_store::queue::large::Bodies;
use pombal_store::{Egress, Keys, Queue, Registry};
use tokio_util::sync::CancellationToken;

use super::handle::DeliveryHandle;
use super::intake::Intake;
use super::options::DeliveryOptions;
use super::pipeline::Pipeline;
use super::waiting::Waiting;
use super::work::Work;

/// The queues of the delivery.
#[derive(Clone)]
pub struct DeliveryQueues {
    /// FIFO; group is the instance's id. Connectors write it.
    pub events: Arc<dyn Queue>,
    /// Standard. Events wait here for their next attempt.
    pub retries: Arc<dyn Queue>,
    /// Standard. Events that were given up, as [`super::DeadLetter`]. Nobody reads it here.
    pub dead: Arc<dyn Queue>,
    /// For what is too large for a row while it waits longer than a queue delays.
    pub bodies: Bodies,
}

/// Delivers events to webhooks. Several may run at once.
pub struct DeliveryService {
    queues: DeliveryQueues,
    pipeline: Pipeline,
}

impl DeliveryService {
    /// Puts the service together; nothing happens before [`Self::run`].
    #[must_use]
    pub fn new(
        registry: Registry,
        keys: Arc<dyn Keys>,
        egress: Egress,
        queues: DeliveryQueues,
        options: DeliveryOptions,
    ) -> Self {
        let waiting = Waiting {
            retries: Arc::clone(&queues.retries),
            registry: registry.clone(),
            bodies: queues.bodies.clone(),
        };
        let dead = Arc::clone(&queues.dead);
        let patience = options.patience();
        let pipeline = Pipeline::new(registry, keys, egress, waiting, dead, options, patience);
        Self { queues, pipeline }
    }

    /// Shows what the service does while it runs.
    #[must_use]
    pub fn handle(&self) -> DeliveryHandle {
        self.pipeline.handle.clone()
    }

    /// Delivers until `shutdown`, then finishes attempts in flight within
    /// [`DeliveryOptions::drain`] and gives back the rest.
    pub async fn run(self, shutdown: CancellationToken) {
        let abandon = CancellationToken::new();
        let pipeline = Arc::new(self.pipeline);
        let intake = |queue, work| Intake {
            queue,
            work,
            pipeline: Arc::clone(&pipeline),
            shutdown: shutdown.clone(),
            abandon: abandon.clone(),
        };
        tokio::join!(
            intake(self.queues.events, Work::Events).run(),
            intake(self.queues.retries, Work::Retries).run(),
        );
    }
}
