//! `POST /message/sendLocation/{name}`.

use axum::extract::State;
use serde_json::{Map, Value, json};

use super::cloud::{Common, Sent, deliver, float, only_business};
use crate::api::auth::Authorized;
use crate::api::body::Body;
use crate::api::error::ApiError;
use crate::api::fields::Fields;
use crate::api::state::ApiState;
use crate::business::{Draft, Shown, ShownLocation};

/// Longest name and address in characters.
const MAX_CHARS: usize = 1024;

pub(in crate::api) async fn send_location(
    State(state): State<ApiState>,
    Authorized(row): Authorized,
    Body(body): Body,
) -> Result<Sent, ApiError> {
    only_business(&row, "sendLocation")?;
    let (common, draft) = parse(&body)?;
    deliver(&state, &row, common, draft).await
}

fn parse(body: &Map<String, Value>) -> Result<(Common, Draft), ApiError> {
    let mut fields = Fields::root(body);
    let common = Common::read(&mut fields, body);
    let latitude = float(&mut fields, "latitude");
    let longitude = float(&mut fields, "longitude");
    let name = fields.string("name", MAX_CHARS);
    let address = fields.string("address", MAX_CHARS);
    for required in ["latitude", "longitude", "name", "address"] {
        fields.require(required);
    }
    fields.finish()?;
    let sent = json!({
        "latitude": latitude, "longitude": longitude, "name": name, "address": address,
    });
    let shown = ShownLocation {
        degrees_latitude: latitude.unwrap_or_default(),
        degrees_longitude: longitude.unwrap_or_default(),
        name: name.unwrap_or_default(),
        address: address.unwrap_or_default(),
    };
    let draft = Draft::new("location", sent, Shown::LocationMessage(shown));
    Ok((common, draft))
}
