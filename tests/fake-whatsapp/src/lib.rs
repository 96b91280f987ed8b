//! The server side of WhatsApp Web on loopback, for tests and demos.
//!
//! Real clients pair with it, log in, and exchange encrypted messages with each other and with
//! simulated phones. [`FakeWhatsApp::start`] runs it inside a test; the binary runs it for
//! people. It speaks the wire as `whatsapp-rust` 0.7.0 does, and it watches its clients: see
//! [`FakeWhatsApp::seen`] and [`FakeWhatsApp::violations`].
#![expect(
    clippy::doc_markdown,
    reason = "WhatsApp, SQLite and XXfallback are names"
)]

mod addr;
mod app_state;
mod config;
mod control;
mod error;
mod groups;
mod iq;
mod keys;
mod media;
mod message;
mod nodes;
mod options;
mod pairing;
mod phone;
mod seen;
mod server;
mod server_social;
mod store;
mod time;
mod watched;
mod wire;
mod world;

pub use app_state::change::{Change, MessageRef};
pub use config::Config;
pub use error::Error;
pub use groups::info::GroupInfo;
pub use groups::order::{GroupOrder, GroupPlan, GroupReply};
pub use groups::{Addressing, Role};
pub use options::Options;
pub use pairing::Pairing;
pub use pairing::link::Linked;
pub use phone::draft::{Draft, DraftKind};
pub use phone::files::PhoneFile;
pub use phone::held::InboxItem;
pub use phone::kinds::Kind;
pub use phone::media::{Media, MediaKind};
pub use seen::{SeenItem, SeenPage, Violation};
pub use server::FakeWhatsApp;
pub use watched::Watched;
pub use world::api::{ContactInfo, DeviceInfo, DropHow};
pub use world::api_social::ProfileChange;
pub use world::calls::{Call, CallDevice, CallState, EndReason};
pub use world::chatstate::Typing;
pub use world::ending::{Ending, Stage, Trouble};
pub use world::login::Refusal;
pub use world::notices::Notice;
pub use world::social::Business;
