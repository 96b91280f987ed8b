//! The REST API: Evolution's contract (§ 0, 1, 2).
//!
//! Handlers get an instance only through `auth::Authorized`, which checks the key first.

mod absent;
mod admin;
mod auth;
mod body;
mod commands;
mod docs;
pub(crate) mod error;
mod fields;

mod instance;
mod layers;
pub(crate) mod lifecycle;
mod limits;
mod media;
mod message;
mod meta;
mod metrics;
mod openapi;
mod paths;
mod proxy;
mod root;
mod routes;
mod settings;
mod sink;
mod state;
mod template;
#[cfg(test)]
mod testing;
pub mod token;
mod trace;
mod webhook;

pub use error::ApiError;
pub use lifecycle::EventsQueue;
pub use openapi::document;
pub use proxy::ProxyCheck;
pub use routes::{router, templates};
pub use state::{ApiOptions, ApiState, StateError};
