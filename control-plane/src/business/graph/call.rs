//! One request to the Graph API, and when it is asked again.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use pombal_domain::GraphId;
use pombal_store::egress::{Exchange, Whole};
use serde_json::{Value, json};
use url::Url;

use super::{Graph, GraphError};
use crate::secret::Secret;

/// Longest answer that is no medium, in bytes. A page of templates is the longest.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;
/// Most tries of a request that can be made twice, or that has not reached anybody.
const TRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Hosts of Meta's, besides the Graph API's own, from which it serves media.
const META_HOSTS: [&str; 4] = ["fbsbx.com", "facebook.com", "fbcdn.net", "whatsapp.net"];

/// What is asked for.
pub(in crate::business) struct Ask<'a> {
    pub(in crate::business) method: Method,
    pub(in crate::business) url: Url,
    pub(in crate::business) token: &'a Secret,
    pub(in crate::business) content_type: Option<HeaderValue>,
    pub(in crate::business) body: Bytes,
}

/// Where a medium is.
pub(in crate::business) struct MediumAt {
    pub(in crate::business) url: Url,
    pub(in crate::business) mime_type: String,
}

impl Graph {
    /// `POST /<number>/messages`. Asked again only when nothing has reached Meta: a message
    /// whose fate is unknown must not be sent twice.
    pub(in crate::business) async fn send(
        &self,
        number: &GraphId,
        token: &Secret,
        message: &Value,
    ) -> Result<Value, GraphError> {
        let url = self.url(&[number.as_str(), "messages"]);
        self.post_once(url, token, message).await
    }

    /// `POST` with a JSON body, whose effect must not be had twice.
    pub(in crate::business) async fn post_once(
        &self,
        url: Url,
        token: &Secret,
        body: &Value,
    ) -> Result<Value, GraphError> {
        let ask = json_ask(url, token, body);
        repeated(
            |error| matches!(error, GraphError::NotReached(_)),
            || self.ask(&ask),
        )
        .await
    }

    /// `GET`, or `DELETE`: can be done twice.
    pub(in crate::business) async fn again(
        &self,
        method: Method,
        url: Url,
        token: &Secret,
    ) -> Result<Value, GraphError> {
        let ask = Ask {
            method,
            url,
            token,
            content_type: None,
            body: Bytes::new(),
        };
        repeated(GraphError::passes, || self.ask(&ask)).await
    }

    /// Where a received medium is. Meta keeps it for 30 days, and this address for 5 minutes:
    /// <https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media>.
    pub(in crate::business) async fn medium_at(
        &self,
        id: &GraphId,
        token: &Secret,
    ) -> Result<MediumAt, GraphError> {
        let found = self
            .again(Method::GET, self.url(&[id.as_str()]), token)
            .await?;
        let text = |name: &str| found.get(name).and_then(Value::as_str);
        let url = text("url").and_then(|url| Url::parse(url).ok());
        Ok(MediumAt {
            url: url.ok_or(GraphError::Unreadable { status: 200 })?,
            mime_type: text("mime_type")
                .unwrap_or("application/octet-stream")
                .to_owned(),
        })
    }

    /// The bytes of a medium.
    pub(in crate::business) async fn download(
        &self,
        at: &MediumAt,
        token: &Secret,
    ) -> Result<Bytes, GraphError> {
        if !self.is_metas(&at.url) {
            return Err(GraphError::Elsewhere);
        }
        let ask = Ask {
            method: Method::GET,
            url: at.url.clone(),
            token,
            content_type: None,
            body: Bytes::new(),
        };
        let fetch = || async {
            let answer = self.exchange(&ask, self.max_media_bytes).await?;
            match answer.status {
                200 => Ok(answer.body),
                status => Err(refused(status, &answer.body)),
            }
        };
        repeated(GraphError::passes, fetch).await
    }

