//! Why the registry failed.

use std::error::Error as StdError;

/// The registry failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another instance has this name.
    #[error("the name is taken")]
    NameTaken,
    /// Another instance has this token.
    #[error("the token is taken")]
    TokenTaken,
    /// Another instance has this number of the Cloud API.
    #[error("the number is taken")]
    NumberTaken,
    /// No instance has this name and id, or no connector has this id.
    #[error("no such row")]
    NotFound,
    /// The instance's session lives in another deployment now.
    #[error("the instance was moved to another deployment")]
    Moved,
    /// Somebody else changed the row first.
    #[error("the row has changed")]
    Conflict,
    /// A stored row can't be read.
    #[error("damaged row")]
    Damaged(#[source] Box<dyn StdError + Send + Sync>),
    /// `DynamoDB` failed.
    #[error("registry storage failed")]
    Storage(#[source] Box<dyn StdError + Send + Sync>),
}

impl Error {
    pub(super) fn storage(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Storage(source.into())
    }
}

/// An attribute is not what this version of the program expects.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadAttribute {
    /// Not there, or of another type.
    #[error("attribute {0} is missing or has another type")]
    Absent(&'static str),
    /// There, but with a value that can't be parsed.
    #[error("attribute {0} can't be parsed")]
    Unparsed(&'static str, #[source] Box<dyn StdError + Send + Sync>),
}

impl From<BadAttribute> for Error {
    fn from(bad: BadAttribute) -> Self {
        Self::Damaged(bad.into())
    }
}
