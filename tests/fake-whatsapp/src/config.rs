//! Knobs that can be turned while the server runs.

use std::collections::BTreeMap;

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
    /// How far the server's clock is ahead, or behind when negative. It shows in every
    /// timestamp in a stanza.
    pub clock_skew_secs: i64,
    /// Frames are sent in pieces of so many bytes, one websocket message each. Zero sends them
    /// whole. A change concerns new sockets.
    pub frame_piece_bytes: usize,
    /// More logins of one device in a minute are a violation; 60 when absent.
    pub max_logins_per_minute: Option<u32>,
    /// How long a token for the media host is good for. Zero is the usual six hours.
    pub media_auth_ttl_secs: u64,
    /// Phones send new companions no history.
    pub without_history: bool,
    /// The first chunk of history comes inside its notification, not as a file.
    pub history_inline: bool,
    /// How long the server keeps what a device did not collect, in seconds. Zero keeps it for
    /// thirty days, as WhatsApp does.
    pub queue_max_age_secs: u64,
    /// AB props beside those of a usual account, by code (`wacore/src/iq/abprops.rs`).
    pub props: BTreeMap<u32, String>,
    /// How long a client may take to act on news about who is in a group, in milliseconds.
    /// Half a minute when absent.
    pub group_news_ms: Option<u64>,
}
