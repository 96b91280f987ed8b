//! `GET|POST /instance/connect/{name}`: be connected, and say how to pair.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use pombal_domain::{ConnectionState, Desired, Instance, Pairing, PhoneNumber};
use serde::Deserialize;

use super::pairing::{self, ConnectReply};
use crate::api::auth::Authorized;
use crate::api::body::Body;
use crate::api::commands;
use crate::api::error::{ApiError, gone};
use crate::api::fields::{BAD_NUMBER, Fields};
use crate::api::state::ApiState;

#[derive(Default, Deserialize)]
pub(in crate::api) struct ConnectQuery {
    number: Option<String>,
}

pub(in crate::api) async fn connect(
    State(state): State<ApiState>,
    Authorized(row): Authorized,
    query: Result<Query<ConnectQuery>, QueryRejection>,
) -> Result<Json<ConnectReply>, ApiError> {
    let number = query.ok().and_then(|Query(query)| query.number);
    open(&state, row, phone(number)?).await.map(Json)
}

pub(in crate::api) async fn connect_post(
    State(state): State<ApiState>,
    Authorized(row): Authorized,
    query: Result<Query<ConnectQuery>, QueryRejection>,
    Body(body): Body,
) -> Result<Json<ConnectReply>, ApiError> {
    let mut fields = Fields::root(&body);
    let number = fields.string("number", 64);
    fields.finish()?;
    let number = number.or_else(|| query.ok().and_then(|Query(query)| query.number));
    open(&state, row, phone(number)?).await.map(Json)
}

fn phone(number: Option<String>) -> Result<Option<PhoneNumber>, ApiError> {
    number
        .filter(|text| !text.trim().is_empty())
        .map(|text| PhoneNumber::parse(&text))
        .transpose()
        .map_err(|_| ApiError::schema(vec![BAD_NUMBER.to_owned()]))
}

/// Wishes the instance connected unless that is already under way, and waits for something
/// to show.
pub(super) async fn open(
    state: &ApiState,
    row: Instance,
    phone: Option<PhoneNumber>,
) -> Result<ConnectReply, ApiError> {
    if row.business.is_some() {
        return Ok(ConnectReply::always_open(&row));
    }
    let wait = state.options().connect_wait;
    let row = if is_under_way(&row, phone.as_ref()) {
        row
    } else {
        wish(state, &row, phone).await?
    };
    if row.observed.generation != row.generation {
        commands::nudge(state, &row, false).await;
    }
    let (row, progress) = pairing::wait_for_progress(state, row, wait).await?;
    pairing::reply(&row, progress)
}

/// Whether a new wish would only disturb the one that runs: clients poll this route. Without
/// a number any pairing will do, since QR codes stay valid beside a pairing code.
fn is_under_way(row: &Instance, phone: Option<&PhoneNumber>) -> bool {
    let answered = row.observed.generation == row.generation;
    let is_open = answered && row.observed.state == ConnectionState::Open;
    let gave_up = answered && row.observed.state == ConnectionState::Close;
    let same_pairing = match (phone, &row.pairing) {
        (None, _) => true,
        (Some(wanted), Pairing::Code { phone }) => wanted == phone,
        (Some(_), Pairing::Qr) => false,
    };
    row.desired == Desired::Connected && !gave_up && (is_open || same_pairing)
}

async fn wish(
    state: &ApiState,
    row: &Instance,
    phone: Option<PhoneNumber>,
) -> Result<Instance, ApiError> {
    let pairing = phone.map_or(Pairing::Qr, |phone| Pairing::Code { phone });
    let registry = state.registry();
    registry
        .set_desired(&row.name, row.id, Desired::Connected, Some(&pairing))
        .await
        .map_err(|error| gone(error, &row.name))
}

#[cfg(test)]
mod tests {
    use pombal_domain::instance::Observed;
    use pombal_domain::time::UnixMs;

    use super::*;

    #[test]
    fn polling_does_not_disturb() {
        let phone = PhoneNumber::parse("5511999990001").unwrap();
        let code = Pairing::Code {
            phone: phone.clone(),
        };
        let (connecting, open, close) = (
            ConnectionState::Connecting,
            ConnectionState::Open,
            ConnectionState::Close,
        );
        let (on, off) = (Desired::Connected, Desired::Disconnected);
        for (desired, pairing, state, answered, asked, under_way) in [
            (off, &Pairing::Qr, close, true, None, false),
            (off, &Pairing::Qr, open, true, None, false),
            (on, &Pairing::Qr, close, false, None, true),
            (on, &Pairing::Qr, close, true, None, false),
            (on, &Pairing::Qr, connecting, true, None, true),
            (on, &Pairing::Qr, connecting, true, Some(&phone), false),
            (on, &code, connecting, true, Some(&phone), true),
            (on, &code, connecting, true, None, true),
            (on, &Pairing::Qr, open, true, Some(&phone), true),
        ] {
            let mut row = crate::api::testing::row();
            row.desired = desired;
            row.pairing = pairing.clone();
            row.generation = 2;
            row.observed = Observed {
                state,
                ..Observed::never()
            };
            row.observed.generation = if answered { 2 } else { 1 };
            assert_eq!(
                is_under_way(&row, asked),
                under_way,
                "{desired:?} {pairing:?} {state:?} {answered} {asked:?}"
            );
        }
    }

    #[test]
    fn an_expired_code_is_no_progress() {
        let mut row = crate::api::testing::row();
        row.desired = Desired::Connected;
        row.observed.state = ConnectionState::Connecting;
        row.observed.qr = Some(pombal_domain::QrCode {
            code: Some("2@x".into()),
            base64: None,
            pairing_code: None,
            count: 1,
            expires_at: UnixMs(1000),
        });
        let progress = |row: &Instance, now| pairing::progress(row, UnixMs(now));
        assert!(matches!(progress(&row, 999), pairing::Progress::Code(_)));
        assert!(matches!(progress(&row, 1000), pairing::Progress::Waiting));
        row.pairing = Pairing::Code {
            phone: PhoneNumber::parse("5511999990001").unwrap(),
        };
        assert!(matches!(progress(&row, 999), pairing::Progress::Waiting));
        row.generation = 7;
        row.observed.state = ConnectionState::Close;
        assert!(matches!(progress(&row, 999), pairing::Progress::Waiting));
        row.observed.generation = 7;
        assert!(matches!(progress(&row, 999), pairing::Progress::Closed(_)));
    }
}
