//! The control plane: the REST API and the delivery of events.
//!
//! [`api::router`] is a plain axum router without tasks of its own, so that it runs in a
//! server and in a function alike. [`delivery::DeliveryService`] has the event loop;
//! [`delivery::DeliveryHandler`] is handed its batches. [`janitor::Janitor`] cleans up.

pub mod api;
pub mod business;
pub mod config;
pub mod delivery;
pub mod janitor;
#[cfg(feature = "lambda")]
pub mod lambda;
mod secret;
pub mod standby;

pub use api::{ApiOptions, ApiState, EventsQueue, ProxyCheck};
pub use delivery::{DeliveryHandle, DeliveryOptions, DeliveryService};
pub use janitor::Janitor;
pub use secret::{Secret, token_hash};
