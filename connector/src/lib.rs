//! The connector: owns shards, holds the WhatsApp sockets of their instances, runs commands
//! and publishes events.
//!
//! [`ConnectorOptions`] configure a [`Connector`], which runs until it is told to drain.

#[cfg(feature = "aws")]
mod aws;
mod backoff;
pub mod config;
mod convert;
mod damage;
mod fleet;
mod health;
mod instance;
mod lease;
mod options;
mod pacing;
mod publish;
mod service;
mod shard;
mod status;
mod tenure;
mod whatsapp;

pub use options::{ConnectorOptions, Seams};
pub use pombal_ownership::LeaseTimes;
pub use service::{Connector, Error};
pub use status::{Report, Status};
pub use whatsapp::endpoint::{BadEndpoint, Endpoint};
