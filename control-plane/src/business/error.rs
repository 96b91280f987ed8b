//! Why something about the Cloud API was not done.

use pombal_store::{queue, registry};

use super::graph::GraphError;
use crate::api::token;

/// Something was not done.
#[derive(Debug, thiserror::Error)]
pub enum BusinessError {
    /// The Graph API refused it, or could not be asked.
    #[error("the Graph API did not do it")]
    Graph(#[from] GraphError),
    /// The instance's account has no such template.
    #[error("no such template")]
    NoTemplate,
    /// The instance's token does not open.
    #[error("the token of an instance is not available")]
    Token(#[source] token::Error),
    /// The registry failed.
    #[error("the registry failed")]
    Registry(#[from] registry::Error),
    /// The events queue failed.
    #[error("the events queue failed")]
    Queue(#[from] queue::Error),
    /// An event does not encode.
    #[error("an event does not encode")]
    Encode(#[source] serde_json::Error),
}
