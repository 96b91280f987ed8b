//! Every route in one table.

use axum::Router;
use axum::extract::{DefaultBodyLimit, OriginalUri};
use axum::http::Method;
use axum::middleware;
use axum::routing::{MethodRouter, delete, get, post};
use tower::ServiceExt;

use super::body::MAX_BODY_BYTES;
use super::error::ApiError;
use super::paths::Spelling;
use super::state::ApiState;
use super::{admin, auth, instance, media, message, root, settings, sink, trace, webhook};

/// The router of the API. It has no task, no global and no state but `state`.
pub fn router(state: ApiState) -> Router {
    Table::new()
        .at("/", get(root::welcome))
        .at("/health", get(root::health))
        .at("/healthz", get(root::health))
        .at("/readyz", get(root::ready))
        .at("/instance/create", post(instance::create))
        .at(
            "/instance/connect/{name}",
            get(instance::connect).post(instance::connect_post),
        )
        .at(
            "/instance/connectionState/{name}",
            get(instance::connection_state),
        )
        .at("/instance/fetchInstances", get(instance::fetch_instances))
        .at(
            "/instance/restart/{name}",
            post(instance::restart).put(instance::restart),
        )
        .at("/instance/logout/{name}", delete(instance::logout))
        .at("/instance/delete/{name}", delete(instance::delete))
        .at("/media/{instance}/{name}", get(media::show))
        .at("/message/sendText/{name}", post(message::send_text))
        .at("/webhook/set/{name}", post(webhook::set))
        .at("/webhook/find/{name}", get(webhook::find))
        .at("/websocket/set/{name}", post(sink::set_websocket))
        .at("/websocket/find/{name}", get(sink::find_websocket))
        .at("/sqs/set/{name}", post(sink::set_sqs))
        .at("/sqs/find/{name}", get(sink::find_sqs))
        .at("/settings/set/{name}", post(settings::set))
        .at("/settings/find/{name}", get(settings::find))
        .at("/verify-creds", post(auth::verify))
        .at("/admin/shards", get(admin::shards))
        .at("/admin/connectors", get(admin::connectors))
        .at("/admin/connectors/{id}/drain", post(admin::drain))
        .at("/admin/instances/{name}", get(admin::whereabouts))
        .at("/admin/instances/{name}/move", post(admin::relocate))
        .finish(state)
}

/// Collects routes, and their spelling for clients that write them differently.
struct Table {
    router: Router<ApiState>,
    spelling: Spelling,
}

impl Table {
    fn new() -> Self {
        Self {
            router: Router::new(),
            spelling: Spelling::default(),
        }
    }

    fn at(mut self, template: &'static str, methods: MethodRouter<ApiState>) -> Self {
        self.spelling.learn(template);
        self.router = self.router.route(template, methods);
        self
    }

    fn finish(self, state: ApiState) -> Router {
        let Self { router, spelling } = self;
        let routes = router
            .fallback(unknown)
            .method_not_allowed_fallback(unknown)
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .layer(middleware::from_fn(trace::request))
            .with_state(state);
        // A layer would run after routing, too late to correct the path.
        Router::new().fallback_service(
            routes
                .into_service()
                .map_request(move |req| spelling.correct(req)),
        )
    }
}

async fn unknown(method: Method, OriginalUri(uri): OriginalUri) -> ApiError {
    let path = uri.path_and_query().map_or("/", |p| p.as_str());
    ApiError::not_found(format!("Cannot {method} {path}"))
}
