//! Instances of Meta's Cloud API, between a fake Graph API and the events queue.

mod create;
mod media;
mod order;
mod random;
mod random_webhooks;
mod receive;
pub(crate) mod rig;
mod send;
mod send_errors;
mod templates;
mod verify;
