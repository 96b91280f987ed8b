//! The name of an instance, as it stands in paths.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest name, in characters. Evolution's column holds 255; paths stay readable at 100.
pub const MAX_NAME_CHARS: usize = 100;

/// A valid instance name: 1 to 100 characters, case-sensitive, without control characters,
/// slashes, or space at an end.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstanceName(String);

/// Why a name is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing, or only white space.
    #[error("The \"instanceName\" cannot be empty")]
    Empty,
    /// More than [`MAX_NAME_CHARS`] characters.
    #[error("instanceName does not meet maximum length of {MAX_NAME_CHARS}")]
    TooLong,
    /// A character that can't stand in a path segment, or space at an end.
    #[error("instanceName must not have slashes, control characters or space at its ends")]
    BadCharacter,
}

impl InstanceName {
    /// Parses a name.
    ///
    /// # Errors
    /// [`NameError`] says what is wrong with it.
    pub fn parse(name: &str) -> Result<Self, NameError> {
        if name.trim().is_empty() {
            return Err(NameError::Empty);
        }
        if name.chars().take(MAX_NAME_CHARS + 1).count() > MAX_NAME_CHARS {
            return Err(NameError::TooLong);
        }
        let forbidden = |c: char| c.is_control() || matches!(c, '/' | '\\' | '?' | '#');
        if name.contains(forbidden) || name.trim() != name || name == "." || name == ".." {
            return Err(NameError::BadCharacter);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InstanceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for InstanceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl FromStr for InstanceName {
    type Err = NameError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::parse(s)
    }
}

impl TryFrom<String> for InstanceName {
    type Error = NameError;

    fn try_from(s: String) -> Result<Self, Self::Error> {
        Self::parse(&s)
    }
}

impl From<InstanceName> for String {
    fn from(name: InstanceName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in [
            "b1",
            "Suporte São Paulo",
            "a.b_c-d",
            "名前",
            &"x".repeat(100),
        ] {
            assert_eq!(InstanceName::parse(good).unwrap().as_str(), good);
        }
        for (bad, why) in [
            ("", NameError::Empty),
            ("  ", NameError::Empty),
            (&*"x".repeat(101), NameError::TooLong),
            ("a/b", NameError::BadCharacter),
            ("a\nb", NameError::BadCharacter),
            ("a?b", NameError::BadCharacter),
            (" a", NameError::BadCharacter),
            ("..", NameError::BadCharacter),
        ] {
            assert_eq!(InstanceName::parse(bad), Err(why), "{bad:?}");
        }
    }
}
