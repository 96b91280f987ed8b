//! `GET /instance/fetchInstances`.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use futures::StreamExt;
use pombal_domain::{Instance, InstanceName, PhoneNumber};
use serde::Deserialize;

use super::fetch_row::FetchedInstance;
use crate::api::auth::Caller;
use crate::api::error::ApiError;
use crate::api::state::ApiState;
use crate::api::token;
use pombal_domain::Chain;

/// Rows per registry read.
const PAGE: usize = 100;
/// Tokens opened at once: each may cost a call to the key service.
const TOKENS_AT_ONCE: usize = 16;

/// Filters; empty ones don't count.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct FetchQuery {
    instance_name: Option<String>,
    instance_id: Option<String>,
    number: Option<String>,
}

pub(in crate::api) async fn fetch_instances(
    State(state): State<ApiState>,
    caller: Caller,
    query: Result<Query<FetchQuery>, QueryRejection>,
) -> Result<Json<Vec<FetchedInstance>>, ApiError> {
    let filter = query
        .map(|Query(query)| query)
        .unwrap_or_default()
        .without_empty();
    let rows = match caller {
        Caller::Global => filter.among_all(&state).await?,
        Caller::Token(row) => vec![filter.own(*row)?],
    };
    let shown = futures::stream::iter(rows)
        .map(|row| show(&state, row))
        .buffered(TOKENS_AT_ONCE)
        .collect()
        .await;
    Ok(Json(shown))
}

async fn show(state: &ApiState, row: Instance) -> FetchedInstance {
    let token = token::open(state.keys(), &row).await;
    if let Err(error) = &token {
        // One damaged row must not hide the others.
        tracing::error!(instance.id = %row.id, error = %Chain(error), "token not shown");
    }
    FetchedInstance::new(row, token.ok().as_ref())
}

impl FetchQuery {
    fn without_empty(self) -> Self {
        let some = |text: Option<String>| text.filter(|t| !t.is_empty());
        Self {
            instance_name: some(self.instance_name),
            instance_id: some(self.instance_id),
            number: some(self.number),
        }
    }

    /// The rows that the holder of the global key asks for.
    async fn among_all(&self, state: &ApiState) -> Result<Vec<Instance>, ApiError> {
        let registry = state.registry();
        let wanted = self
            .instance_id
            .as_ref()
            .or(self.number.as_ref())
            .or(self.instance_name.as_ref());
        let rows = if let Some(id) = &self.instance_id {
            let row = match id.parse() {
                Ok(id) => registry.instance_by_id(id).await?,
                Err(_) => None,
            };
            Vec::from_iter(row)
        } else if let Some(name) = &self.instance_name {
            let row = match InstanceName::parse(name) {
                Ok(name) => registry.instance(&name).await?,
                Err(_) => None,
            };
            Vec::from_iter(row)
        } else {
            all(state).await?
        };
        let rows: Vec<_> = rows.into_iter().filter(|row| self.takes(row)).collect();
        match wanted {
            Some(wanted) if rows.is_empty() => Err(not_found(wanted)),
            _ => Ok(rows),
        }
    }

    /// The caller's own row. Names and ids of others are nothing to learn about.
    fn own(&self, row: Instance) -> Result<Instance, ApiError> {
        if !self.names(&row) {
            return Err(ApiError::unauthorized());
        }
        match &self.number {
            Some(number) if !self.takes(&row) => Err(not_found(number)),
            _ => Ok(row),
        }
    }

    fn names(&self, row: &Instance) -> bool {
        let name = self
            .instance_name
            .as_ref()
            .is_none_or(|name| name == row.name.as_str());
        let id = self
            .instance_id
            .as_ref()
            .is_none_or(|id| id.parse().ok() == Some(row.id));
        name && id
    }

    fn takes(&self, row: &Instance) -> bool {
        let own = row.number.as_ref().map(PhoneNumber::as_str);
        self.names(row)
            && self
                .number
                .as_deref()
                .is_none_or(|number| own == Some(number))
    }
}

async fn all(state: &ApiState) -> Result<Vec<Instance>, ApiError> {
    let mut rows: Vec<Instance> = Vec::new();
    loop {
        let after = rows.last().map(|row| row.name.clone());
        let page = state
            .registry()
            .list_instances(after.as_ref(), PAGE)
            .await?;
        let is_last = page.len() < PAGE;
        rows.extend(page);
        if is_last {
            return Ok(rows);
        }
    }
}

fn not_found(wanted: &str) -> ApiError {
    ApiError::not_found(format!("Instance \"{wanted}\" not found"))
}
