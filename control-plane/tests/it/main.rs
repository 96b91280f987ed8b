//! The control plane over embedded storage, from the outside.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod absent;
mod admin;
mod app;
mod auth;
#[cfg(feature = "aws-conformance")]
mod aws;
mod bodies;
mod browsers;
mod business;
mod connect;
mod connector;
mod create;
mod delivery;
mod empty_fleet;
mod fetch;
mod flaky;
mod http_layer;
mod janitor;
mod lifecycle;
mod limits;
mod logs;
mod media;
mod metrics;
mod not_copied;
mod openapi;
mod original;
mod presence;
mod proxy;
mod random_bodies;
mod receiver;
mod rotate_token;
mod send_text;
mod settings;
mod sinks;
mod standby;
mod told;
mod unused;
mod webhook;
