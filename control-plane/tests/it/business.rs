//! Instances of Meta's Cloud API, between a fake Graph API and the events queue.

mod create;
mod media;
mod order;
mod receive;
mod rig;
mod send;
mod send_errors;
mod templates;
mod verify;
