//! The instance controller (contract § 2.2).

mod connect;
mod connection_state;
mod create;
mod create_reply;
mod create_request;
mod delete;
mod describe;
mod fetch;
mod fetch_query;
mod fetch_row;
mod logout;
mod pairing;
mod presence;
mod restart;
mod rotate;

pub(super) use connect::{connect, connect_post};
pub(super) use connection_state::connection_state;
pub(super) use create::create;
pub(super) use delete::delete;
pub(super) use describe::describe;
pub(super) use fetch::{NEXT_CURSOR, fetch_instances};
pub(super) use logout::logout;
pub(super) use presence::set_presence;
pub(super) use restart::restart;
pub(super) use rotate::rotate_token;

use pombal_domain::{ConnectionState, Instance, InstanceName};
use serde::Serialize;

/// `{instanceName, state}`, in many replies.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NameAndState {
    instance_name: InstanceName,
    state: ConnectionState,
}

impl NameAndState {
    fn of(row: &Instance) -> Self {
        Self {
            instance_name: row.name.clone(),
            state: row.observed.state,
        }
    }
}

/// The reply of logout and delete.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Outcome {
    status: &'static str,
    error: bool,
    response: OutcomeText,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct OutcomeText {
    message: &'static str,
}

impl Outcome {
    const fn success(message: &'static str) -> Self {
        Self {
            status: "SUCCESS",
            error: false,
            response: OutcomeText { message },
        }
    }

    const fn pending(message: &'static str) -> Self {
        Self {
            status: "PENDING",
            error: false,
            response: OutcomeText { message },
        }
    }
}
