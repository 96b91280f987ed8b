//! End-to-end scenarios. `cargo xtask test` builds the binaries they start.

#![expect(clippy::unwrap_used, reason = "a failure is a failed test")]

mod aws;
mod baileys;
mod business;
mod clients;
mod connection;
mod described;
mod endings;
mod global_webhook;
mod history;
mod kill;
mod late;
mod lifecycle;
mod moving;
mod operators;
mod pairing;
mod process;
mod proxy;
mod refusals;
mod sessions;
mod settings;
mod status;
mod texts;
mod webhooks;
