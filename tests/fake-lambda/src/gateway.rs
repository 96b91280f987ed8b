//! API Gateway's side of a function: requests as events of an HTTP API, payload version 2.0.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde_json::{Map, Value, json};

/// One request.
#[derive(Debug, Clone)]
pub struct HttpCall {
    method: String,
    path: String,
    query: String,
    headers: Map<String, Value>,
    body: Option<Vec<u8>>,
    base64: bool,
    stage: String,
}

impl HttpCall {
    /// `target` is a path, with a query or without.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers = Map::new();
        headers.insert("host".to_owned(), "api.test".into());
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: None,
            base64: false,
            stage: "$default".to_owned(),
        }
    }

    /// With a header. API Gateway writes names in small letters.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_lowercase(), value.into());
        self
    }

    /// With the key of a caller.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("apikey", key)
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(mut self, body: &Value) -> Self {
        self.body = Some(body.to_string().into_bytes());
        self.header("content-type", "application/json")
    }

    /// With this body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// With the body in base64, as API Gateway hands in what it takes for no text.
    #[must_use]
    pub fn base64(mut self) -> Self {
        self.base64 = true;
        self
    }

    /// On another stage than `$default`: its name stands before the path.
    #[must_use]
    pub fn stage(mut self, stage: &str) -> Self {
        self.path = format!("/{stage}{}", self.path);
        stage.clone_into(&mut self.stage);
        self
    }

    pub(crate) fn event(&self) -> Value {
        let mut event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": self.path,
            "rawQueryString": self.query,
            "headers": self.headers,
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "api",
                "domainName": "api.test",
                "domainPrefix": "api",
                "http": {
                    "method": self.method,
                    "path": self.path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": "test",
                },
                "requestId": "id",
                "routeKey": "$default",
                "stage": self.stage,
                "time": "21/Nov/2026:12:00:00 +0000",
                "timeEpoch": 1_795_262_400_000_u64,
            },
            "isBase64Encoded": self.base64,
        });
        if let Some(body) = &self.body {
            event["body"] = if self.base64 {
                STANDARD.encode(body).into()
            } else {
                String::from_utf8_lossy(body).into()
            };
        }
        event
    }
}

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The status code.
    pub status: u64,
    /// Headers as API Gateway gets them.
    pub headers: Value,
    /// The body if it is JSON, else `null`; unpacked if it was packed.
    pub body: Value,
    /// Whether the body came in base64, as everything must that is no text.
    pub base64: bool,
}

impl Answer {
    pub(crate) fn read(answer: &Value) -> Self {
        let text = answer["body"].as_str().unwrap_or_default();
        let base64 = answer["isBase64Encoded"] == true;
        let mut bytes = if base64 {
            STANDARD.decode(text).unwrap()
        } else {
            text.as_bytes().to_vec()
        };
        if answer["headers"]["content-encoding"] == "gzip" {
            let packed = std::mem::take(&mut bytes);
            GzDecoder::new(&*packed).read_to_end(&mut bytes).unwrap();
        }
        Self {
            status: answer["statusCode"].as_u64().unwrap(),
            headers: answer["headers"].clone(),
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            base64,
        }
    }
}
