//! `DELETE /instance/logout/{name}`: unlink the device from the account.

use axum::Json;
use axum::extract::State;
use pombal_domain::{Cause, ConnectionState, Desired, Instance, Reply};

use super::Outcome;
use crate::api::auth::Authorized;
use crate::api::commands;
use crate::api::error::{ApiError, gone};
use crate::api::state::ApiState;

pub(in crate::api) async fn logout(
    State(state): State<ApiState>,
    Authorized(row): Authorized,
) -> Result<Json<Outcome>, ApiError> {
    if row.business.is_some() {
        // No device is linked, and Meta goes on taking and sending its messages.
        return Err(ApiError::not_on_business());
    }
    if !has_something_to_log_out(&row) {
        let text = format!("The \"{}\" instance is not connected", row.name);
        return Err(ApiError::bad_request(text));
    }
    let row = state
        .registry()
        .set_desired(&row.name, row.id, Desired::LoggedOut, None)
        .await
        .map_err(|error| gone(error, &row.name))?;
    let reply = match commands::nudge(&state, &row, true).await {
        Some(command) if commands::is_anybody_there(&state).await => {
            commands::reply(&state, command, state.options().logout_wait).await?
        }
        _ => None,
    };
    match reply {
        Some(Reply::Failed { message }) => Err(ApiError::bad_request(message)),
        Some(Reply::TimedOut) | None => Ok(Json(Outcome::pending("Instance logout is pending"))),
        Some(_) => Ok(Json(Outcome::success("Instance logged out"))),
    }
}

/// A socket, a wish for one that nobody has answered yet, or a session that is kept.
fn has_something_to_log_out(row: &Instance) -> bool {
    let observed = &row.observed;
    let is_alive = observed.state != ConnectionState::Close;
    let will_connect = row.desired == Desired::Connected && observed.generation != row.generation;
    let has_session = observed.owner_jid.is_some()
        && row.desired != Desired::LoggedOut
        && observed.reason != Cause::LoggedOut.outcome().reason;
    is_alive || will_connect || has_session
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logout_needs_a_connection_or_a_session() {
        let mut row = crate::api::testing::row();
        assert!(!has_something_to_log_out(&row));
        row.observed.state = ConnectionState::Connecting;
        assert!(has_something_to_log_out(&row));
        row.observed.state = ConnectionState::Close;
        row.observed.owner_jid = Some("5511999990001@s.whatsapp.net".into());
        assert!(has_something_to_log_out(&row));
        row.observed.reason = Cause::LoggedOut.outcome().reason;
        assert!(!has_something_to_log_out(&row));
        row.desired = Desired::Connected;
        row.generation += 1;
        assert!(has_something_to_log_out(&row));
        row.desired = Desired::LoggedOut;
        assert!(!has_something_to_log_out(&row));
    }
}
