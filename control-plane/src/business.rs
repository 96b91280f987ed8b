//! Instances of Meta's Cloud API (`WHATSAPP-BUSINESS`). They have no socket: what they send goes
//! to the Graph API from here, and what they receive comes as webhooks from Meta.
//!
//! <https://developers.facebook.com/docs/whatsapp/cloud-api>

mod config;
mod draft;
mod error;
pub mod graph;
mod inbound;
mod media;
mod receive;
mod send;
mod shown;
mod signature;
mod stream;
mod templates;

pub use config::{APP_SECRET, BusinessConfig, VERIFY_TOKEN};
pub use draft::{Draft, File};
pub use error::BusinessError;
pub(crate) use inbound::vcard;
pub use shown::{
    SentContext, SentMessage, Shown, ShownButtons, ShownContact, ShownContacts, ShownList,
    ShownLocation, ShownMedium, ShownReaction, ShownTemplate,
};
pub use templates::NewTemplate;

use std::fmt;
use std::sync::Arc;

use pombal_domain::Instance;
use pombal_store::{Keys, Media, Queue, Registry};

use crate::api::token;
use crate::secret::Secret;
use graph::Graph;
use stream::Stream;

/// What the channel stands on.
pub struct BusinessSeams {
    /// Instances, streams and templates.
    pub registry: Registry,
    /// Opens the instances' tokens.
    pub keys: Arc<dyn Keys>,
    /// Where events go.
    pub events: Arc<dyn Queue>,
    /// Where received media are kept.
    pub media: Arc<dyn Media>,
}

/// The channel. A cheap clone.
#[derive(Clone)]
pub struct Cloud(Arc<Inner>);

struct Inner {
    config: BusinessConfig,
    graph: Graph,
    stream: Stream,
    registry: Registry,
    keys: Arc<dyn Keys>,
    media: Arc<dyn Media>,
}

impl Cloud {
    /// Puts the channel together. Nothing is asked of Meta by that.
    ///
    /// # Errors
    /// When the HTTP client can't be made.
    pub fn new(
        config: BusinessConfig,
        seams: BusinessSeams,
    ) -> Result<Self, pombal_store::egress::Error> {
        Ok(Self(Arc::new(Inner {
            graph: Graph::new(&config)?,
            stream: Stream::new(seams.registry.clone(), seams.events),
            config,
            registry: seams.registry,
            keys: seams.keys,
            media: seams.media,
        })))
    }

    /// Whether `candidate` is the verify token that Meta was told. Without one, nothing is.
    #[must_use]
    pub fn verifies(&self, candidate: &str) -> bool {
        let token = self.0.config.verify_token.as_ref();
        token.is_some_and(|token| token.matches(candidate.as_bytes()))
    }

    /// Whether a webhook's body was signed by Meta (`X-Hub-Signature-256`). Without an app
    /// secret nothing can be checked, and everything is taken: the start has warned of it.
    #[must_use]
    pub fn is_signed(&self, signature: Option<&str>, body: &[u8]) -> bool {
        match &self.0.config.app_secret {
            Some(secret) => signature.is_some_and(|text| signature::verify(secret, text, body)),
            None => true,
        }
    }

    /// The token of an instance, with which Meta knows it too.
    async fn token(&self, row: &Instance) -> Result<Secret, BusinessError> {
        token::open(self.0.keys.as_ref(), row)
            .await
            .map_err(BusinessError::Token)
    }
}

impl fmt::Debug for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cloud").field(&self.0.config).finish()
    }
}
