//! `WhatsApp` sessions of one shard, in one `SlateDB` over an object store.
//!
//! [`ShardDb`] is the database of a shard: opening it fences the previous writer, and
//! a write returns when it is durable. [`Session`] is the part of one instance: the
//! storage `Backend` of `whatsapp-rust`, an event journal and small connector rows.
//! Keys are hashed and values are sealed under the instance's data key. An [`Archive`] is
//! one instance's session in a file, on its way to another deployment; a parcel in a [`Depot`] is
//! one on its way to another shard.

mod app_sync;
mod archive;
mod cache;
mod clock;
mod codec;
mod commit;
mod damage;
mod depot;
mod device;
mod error;
mod export;
mod guard;
mod import;
mod journal;
mod kind;
mod local;
mod meta;
mod msg_secret;
mod options;
mod pace;
mod parcel;
mod pending;
mod permit;
mod protocol;
mod row_key;
mod session;
mod settings;
mod shard;
mod signal;
mod sweep;
mod transit;
mod wal_writes;
mod wipe;
mod write;

pub use archive::{Archive, ArchiveError, Card, Passphrase, PortableProxy};
pub use damage::Damage;
pub use depot::{Depot, Label};
pub use error::Error;
pub use guard::guarded;
pub use journal::{Appended, JournalRow, SENT_TOMBSTONE_TTL};
pub use kind::Kind;
pub use local::local_store;
pub use options::{Medium, ShardDbOptions};
pub use permit::Permit;
pub use session::{Revoker, Session};
pub use shard::{Closed, ShardDb};
