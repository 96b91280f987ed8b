//! Linking devices.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::reply::{Failure, Reply};
use crate::pairing::Pairing;
use crate::pairing::link::Linked;
use crate::server::FakeWhatsApp;

#[derive(Deserialize)]
pub(super) struct Announced {
    qr: String,
    label: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Scan {
    qr: String,
    phone: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct EnterCode {
    phone: String,
    code: String,
    name: Option<String>,
}

pub(super) async fn pairings(State(server): State<FakeWhatsApp>) -> Json<Vec<Pairing>> {
    Json(server.pairings().await)
}

pub(super) async fn announce(
    State(server): State<FakeWhatsApp>,
    Json(body): Json<Announced>,
) -> Result<StatusCode, Failure> {
    server.announce(&body.qr, body.label.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn scan(
    State(server): State<FakeWhatsApp>,
    Json(body): Json<Scan>,
) -> Reply<Linked> {
    let (phone, name) = (filled(body.phone), filled(body.name));
    Ok(Json(
        server
            .scan(&body.qr, phone.as_deref(), name.as_deref())
            .await?,
    ))
}

pub(super) async fn enter_code(
    State(server): State<FakeWhatsApp>,
    Json(body): Json<EnterCode>,
) -> Reply<Linked> {
    let name = filled(body.name);
    Ok(Json(
        server
            .enter_code(&body.phone, &body.code, name.as_deref())
            .await?,
    ))
}

/// An empty form field is no value.
fn filled(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.is_empty())
}
