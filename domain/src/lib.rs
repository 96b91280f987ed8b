//! The words of Pombal: ids, instances, connection states, commands, events.
//!
//! No I/O and no async here. Everything that crosses a process boundary is a
//! type of this crate, parsed at the edge.

pub mod chain;
pub mod command;
pub mod connection;
pub mod event;
pub mod fleet;
pub mod ids;
pub mod instance;
pub mod jid;
pub mod name;
pub mod proxy;
mod schema;
pub mod sink;
pub mod time;
pub mod webhook;

pub use chain::Chain;
pub use command::{Command, Op, Reply, SendText};
pub use connection::{Cause, ConnectionState, Reconnect, StatusReason};
pub use event::{Event, EventBody, EventName, Projection};
pub use fleet::{ConnectorRow, Fleet, OldOwner, ShardRow};
pub use ids::{CommandId, ConnectorId, Epoch, EventId, InstanceId, MoveId, Rvn, Seq, ShardId};
pub use instance::{
    Business, Desired, GraphId, Instance, Integration, Observed, Pairing, QrCode, Remains,
    Settings, Tombstone, Transit,
};
pub use jid::{MessageId, PhoneNumber, Recipient};
pub use name::InstanceName;
pub use proxy::{ProxyConfig, ProxyProtocol, ProxyServer};
pub use sink::{SinkConfig, SinkKind};
pub use webhook::WebhookConfig;
