//! Waiting for a connection, or for a code to pair with.

use std::time::Duration;

use pombal_domain::time::UnixMs;
use pombal_domain::{Cause, ConnectionState, Desired, Instance, Pairing, QrCode};
use serde::Serialize;

use super::NameAndState;
use crate::api::commands::Poll;
use crate::api::error::ApiError;
use crate::api::state::ApiState;

/// What `connect` and `restart` answer.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(in crate::api) enum ConnectReply {
    /// It is open.
    Open {
        /// Name and state.
        instance: NameAndState,
    },
    /// A code waits to be used.
    Code(CodeReply),
    /// Nothing yet: the client asks again.
    Nothing {
        /// All null.
        #[serde(flatten)]
        code: CodeReply,
        /// Name and state.
        instance: NameAndState,
    },
}

impl ConnectReply {
    /// That of an instance without a socket: there is nothing to wait for.
    pub(super) fn always_open(row: &Instance) -> Self {
        Self::Open {
            instance: NameAndState::of(row),
        }
    }
}

/// The contract's `QrCode`, always with all keys.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct CodeReply {
    pairing_code: Option<String>,
    code: Option<String>,
    base64: Option<String>,
    count: u32,
}

impl From<&QrCode> for CodeReply {
    fn from(qr: &QrCode) -> Self {
        Self {
            pairing_code: qr.pairing_code.clone(),
            code: qr.code.clone(),
            base64: qr.base64.clone(),
            count: qr.count,
        }
    }
}

/// How far the current wish to be connected has got.
#[derive(Debug)]
pub(super) enum Progress {
    /// Logged in.
    Open,
    /// A code waits to be used.
    Code(CodeReply),
    /// It won't connect, for this reason.
    Closed(String),
    /// Nothing that a client could use yet.
    Waiting,
}

/// Reads the progress off the row. What the owner saw before the current wish doesn't count.
pub(super) fn progress(row: &Instance, now: UnixMs) -> Progress {
    let observed = &row.observed;
    if row.desired != Desired::Connected || observed.generation != row.generation {
        return Progress::Waiting;
    }
    match (observed.state, &observed.qr) {
        (ConnectionState::Open, _) => Progress::Open,
        (ConnectionState::Close, _) => Progress::Closed(closed_text(row)),
        (ConnectionState::Connecting, Some(qr)) if is_usable(qr, &row.pairing, now) => {
            Progress::Code(qr.into())
        }
        (ConnectionState::Connecting, _) => Progress::Waiting,
    }
}

fn is_usable(qr: &QrCode, pairing: &Pairing, now: UnixMs) -> bool {
    let complete = match pairing {
        Pairing::Qr => qr.code.is_some() || qr.base64.is_some(),
        Pairing::Code { .. } => qr.pairing_code.is_some(),
    };
    complete && qr.expires_at > now
}

fn closed_text(row: &Instance) -> String {
    let observed = &row.observed;
    let known = observed
        .disconnection
        .as_ref()
        .filter(|d| d.reason == observed.reason);
    known.map(|d| d.text.clone()).unwrap_or_else(|| {
        let cause = Cause::ALL.into_iter().map(Cause::outcome).find(|outcome| {
            outcome.state == ConnectionState::Close && outcome.reason == observed.reason
        });
        cause.map_or_else(
            || format!("status {}", observed.reason.0),
            |c| c.text.to_owned(),
        )
    })
}

/// Polls the row until there is progress or `wait` is over. Returns the row as last seen.
pub(super) async fn wait_for_progress(
    state: &ApiState,
    row: Instance,
    wait: Duration,
) -> Result<(Instance, Progress), ApiError> {
    let mut poll = Poll::new(wait);
    let mut row = row;
    loop {
        match progress(&row, UnixMs::now()) {
            Progress::Waiting if poll.pause().await => {}
            progress => return Ok((row, progress)),
        }
        row = state
            .registry()
            .instance(&row.name)
            .await?
            .filter(|fresh| fresh.id == row.id)
            .ok_or_else(|| ApiError::no_instance(row.name.as_str()))?;
    }
}

/// What the client of `connect` gets to see.
pub(super) fn reply(row: &Instance, progress: Progress) -> Result<ConnectReply, ApiError> {
    let instance = NameAndState::of(row);
    match progress {
        Progress::Open => Ok(ConnectReply::Open { instance }),
        Progress::Code(code) => Ok(ConnectReply::Code(code)),
        Progress::Closed(text) => Err(ApiError::bad_request(format!("connection closed: {text}"))),
        Progress::Waiting if row.observed.state == ConnectionState::Open => {
            Ok(ConnectReply::Open { instance })
        }
        Progress::Waiting => Ok(ConnectReply::Nothing {
            code: CodeReply::default(),
            instance,
        }),
    }
}
