//! Any request, and the whole of its answer.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method};
use url::Url;

use super::{Egress, Error};

/// A request.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The HTTP method.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Headers.
    pub headers: HeaderMap,
    /// The body; may be empty.
    pub body: Bytes,
    /// Longest time for the whole exchange.
    pub timeout: Duration,
    /// Longest answer, in bytes.
    pub max_answer_bytes: usize,
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Bytes,
}

impl Egress {
    /// Sends a request and reads the whole answer. Any status is an answer.
    ///
    /// # Errors
    /// [`Error`]: there was no answer, or not the whole of it. [`Error::TooLarge`]: it is
    /// longer than wanted.
    pub async fn exchange(&self, exchange: Exchange) -> Result<Whole, Error> {
        self.check_literal(&exchange.url)?;
        let limit = exchange.max_answer_bytes;
        let mut response = self
            .client
            .request(exchange.method, exchange.url)
            .headers(exchange.headers)
            .timeout(exchange.timeout)
            .body(exchange.body)
            .send()
            .await?;
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > limit {
                return Err(Error::TooLarge { limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Whole {
            status: response.status().as_u16(),
            body: body.freeze(),
        })
    }
}
