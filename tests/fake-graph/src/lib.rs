//! Meta's Graph API on loopback, as far as the Cloud API of WhatsApp goes: messages, media and
//! message templates, with the errors that Meta publishes, and faults on demand. [`webhook`]
//! makes what Meta posts, and signs it.
//!
//! - <https://developers.facebook.com/docs/whatsapp/cloud-api/reference>
//! - <https://developers.facebook.com/docs/graph-api/guides/error-handling>
//! - <https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes>

#![expect(
    clippy::unwrap_used,
    reason = "a test kit: a failure here is a failed test"
)]

mod error;
mod fault;
mod form;
mod media;
mod messages;
mod server;
mod templates;
pub mod webhook;

pub use error::GraphError;
pub use fault::{Fault, Route};
pub use media::Medium;
pub use server::{FakeGraph, Number};
