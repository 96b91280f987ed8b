//! The control port: a JSON API for tests and a page for people.

mod account;
mod app_state;
mod calls;
mod contacts;
mod devices;
mod groups;
mod history;
mod media;
mod page;
mod pairing;
mod people;
mod profile;
mod reply;
mod watch;

use axum::Router;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::server::FakeWhatsApp;

/// Serves until cancelled.
pub(crate) async fn serve(listener: TcpListener, server: FakeWhatsApp, stop: CancellationToken) {
    let served = axum::serve(listener, router(server))
        .with_graceful_shutdown(async move { stop.cancelled().await });
    if let Err(error) = served.await {
        tracing::error!(%error, "control port");
    }
}

fn router(server: FakeWhatsApp) -> Router {
    Router::new()
        .route("/", get(page::page))
        .route("/api/health", get(watch::health))
        .route("/api/noise-root", get(watch::noise_root))
        .route("/api/qr.svg", get(page::qr_image))
        .route("/api/pairings", get(pairing::pairings))
        .route("/api/announce", post(pairing::announce))
        .route("/api/scan", post(pairing::scan))
        .route("/api/enter-code", post(pairing::enter_code))
        .route("/api/devices", get(devices::list))
        .route("/api/devices/{phone}/drop", post(devices::cut))
        .route("/api/devices/{phone}/logout", post(devices::logout))
        .route("/api/end", post(devices::end))
        .route("/api/trouble", post(devices::order).delete(devices::clear))
        .route("/api/refuse", post(devices::refuse).delete(devices::clear))
        .route("/api/absent", post(devices::absent))
        .route("/api/silence", post(devices::silence))
        .route("/api/contacts", get(contacts::list).post(contacts::add))
        .route("/api/contacts/{phone}/send", post(contacts::send))
        .route("/api/contacts/{phone}/inbox", get(contacts::inbox))
        .route("/api/contacts/{phone}/send-media", post(media::send))
        .route("/api/contacts/{phone}/media/{id}", get(media::kept))
        .route(
            "/api/contacts/{phone}/app-state",
            get(app_state::view).post(app_state::change),
        )
        .route(
            "/api/contacts/{phone}/app-state/rotate-key",
            post(app_state::rotate_key),
        )
        .route("/api/contacts/{phone}/history", post(history::seed))
        .route(
            "/api/contacts/{phone}/picture",
            post(profile::set_picture).delete(profile::remove_picture),
        )
        .route("/api/contacts/{phone}/about", post(profile::set_about))
        .route("/api/media/expire-auth", post(media::expire_auth))
        .route("/api/media/forget", post(media::forget))
        .route("/api/groups", get(groups::list).post(groups::create))
        .route("/api/groups/{group}/{action}", post(groups::act))
        .merge(people::routes())
        .merge(account::routes())
        .merge(calls::routes())
        .route("/api/seen", get(watch::seen))
        .route("/api/violations", get(watch::violations))
        .route("/api/config", get(watch::config).post(watch::set_config))
        .with_state(server)
}
