//! Knobs that can be turned while the server runs.

use serde::{Deserialize, Serialize};

/// Behaviour of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Pause before a login is answered.
    pub login_delay_ms: u64,
    /// The server answers nobody. TCP stays open.
    pub silent: bool,
    /// How many queued stanzas are sent before the client must ask for more
    /// (`whatsapp-rust/src/client/offline_resume.rs`). Zero sends everything at once.
    pub offline_batch: usize,
    /// Simulated phones send no delivery receipts.
    pub phones_without_receipts: bool,
}
