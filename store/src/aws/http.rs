//! The one HTTP client below all of AWS's clients: those of the SDK, and the object store.
//!
//! It is `reqwest`, which the crate links anyway, so that there is one TLS and one pool. Its
//! roots of trust are in the binary: an image with nothing but the binary needs no others.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{
    HttpRequest as SdkRequest, HttpResponse as SdkResponse,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient as StoreClient, HttpConnector as StoreConnector, HttpError, HttpErrorKind,
    HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};

use super::requests::Requests;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest silence while an answer is waited for or read. Longer than SQS's longest poll.
const READ_TIMEOUT: Duration = Duration::from_secs(25);

/// What the object store is told instead of 409 for an object that must not exist yet.
///
/// S3 says with 409 that another request for the same key was under way, and that this one may
/// be tried again; an object that is there is 412
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>). The object
/// store takes 409 for "there already", and the session database that for a newer writer.
const TRY_AGAIN: http::StatusCode = http::StatusCode::SERVICE_UNAVAILABLE;

/// A cheap clone.
#[derive(Clone)]
pub(super) struct Http {
    client: reqwest::Client,
    requests: Requests,
}

impl Http {
    pub(super) fn new(requests: Requests) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            // As the SDK's own client: proxies of the environment are not for AWS.
            .no_proxy()
            .build()?;
        Ok(Self { client, requests })
    }

    async fn answer(self, request: SdkRequest) -> Result<SdkResponse, ConnectorError> {
        let request = request
            .try_into_http1x()
            .map_err(|error| ConnectorError::user(error.into()))?;
        let (parts, body) = request.into_parts();
        let body = body
            .bytes()
            .map(Bytes::copy_from_slice)
            .ok_or_else(|| ConnectorError::user("request body is a stream".into()))?;
        self.requests.count(&parts);
        let request = http::Request::from_parts(parts, body);
        let request = request.try_into().map_err(sdk_error)?;
        let answer = self.client.execute(request).await.map_err(sdk_error)?;
        let (parts, body) = http::Response::from(answer).into_parts();
        // Read whole: answers are small, and one that breaks off is tried again like any other.
        let body = body.collect().await.map_err(sdk_error)?.to_bytes();
        // As a stream, which does not print itself: the SDK logs what it gets from here at level
        // `trace`, and answers of KMS hold keys in the clear.
        let body = SdkBody::from_body_1_x(Full::new(body));
        http::Response::from_parts(parts, body)
            .try_into()
            .map_err(|error| {
                ConnectorError::other(
                    Box::<dyn std::error::Error + Send + Sync>::from(error),
                    None,
                )
            })
    }
}

fn sdk_error(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if error.is_builder() {
        ConnectorError::user(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}

fn store_error(error: reqwest::Error) -> HttpError {
    let kind = if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if error.is_connect() {
        HttpErrorKind::Connect
    } else if error.is_builder() {
        HttpErrorKind::Unknown
    } else {
        // The connection broke, before the answer or within it.
        HttpErrorKind::Interrupted
    };
    // Addresses may hold signatures.
    HttpError::new(kind, error.without_url())
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}

impl HttpConnector for Http {
    fn call(&self, request: SdkRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new_boxed(Box::pin(self.clone().answer(request)))
    }
}

impl HttpClient for Http {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl StoreConnector for Http {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<StoreClient> {
        Ok(StoreClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Http {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        self.requests.count(&parts);
        let creates = parts.method == http::Method::PUT
            && parts.headers.contains_key(http::header::IF_NONE_MATCH);
        let body = match body.as_bytes() {
            Some(bytes) => reqwest::Body::from(bytes.clone()),
            None => reqwest::Body::wrap(body),
        };
        let request = http::Request::from_parts(parts, body)
            .try_into()
            .map_err(store_error)?;
        let answer = self.client.execute(request).await.map_err(store_error)?;
        let (mut parts, body) = http::Response::from(answer).into_parts();
        if creates && parts.status == http::StatusCode::CONFLICT {
            parts.status = TRY_AGAIN;
        }
        let body = HttpResponseBody::new(body.map_err(store_error));
        Ok(HttpResponse::from_parts(parts, body))
    }
}
