//! What a simulated phone shows for a moment and does not keep: presence, typing, and what
//! became of its receipts. For tests to read.

use serde::Serialize;

use crate::error::Error;
use crate::time::now_ms;
use crate::world::World;

/// More than a person would scroll back.
const CAPACITY: usize = 10_000;

/// Something that a simulated phone showed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// `presence`, `typing` or `receipt`.
    pub kind: &'static str,
    /// The phone number of who caused it.
    pub from: String,
    /// `available`, `unavailable`, `composing`, `recording`, `paused`, or the receipt's type.
    pub state: String,
    /// The group where it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// When `from` was last seen, in seconds since 1970, if the phone may know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<u64>,
    /// The messages that a receipt is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// Milliseconds since 1970.
    pub at_ms: u64,
}

impl Notice {
    /// Somebody came or went.
    pub(crate) fn presence(from: &str, state: &str, last_seen: Option<u64>) -> Self {
        Self {
            last_seen,
            ..Self::new("presence", from, state)
        }
    }

    /// Somebody types, in a chat or in a group.
    pub(crate) fn typing(from: &str, state: &str, group: Option<String>) -> Self {
        Self {
            group,
            ..Self::new("typing", from, state)
        }
    }

    /// Somebody got, read or played messages.
    pub(crate) fn receipt(from: &str, kind: &str, ids: &[String]) -> Self {
        Self {
            ids: ids.to_vec(),
            ..Self::new("receipt", from, kind)
        }
    }

    fn new(kind: &'static str, from: &str, state: &str) -> Self {
        Self {
            kind,
            from: from.to_owned(),
            state: state.to_owned(),
            at_ms: now_ms(),
            ..Self::default()
        }
    }
}

impl World {
    /// A phone shows something.
    pub(crate) fn phone_noticed(&mut self, phone: &str, notice: Notice) {
        let notices = self.notices.entry(phone.to_owned()).or_default();
        if notices.len() >= CAPACITY {
            notices.pop_front();
        }
        notices.push_back(notice);
    }

    /// What a phone showed, oldest first.
    pub(crate) fn notices_of(&self, phone: &str) -> Result<Vec<Notice>, Error> {
        self.account(phone)?;
        Ok(self
            .notices
            .get(phone)
            .into_iter()
            .flatten()
            .cloned()
            .collect())
    }
}
