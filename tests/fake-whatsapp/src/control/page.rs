//! The page for people.

use axum::extract::Query;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Response};
use qrcode::QrCode;
use qrcode::render::svg;
use serde::Deserialize;

use crate::control::reply::Failure;
use crate::error::Error;

const PAGE: &str = include_str!("page.html");
const QR_SIZE: u32 = 240;

#[derive(Deserialize)]
pub(super) struct QrText {
    text: String,
}

pub(super) async fn page() -> Html<&'static str> {
    Html(PAGE)
}

/// Draws any text as a QR code.
pub(super) async fn qr_image(Query(query): Query<QrText>) -> Result<Response, Failure> {
    let code =
        QrCode::new(query.text.as_bytes()).map_err(|error| Error::BadRequest(error.to_string()))?;
    let image = code
        .render::<svg::Color<'_>>()
        .min_dimensions(QR_SIZE, QR_SIZE)
        .build();
    Ok(([(CONTENT_TYPE, "image/svg+xml")], image).into_response())
}
