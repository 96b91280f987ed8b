//! What an instance of Meta's Cloud API is on Meta's side.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest id in digits. Meta's ids of today have up to 18.
const MAX_DIGITS: usize = 32;

/// An id in Meta's Graph: digits, so it can stand in a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GraphId(String);

/// The text is no id of the Graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of Meta's Graph: 1 to {MAX_DIGITS} digits")]
pub struct BadGraphId;

impl GraphId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for GraphId {
    type Err = BadGraphId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_id = (1..=MAX_DIGITS).contains(&text.len());
        if is_id && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadGraphId)
        }
    }
}

impl fmt::Display for GraphId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for GraphId {
    type Error = BadGraphId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<GraphId> for String {
    fn from(id: GraphId) -> Self {
        id.0
    }
}

/// The number and the account behind an instance of the Cloud API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Business {
    /// The `phone_number_id`: messages are sent and received by it.
    pub phone_number: GraphId,
    /// The id of the WhatsApp Business Account (WABA), which templates belong to.
    #[serde(default)]
    pub account: Option<GraphId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_can_stand_in_a_path() {
        let long = "1".repeat(MAX_DIGITS + 1);
        for bad in ["", "12a", "1/2", "..", " 1", &long] {
            assert_eq!(bad.parse::<GraphId>(), Err(BadGraphId), "{bad:?}");
        }
        assert_eq!(
            "106540352242922".parse::<GraphId>().unwrap().as_str(),
            "106540352242922"
        );
    }
}
