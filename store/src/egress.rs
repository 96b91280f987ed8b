//! The one HTTP client for addresses that users give. Never to a private address.
//!
//! Three doors, and no way around them: the scheme and literal addresses are checked before
//! each request, names are resolved by a resolver that hands on allowed addresses only (so
//! that the connection goes to what was checked), and redirects are not followed.

mod address;
mod answer;
mod error;
mod exchange;
mod resolver;
mod tunnel;

#[cfg(test)]
mod tests;

pub use address::{Reach, is_allowed};
pub use answer::{Answer, MAX_ANSWER_BYTES};
pub use error::Error;
pub use exchange::{Exchange, Whole};
pub use tunnel::{Tunnel, TunnelStream};

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use reqwest::redirect;
use url::{Host, Url};

use resolver::GuardedResolver;

/// How the client behaves.
#[derive(Debug, Clone)]
pub struct EgressOptions {
    /// Also reach loopback and private networks: for a gateway whose receivers are its
    /// neighbours, and for tests. Link-local addresses, where clouds keep credentials, stay
    /// out of reach.
    pub allow_private: bool,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// The `User-Agent` of requests that set none. Empty: they go without.
    pub user_agent: String,
}

/// The client. A cheap clone.
#[derive(Debug, Clone)]
pub struct Egress {
    client: reqwest::Client,
    reach: Reach,
}

impl Egress {
    /// Makes the client. It takes no proxy from the environment and keeps no cookies.
    ///
    /// # Errors
    /// [`Error::Setup`], for a user agent that can't stand in a header or broken TLS roots.
    pub fn new(options: EgressOptions) -> Result<Self, Error> {
        let reach = if options.allow_private {
            Reach::PublicAndPrivate
        } else {
            Reach::Public
        };
        let mut client = reqwest::Client::builder()
            .dns_resolver(Arc::new(GuardedResolver::new(reach)))
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(options.connect_timeout);
        if !options.user_agent.is_empty() {
            client = client.user_agent(options.user_agent);
        }
        let client = client.build().map_err(|e| Error::Setup(e.into()))?;
        Ok(Self { client, reach })
    }

    /// Posts a JSON body. The whole exchange may take `timeout`. `headers` win over the
    /// client's own. Any status is an answer; a body that stalls or breaks off ends there.
    ///
    /// # Errors
    /// [`Error`]: there was no answer.
    pub async fn post_json(
        &self,
        url: &Url,
        headers: &HeaderMap,
        body: Bytes,
        timeout: Duration,
    ) -> Result<Answer, Error> {
        self.check_literal(url)?;
        let mut request = self.client.post(url.clone()).timeout(timeout).body(body);
        if !headers.contains_key(CONTENT_TYPE) {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let response = request.headers(headers.clone()).send().await?;
        Ok(Answer::read(response).await)
    }

    /// Checks what can be checked of a URL without a network: its scheme, and its host if that
    /// is a literal address or `localhost`. For the moment when a user sets a webhook.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`], [`Error::Blocked`].
    pub fn check_literal(&self, url: &Url) -> Result<(), Error> {
        check_literal(url, self.reach)
    }
}

fn check_literal(url: &Url, reach: Reach) -> Result<(), Error> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Error::InvalidUrl("scheme is neither http nor https"));
    }
    let addr = match url.host() {
        None => return Err(Error::InvalidUrl("no host")),
        Some(Host::Ipv4(addr)) => IpAddr::V4(addr),
        Some(Host::Ipv6(addr)) => IpAddr::V6(addr),
        // RFC 6761 § 6.3: these names are loopback everywhere.
        Some(Host::Domain(name)) if is_localhost(name) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        Some(Host::Domain(_)) => return Ok(()),
    };
    if is_allowed(addr, reach) {
        Ok(())
    } else {
        Err(Error::Blocked { addr })
    }
}

fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}
