//! A client of the REST API, as its users write it.

use reqwest::{Client, Method};
use serde_json::Value;

use crate::process::API_KEY;

/// Calls the API with one key.
#[derive(Clone)]
pub struct Api {
    client: Client,
    url: String,
    key: String,
}

/// What the API answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; `Null` when there is none.
    pub body: Value,
}

impl Answer {
    /// The body of a success.
    ///
    /// # Panics
    /// When it is none.
    pub fn ok(self) -> Value {
        assert!(
            (200..300).contains(&self.status),
            "{} {}",
            self.status,
            self.body
        );
        self.body
    }
}

impl Api {
    /// With the global key.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self::with_key(url, API_KEY)
    }

    /// With another key.
    ///
    /// # Panics
    /// When the HTTP client can't be made.
    #[must_use]
    pub fn with_key(url: &str, key: &str) -> Self {
        let client = Client::builder().no_proxy().build().unwrap();
        Self {
            client,
            url: url.to_owned(),
            key: key.to_owned(),
        }
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await.unwrap()
    }

    /// `POST path` with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body.to_string()))
            .await
            .unwrap()
    }

    /// `POST path` with a body that may not be JSON.
    pub async fn post_raw(&self, path: &str, body: &str) -> Answer {
        self.call(Method::POST, path, Some(body.to_owned()))
            .await
            .unwrap()
    }

    /// `DELETE path`.
    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await.unwrap()
    }

    /// A call that may fail because the process is gone.
    ///
    /// # Errors
    /// When there was no whole answer.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Answer, reqwest::Error> {
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.url))
            .header("apikey", &self.key);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let bytes = response.bytes().await?;
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer { status, body })
    }
}
