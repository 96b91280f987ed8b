//! The function `api`: the REST API behind API Gateway, an HTTP API with payloads of version
//! 2.0 and the one route `$default`.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::Response;
use futures::try_join;
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt, Service};
use pombal_domain::{Chain, InstanceName};
use pombal_store::aws::Deployment;
use pombal_store::env;
use pombal_store::{Keys, Queue};
use tower::ServiceExt;

use super::Error;
use super::secrets::Secrets;
use crate::api::{ApiOptions, ApiState, EventsQueue, router};
use crate::business::{BusinessConfig, BusinessSeams, Cloud};
use crate::config::{self, CorsConfig, LimitsConfig, MetricsConfig, WebhookConfig};

/// The stage whose name is not in paths.
const NO_STAGE: &str = "$default";

/// Runs the function.
///
/// # Errors
/// When the environment can't be used, or Lambda's Runtime API fails.
pub async fn run() -> Result<(), Error> {
    let webhook = WebhookConfig::from_env()?;
    let cors = CorsConfig::from_env()?;
    let server_url = config::server_url()?.unwrap_or_default();
    let whatsapp_url = env::text("POMBAL_WHATSAPP_URL")?;
    let proxy_check = config::proxy_check(whatsapp_url.as_deref())?;
    let metrics = MetricsConfig::from_env()?;
    let business = BusinessConfig::from_env()?;
    let deployment = Deployment::from_env().await?;
    let secrets = Secrets::of(&deployment);
    let (global_key, business) = try_join!(secrets.global_key(), secrets.complete(business))?;
    business.warn();
    let keys: Arc<dyn Keys> = Arc::new(deployment.keys()?);
    let events: Arc<dyn Queue> = deployment.events().await?;
    let seams = BusinessSeams {
        registry: deployment.registry(),
        keys: Arc::clone(&keys),
        events: Arc::clone(&events),
        media: Arc::new(deployment.media()?),
    };
    let state = ApiState::new(
        deployment.registry(),
        deployment.commands().await?,
        keys,
        webhook.egress()?,
        ApiOptions {
            shards: deployment.config().shards,
            send_ttl: config::send_ttl()?,
            limits: LimitsConfig::from_env()?,
            cors,
            docs: config::docs()?,
            metrics,
            events: Some(EventsQueue(events)),
            proxy_check,
            cloud: Some(Cloud::new(business, seams)?),
            ..ApiOptions::new(global_key, server_url)
        },
    )?;
    warm(&deployment).await;
    lambda_http::run(service(router(state))).await
}

/// Finds credentials and opens a connection to the registry, so that the first request finds
/// both. The name is one that is as good as any.
async fn warm(deployment: &Deployment) {
    let Ok(name) = InstanceName::parse("warm") else {
        return;
    };
    if let Err(error) = deployment.registry().instance(&name).await {
        tracing::warn!(error = %Chain(&error), "registry not reached at the start");
    }
}

fn service(
    router: Router,
) -> impl Service<Request, Response = Response, Error = Infallible, Future: Send> {
    router.map_request(|request| without_stage(with_peer(request)))
}

/// Tells the routes who called, as a server's connection does. API Gateway knows; a header could
/// say anything.
fn with_peer(mut request: Request) -> Request {
    if let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref()
        && let Some(address) = context.http.source_ip.as_deref()
        && let Ok(address) = address.parse::<IpAddr>()
    {
        let peer = ConnectInfo(SocketAddr::new(address, 0));
        request.extensions_mut().insert(peer);
    }
    request
}

/// API Gateway puts the stage's name before the path, which the routes know nothing of.
fn without_stage(mut request: Request) -> Request {
    let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else {
        return request;
    };
    let stage = context.stage.as_deref().unwrap_or(NO_STAGE);
    if stage != NO_STAGE
        && let Some(uri) = stripped(request.uri(), stage)
    {
        *request.uri_mut() = uri;
    }
    request
}

fn stripped(uri: &http::Uri, stage: &str) -> Option<http::Uri> {
    let rest = uri.path().strip_prefix('/')?.strip_prefix(stage)?;
    if !rest.is_empty() && !rest.starts_with('/') {
        return None;
    }
    let path = if rest.is_empty() { "/" } else { rest };
    let full = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(full.parse().ok()?);
    http::Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_is_no_part_of_the_path() {
        for (uri, wanted) in [
            (
                "https://a.test/live/x/y?z=/live",
                Some("https://a.test/x/y?z=/live"),
            ),
            ("https://a.test/live", Some("https://a.test/")),
            ("https://a.test/livelier/x", None),
            ("https://a.test/x/live", None),
        ] {
            let found = stripped(&uri.parse().unwrap(), "live");
            assert_eq!(found.map(|uri| uri.to_string()).as_deref(), wanted);
        }
    }
}
