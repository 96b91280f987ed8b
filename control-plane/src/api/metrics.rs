//! `GET /metrics`: states of all instances, for Prometheus, under the original's names.
//!
//! They are read from the registry page by page: nothing is asked per instance.

mod admission;
mod families;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use pombal_domain::InstanceName;

use super::error::ApiError;
use super::state::ApiState;
use admission::Admitted;
use families::Families;

/// Instances that are read by one query. Their rows stay below the MB at which a query ends by
/// itself, so this tells what an answer costs.
const PAGE: usize = 500;
/// <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) async fn metrics(
    State(state): State<ApiState>,
    _: Admitted,
) -> Result<impl IntoResponse, ApiError> {
    let failed = |error: prometheus::Error| ApiError::internal(error);
    let families = Families::new(&state.options().server_url).map_err(failed)?;
    let mut after: Option<InstanceName> = None;
    loop {
        let page = state
            .registry()
            .list_instances(after.as_ref(), PAGE)
            .await?;
        for row in &page {
            families.show(row).map_err(failed)?;
        }
        if page.len() < PAGE {
            break;
        }
        after = page.into_iter().next_back().map(|row| row.name);
    }
    let text = families.text().map_err(failed)?;
    let headers = [(CONTENT_TYPE, TEXT_FORMAT), (CACHE_CONTROL, "no-store")];
    Ok((headers, text))
}
