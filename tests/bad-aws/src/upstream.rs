//! The AWS behind the proxy.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::Value;

use crate::answer::Answer;

/// Headers that belong to one connection, or are written anew.
const OF_THE_CONNECTION: [HeaderName; 3] = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING];

/// A cheap clone.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    client: reqwest::Client,
    address: String,
}

impl Upstream {
    pub(crate) fn new(address: &str) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let address = address.trim_end_matches('/').to_owned();
        Ok(Self { client, address })
    }

    /// Passes a request on, with its own `Host`: that is what its signature is for.
    pub(crate) async fn pass(&self, parts: &Parts, body: Bytes) -> reqwest::Result<Answer> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        self.send(parts.method.clone(), path, &parts.headers, body)
            .await
    }

    /// Asks for something in a JSON protocol, as the client of `parts`.
    pub(crate) async fn ask(
        &self,
        parts: &Parts,
        target: &'static str,
        body: &Value,
    ) -> reqwest::Result<Answer> {
        let mut headers = parts.headers.clone();
        headers.insert("x-amz-target", HeaderValue::from_static(target));
        self.send(Method::POST, "/", &headers, body.to_string().into())
            .await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> reqwest::Result<Answer> {
        let answer = self
            .client
            .request(method, format!("{}{path}", self.address))
            .headers(own(headers))
            .body(body)
            .send()
            .await?;
        Ok(Answer {
            status: answer.status(),
            headers: kept(answer.status(), answer.headers()),
            body: answer.bytes().await?,
        })
    }
}

fn own(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in OF_THE_CONNECTION {
        headers.remove(name);
    }
    headers
}

/// The length stays: for the answer to a HEAD nothing else tells it.
fn kept(status: StatusCode, headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    kept.remove(CONNECTION);
    kept.remove(TRANSFER_ENCODING);
    if status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED {
        kept.remove(CONTENT_LENGTH);
    }
    kept
}
