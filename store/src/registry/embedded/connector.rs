//! The SDK's HTTP connector, without HTTP.

use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use dynoxide::Database;
use tokio::sync::Semaphore;

use super::dispatch::dispatch;

/// One request runs and one is parsed meanwhile. The database does one at a time anyway; more
/// would only fill the pool of blocking threads.
const AT_ONCE: usize = 2;

/// Hands the SDK's requests to a database in this process.
#[derive(Clone)]
pub(super) struct InProcess {
    db: Database,
    turns: Arc<Semaphore>,
}

impl InProcess {
    pub(super) fn new(db: Database) -> Self {
        Self {
            db,
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    async fn answer(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body = request
            .body()
            .bytes()
            .map(<[u8]>::to_vec)
            .ok_or_else(|| ConnectorError::user("request body is a stream".into()))?;
        let turn = self
            .turns
            .acquire_owned()
            .await
            .map_err(|e| ConnectorError::other(e.into(), None))?;
        let db = self.db;
        let (status, answer) = tokio::task::spawn_blocking(move || {
            // Held by the thread: a caller that goes away does not stop the database.
            let _turn = turn;
            dispatch(&db, &operation, &body)
        })
        .await
        .map_err(|e| ConnectorError::other(e.into(), None))?;
        let status =
            StatusCode::try_from(status).map_err(|e| ConnectorError::other(e.into(), None))?;
        let mut response = HttpResponse::new(status, SdkBody::from(answer));
        response
            .headers_mut()
            .insert("content-type", "application/x-amz-json-1.0");
        Ok(response)
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new_boxed(Box::pin(self.clone().answer(request)))
    }
}

impl HttpClient for InProcess {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
