//! Every route in one table.

mod cloud;

use std::borrow::Cow;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{MethodRouter, delete, get, post, put};
use tower::ServiceExt;

use super::auth::Authorized;
use super::body::{Body, MAX_BODY_BYTES};
use super::paths::Spelling;
use super::state::ApiState;
use super::{
    absent, admin, auth, docs, instance, layers, media, message, metrics, proxy, root, settings,
    sink, trace, webhook,
};

/// The router of the API. It has no task, no global and no state but `state`.
pub fn router(state: ApiState) -> Router {
    let mut table = table();
    if state.options().docs {
        table = table.docs();
    }
    if state.options().metrics.is_some() {
        table = table.metrics();
    }
    table.finish(state)
}

/// The templates of all routes, such as `/instance/connect/{name}`.
#[must_use]
pub fn templates() -> Vec<String> {
    table().docs().metrics().spelling.templates()
}

fn table() -> Table {
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
        .at("/instance/qrcode/{name}", get(instance::connect))
        .at(
            "/instance/connectionState/{name}",
            get(instance::connection_state),
        )
        .at("/instance/fetchInstances", get(instance::fetch_instances))
        .at(
            "/instance/restart/{name}",
            post(instance::restart).put(instance::restart),
        )
        .at("/instance/rotateToken/{name}", post(instance::rotate_token))
        .at("/instance/setPresence/{name}", post(instance::set_presence))
        .at("/instance/logout/{name}", delete(instance::logout))
        .at("/instance/delete/{name}", delete(instance::delete))
        .at("/media/{instance}/{name}", get(media::show))
        .at("/message/sendText/{name}", post(message::send_text))
        .at("/webhook/set/{name}", post(webhook::set).put(webhook::set))
        .at("/webhook/find/{name}", get(webhook::find))
        .at(
            "/websocket/set/{name}",
            post(sink::set_websocket).put(sink::set_websocket),
        )
        .at("/websocket/find/{name}", get(sink::find_websocket))
        .at("/sqs/set/{name}", post(sink::set_sqs).put(sink::set_sqs))
        .at("/sqs/find/{name}", get(sink::find_sqs))
        .at("/proxy/set/{name}", post(proxy::set).put(proxy::set))
        .at("/proxy/find/{name}", get(proxy::find))
        .at(
            "/settings/set/{name}",
            post(settings::set).put(settings::set),
        )
        .at("/settings/find/{name}", get(settings::find))
        .at("/verify-creds", post(auth::verify))
        .at("/admin/shards", get(admin::shards))
        .at("/admin/connectors", get(admin::connectors))
        .at("/admin/connectors/{id}/drain", post(admin::drain))
        .at("/admin/instances/{name}", get(admin::whereabouts))
        .at("/admin/instances/{name}/move", post(admin::relocate))
        .cloud()
        .absent_sinks()
        .absent_chatbots()
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

    fn at(
        mut self,
        template: impl Into<Cow<'static, str>>,
        methods: MethodRouter<ApiState>,
    ) -> Self {
        let template = template.into();
        self.router = self.router.route(&template, methods);
        self.spelling.learn(template);
        self
    }

    /// The API's description.
    fn docs(self) -> Self {
        self.at("/openapi.json", get(docs::document))
            .at("/docs", get(docs::page))
    }

    /// What Prometheus reads.
    fn metrics(self) -> Self {
        self.at("/metrics", get(metrics::metrics))
    }

    /// Each sink that is not there.
    fn absent_sinks(self) -> Self {
        absent::SINKS.into_iter().fold(self, |table, sink| {
            let set = move |row: Authorized, body: Body| absent::set_sink(sink, row, body);
            table
                .at(format!("/{sink}/set/{{name}}"), post(set).put(set))
                .at(format!("/{sink}/find/{{name}}"), get(absent::find_sink))
        })
    }

    /// Each chatbot, of which none is there, with what only some of them have.
    fn absent_chatbots(self) -> Self {
        let table = absent::BOTS.into_iter().fold(self, |table, (bot, text)| {
            let no = move |row: Authorized, body: Body| absent::refuse(text, row, body);
            let find = move |row: Authorized, body: Body| absent::find_bots(text, row, body);
            table
                .at(format!("/{bot}/create/{{name}}"), post(no))
                .at(format!("/{bot}/find/{{name}}"), get(find))
                .at(format!("/{bot}/find/{{id}}/{{name}}"), get(no))
                .at(format!("/{bot}/fetch/{{id}}/{{name}}"), get(no))
                .at(format!("/{bot}/update/{{id}}/{{name}}"), put(no).post(no))
                .at(format!("/{bot}/delete/{{id}}/{{name}}"), delete(no))
                .at(format!("/{bot}/settings/{{name}}"), post(no))
                .at(format!("/{bot}/fetchSettings/{{name}}"), get(no))
                .at(format!("/{bot}/changeStatus/{{name}}"), post(no))
                .at(format!("/{bot}/fetchSessions/{{id}}/{{name}}"), get(no))
                .at(format!("/{bot}/ignoreJid/{{name}}"), post(no))
        });
        let typebot = |row: Authorized, body: Body| absent::refuse("Typebot", row, body);
        let openai = |row: Authorized, body: Body| absent::refuse("Openai", row, body);
        let chatwoot = |row: Authorized, body: Body| absent::refuse("Chatwoot", row, body);
        table
            .at("/typebot/start/{name}", post(typebot))
            .at("/openai/creds/{name}", post(openai).get(openai))
            .at("/openai/creds/{id}/{name}", delete(openai))
            .at("/openai/getModels/{name}", get(openai))
            .at("/chatwoot/set/{name}", post(chatwoot))
            .at("/chatwoot/find/{name}", get(chatwoot))
    }

    fn finish(self, state: ApiState) -> Router {
        let Self { router, spelling } = self;
        let cors = layers::cors(&state.options().cors);
        let routes = router
            .fallback(absent::unknown)
            .method_not_allowed_fallback(absent::unknown)
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .layer(middleware::from_fn(layers::leftover))
            .layer(middleware::from_fn(layers::etag))
            .layer(layers::compression())
            .layer(cors)
            .layer(middleware::from_fn(layers::options))
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
