//! A client of Meta's Graph API, as far as the Cloud API needs it.

mod call;
mod error;
mod upload;

pub use error::GraphError;

use std::time::Duration;

use pombal_domain::GraphId;
use pombal_store::Egress;
use pombal_store::egress::{self, EgressOptions};
use url::Url;

use super::BusinessConfig;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The client. Its address is the operator's, so it may be a private one.
pub struct Graph {
    egress: Egress,
    /// `<url>/<version>`.
    base: Url,
    timeout: Duration,
    max_media_bytes: usize,
}

impl Graph {
    /// Makes the client.
    ///
    /// # Errors
    /// When the HTTP client can't be made, or the address can't take a path.
    pub fn new(config: &BusinessConfig) -> Result<Self, egress::Error> {
        let egress = Egress::new(EgressOptions {
            allow_private: true,
            connect_timeout: CONNECT_TIMEOUT,
            user_agent: concat!("pombal/", env!("CARGO_PKG_VERSION")).to_owned(),
        })?;
        let mut base = config.url.clone();
        base.path_segments_mut()
            .map_err(|()| egress::Error::InvalidUrl("it can't have a path"))?
            .pop_if_empty()
            .push(&config.version);
        Ok(Self {
            egress,
            base,
            timeout: config.timeout,
            max_media_bytes: config.max_media_bytes,
        })
    }

    /// The address of an account's templates.
    pub(super) fn templates(&self, account: &GraphId, query: &[(&str, &str)]) -> Url {
        let mut url = self.url(&[account.as_str(), "message_templates"]);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// The address of anything that has an id.
    pub(super) fn object(&self, id: &GraphId) -> Url {
        self.url(&[id.as_str()])
    }

    /// The address of `path`, each a segment.
    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(path);
        }
        url
    }
}
