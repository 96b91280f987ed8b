//! Answers, whole or broken.

use std::io;

use bytes::Bytes;
use futures::stream;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body_util::StreamBody;
use hyper::body::Frame;
use serde_json::Value;

/// Parts of a body; an error ends the connection.
pub(crate) type Body = StreamBody<stream::Iter<std::vec::IntoIter<io::Result<Frame<Bytes>>>>>;

/// An answer, read whole.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let (status, body) = (
            StatusCode::from_u16(status).unwrap_or_default(),
            body.into(),
        );
        Self {
            status,
            headers,
            body,
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// The body as JSON; null when it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The same answer with another body.
    pub(crate) fn carrying(mut self, body: &Value) -> Self {
        self.body = body.to_string().into();
        self
    }

    /// As it goes out. With `broken` the connection ends after the first half.
    pub(crate) fn into_response(self, method: &Method, broken: bool) -> Response<Body> {
        let mut response = Response::new(());
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        // The answer to a HEAD has the length of what it does not carry.
        if method != Method::HEAD {
            let length = HeaderValue::from(self.body.len());
            response.headers_mut().insert(CONTENT_LENGTH, length);
        }
        let parts = if broken {
            let half = self.body.slice(..self.body.len() / 2);
            vec![Ok(Frame::data(half)), Err(cut())]
        } else {
            vec![Ok(Frame::data(self.body))]
        };
        response.map(|()| StreamBody::new(stream::iter(parts)))
    }
}

/// Tells the HTTP server to end the connection.
pub(crate) fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "cut on purpose")
}
