//! `GET /healthz`, and who asks for it.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use pombal_connector::{Report, Status};

use crate::cli::HealthArgs;

/// Longest wait for an answer of a process on the same machine.
const PATIENCE: Duration = Duration::from_secs(3);

/// The connector is not as it should be.
#[derive(Debug, thiserror::Error)]
enum Unwell {
    #[error("the connector does not answer")]
    Silent(#[source] reqwest::Error),
    #[error("{0}")]
    Says(String),
}

/// Answers 200 while every shard is served, and 503 with a reason otherwise.
pub(crate) fn router(status: Status) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .with_state(status)
}

async fn healthz(State(status): State<Status>) -> (StatusCode, Json<Report>) {
    let report = status.report();
    let code = match report.reason {
        None => StatusCode::OK,
        Some(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    (code, Json(report))
}

/// Asks the connector that listens on `address`: the subcommand `health`.
pub(crate) async fn ask(address: SocketAddr, args: HealthArgs) -> Result<(), Box<dyn Error>> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .build()?;
    let url = format!("http://{}/healthz", reachable(address));
    let answer = client.get(url).send().await.map_err(Unwell::Silent)?;
    let well = answer.status().is_success();
    let report: Report = answer.json().await.map_err(Unwell::Silent)?;
    if well || args.alive {
        return Ok(());
    }
    Err(Unwell::Says(report.reason.unwrap_or_default()).into())
}

/// A server that listens on every address is asked on this machine's own.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}
