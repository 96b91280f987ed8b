//! What the scenarios are made of: a Pombal process, a client of its API, a webhook receiver
//! and the fake WhatsApp server. The benches use the same.

#![expect(
    clippy::unwrap_used,
    reason = "a test kit: a failure here is a failed test"
)]

mod api;
mod aws;
mod baileys;
mod clients;
mod fleet;
mod gaps;
mod hooks;
mod process;
mod wait;
mod world;

pub use api::{Answer, Api};
pub use aws::Stack;
pub use baileys::{Baileys, Status};
pub use clients::PublishedClient;
pub use fleet::{Fleet, FleetOptions, Member, Relay, Report};
pub use gaps::Gaps;
pub use hooks::{Hook, HookServer};
pub use process::{API_KEY, Build, Pombal, PombalOptions};
pub use wait::{PATIENCE, eventually};
pub use world::{Instance, World};
