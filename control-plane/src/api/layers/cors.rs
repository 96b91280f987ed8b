//! Cross-origin requests, and `OPTIONS`.

use axum::extract::Request;
use axum::http::header::ETAG;
use axum::http::{HeaderName, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::api::instance::NEXT_CURSOR;
use crate::api::trace::REQUEST_ID;
use crate::config::{CorsConfig, Origins};

/// Headers of ours that a page may read.
const EXPOSED: [HeaderName; 3] = [ETAG, NEXT_CURSOR, REQUEST_ID];

/// The layer that tells browsers what `config` says. Any header may be sent, as in the
/// original: the key travels in one.
pub(in crate::api) fn cors(config: &CorsConfig) -> CorsLayer {
    let origins = match &config.origins {
        Origins::Any => AllowOrigin::any(),
        Origins::These(origins) => AllowOrigin::list(origins.iter().cloned()),
    };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods(config.methods.clone())
        .allow_headers(AllowHeaders::mirror_request())
        .allow_credentials(config.credentials)
        .expose_headers(EXPOSED)
}

/// Every `OPTIONS` is a preflight to the layer above. It answers 200, the original 204, and
/// neither has a body.
pub(in crate::api) async fn options(req: Request, next: Next) -> Response {
    let is_options = req.method() == Method::OPTIONS;
    let mut response = next.run(req).await;
    if is_options && response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    response
}