    /// Whether the token may go to this address: the Graph API itself, or a host of Meta's.
    fn is_metas(&self, url: &Url) -> bool {
        let origin = url.origin() == self.base.origin();
        let of_meta = |host: &str| {
            META_HOSTS.iter().any(|domain| {
                let prefix = host.strip_suffix(domain);
                prefix.is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('.'))
            })
        };
        origin || (url.scheme() == "https" && url.domain().is_some_and(of_meta))
    }

    /// One request. An answer is an object without `error`.
    pub(in crate::business) async fn ask(&self, ask: &Ask<'_>) -> Result<Value, GraphError> {
        let answer = self.exchange(ask, MAX_ANSWER_BYTES).await?;
        let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
        match body {
            Some(body) if answer.status < 300 && body.get("error").is_none() => Ok(body),
            _ => Err(refused(answer.status, &answer.body)),
        }
    }

    async fn exchange(&self, ask: &Ask<'_>, most: usize) -> Result<Whole, GraphError> {
        let mut headers = HeaderMap::new();
        let bearer = HeaderValue::try_from(format!("Bearer {}", ask.token.expose()));
        if let Ok(mut bearer) = bearer {
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        if let Some(kind) = &ask.content_type {
            headers.insert(CONTENT_TYPE, kind.clone());
        }
        let exchange = Exchange {
            method: ask.method.clone(),
            url: ask.url.clone(),
            headers,
            body: ask.body.clone(),
            timeout: self.timeout,
            max_answer_bytes: most,
        };
        self.egress
            .exchange(exchange)
            .await
            .map_err(GraphError::egress)
    }
}

pub(super) fn json_ask<'a>(url: Url, token: &'a Secret, body: &Value) -> Ask<'a> {
    Ask {
        method: Method::POST,
        url,
        token,
        content_type: Some(HeaderValue::from_static("application/json")),
        body: Bytes::from(body.to_string()),
    }
}

fn refused(status: u16, body: &[u8]) -> GraphError {
    let body: Option<Value> = serde_json::from_slice(body).ok();
    match body.and_then(|mut body| body.get_mut("error").map(Value::take)) {
        Some(error) if error.is_object() => GraphError::Refused { status, error },
        Some(text) => GraphError::Refused {
            status,
            error: json!({ "message": text }),
        },
        None => GraphError::Unreadable { status },
    }
}

/// Does something up to [`TRIES`] times, as long as its failure is one that `passes`.
async fn repeated<T, F: Future<Output = Result<T, GraphError>>>(
    passes: impl Fn(&GraphError) -> bool,
    attempt: impl Fn() -> F,
) -> Result<T, GraphError> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        match attempt().await {
            Err(error) if passes(&error) => {}
            done => return done,
        }
        tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
        pause *= 2;
    }
    attempt().await
}

#[cfg(test)]
mod tests {
    use super::super::super::BusinessConfig;
    use super::*;

    #[test]
    fn the_token_goes_to_meta_only() {
        let graph = |url: &str| Graph::new(&BusinessConfig::new(Url::parse(url).unwrap())).unwrap();
        let real = graph("https://graph.facebook.com/");
        assert_eq!(
            real.url(&["1", "messages"]).as_str(),
            "https://graph.facebook.com/v23.0/1/messages"
        );
        let own = graph("http://127.0.0.1:9000");
        for (url, by_real, by_own) in [
            ("https://lookaside.fbsbx.com/whatsapp?mid=1", true, true),
            ("https://graph.facebook.com/x", true, true),
            ("http://lookaside.fbsbx.com/x", false, false),
            ("https://evilfbsbx.com/x", false, false),
            ("https://fbsbx.com.evil.test/x", false, false),
            ("http://127.0.0.1:9000/media", false, true),
            ("http://127.0.0.1:9001/media", false, false),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(
                (real.is_metas(&url), own.is_metas(&url)),
                (by_real, by_own),
                "{url}"
            );
        }
    }
}
