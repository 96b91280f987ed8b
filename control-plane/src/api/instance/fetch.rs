//! `GET /instance/fetchInstances`.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use pombal_domain::{Chain, Instance, InstanceName};

use super::fetch_query::{FetchQuery, cursor};
use super::fetch_row::FetchedInstance;
use crate::api::auth::Caller;
use crate::api::error::ApiError;
use crate::api::proxy::ProxyRow;
use crate::api::state::ApiState;
use crate::api::token;

/// Rows per registry read at most. The registry reads about 1 MB at a time by itself.
const PAGE: usize = 1000;
/// Tokens opened at once: each may cost a call to the key service.
const TOKENS_AT_ONCE: usize = 16;

/// The header that says that there are more, and where they begin.
pub(in crate::api) const NEXT_CURSOR: HeaderName = HeaderName::from_static("x-next-cursor");

/// The instances that the caller may see and asks for, at most `limit` of them after `cursor`.
pub(in crate::api) async fn fetch_instances(
    State(state): State<ApiState>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let query = FetchQuery::parse(query.as_deref().unwrap_or_default())?;
    let (rows, next) = match caller {
        Caller::Global => among_all(&query, &state).await?,
        Caller::Token(row) => (vec![own(&query, *row)?], None),
    };
    let shown: Vec<_> = futures::stream::iter(rows)
        .map(|row| show(&state, row))
        .buffered(TOKENS_AT_ONCE)
        .collect()
        .await;
    let mut response = Json(shown).into_response();
    if let Some(next) = next {
        response.headers_mut().insert(NEXT_CURSOR, next);
    }
    Ok(response)
}

async fn show(state: &ApiState, row: Instance) -> FetchedInstance {
    let token = token::open(state.keys(), &row).await;
    if let Err(error) = &token {
        // One damaged row must not hide the others.
        tracing::error!(instance.id = %row.id, error = %Chain(error), "token not shown");
    }
    let proxy = ProxyRow::of(state, &row).await;
    FetchedInstance::new(row, token.ok().as_ref(), proxy)
}

/// The rows that the holder of the global key asks for, and where the others begin.
async fn among_all(
    query: &FetchQuery,
    state: &ApiState,
) -> Result<(Vec<Instance>, Option<HeaderValue>), ApiError> {
    let registry = state.registry();
    if let Some(id) = &query.id {
        let row = match id.parse() {
            Ok(id) => registry.instance_by_id(id).await?,
            Err(_) => None,
        };
        let row = row.filter(|row| takes(query, row));
        let row = row.ok_or_else(|| not_found(std::slice::from_ref(id)))?;
        return Ok((vec![row], None));
    }
    if query.names.is_empty() {
        let (rows, next) = page(query, state).await?;
        return match &query.number {
            Some(number) if rows.is_empty() => Err(not_found(std::slice::from_ref(number))),
            _ => Ok((rows, next)),
        };
    }
    let (mut rows, mut missing) = (Vec::new(), Vec::new());
    for name in &query.names {
        let row = match InstanceName::parse(name) {
            Ok(name) => registry.instance(&name).await?,
            Err(_) => None,
        };
        match row.filter(|row| takes(query, row)) {
            Some(row) => rows.push(row),
            None => missing.push(name.clone()),
        }
    }
    match &query.number {
        _ if missing.is_empty() => Ok((rows, None)),
        Some(number) => Err(not_found(std::slice::from_ref(number))),
        None => Err(not_found(&missing)),
    }
}

/// The caller's own row. Names and ids of others are nothing to learn about.
fn own(query: &FetchQuery, row: Instance) -> Result<Instance, ApiError> {
    if !is_named(query, &row) {
        return Err(ApiError::unauthorized());
    }
    match &query.number {
        Some(number) if !takes(query, &row) => Err(not_found(std::slice::from_ref(number))),
        _ => Ok(row),
    }
}

/// Whether the query names only `row`, if it names any.
fn is_named(query: &FetchQuery, row: &Instance) -> bool {
    let names = query.names.iter().all(|name| name == row.name.as_str());
    let id = query.id.as_ref();
    names && id.is_none_or(|id| id.parse().ok() == Some(row.id))
}

fn takes(query: &FetchQuery, row: &Instance) -> bool {
    let own = row.shown_number();
    let named = query.names.is_empty() || query.names.iter().any(|n| n == row.name.as_str());
    let id = query.id.as_ref();
    named
        && id.is_none_or(|id| id.parse().ok() == Some(row.id))
        && query
            .number
            .as_deref()
            .is_none_or(|number| own == Some(number))
}

/// Up to `limit` rows in the order of names, and where the next page begins if there is one.
async fn page(
    query: &FetchQuery,
    state: &ApiState,
) -> Result<(Vec<Instance>, Option<HeaderValue>), ApiError> {
    let mut rows: Vec<Instance> = Vec::new();
    let mut after = query.after.clone();
    // One more than is shown tells whether there is another page. A filter may leave few of
    // many.
    let size = match query.number {
        Some(_) => PAGE,
        None => PAGE.min(query.limit + 1),
    };
    while rows.len() <= query.limit {
        let read = state
            .registry()
            .list_instances(after.as_ref(), size)
            .await?;
        let is_last = read.len() < size;
        after = read.last().map(|row| row.name.clone());
        rows.extend(read.into_iter().filter(|row| takes(query, row)));
        if is_last {
            break;
        }
    }
    if rows.len() <= query.limit {
        return Ok((rows, None));
    }
    rows.truncate(query.limit);
    let next = rows.last().and_then(|row| cursor(&row.name));
    Ok((rows, next))
}

fn not_found(wanted: &[String]) -> ApiError {
    let plural = if wanted.len() > 1 { "s" } else { "" };
    let wanted = wanted.join(", ");
    ApiError::not_found(format!("Instance{plural} \"{wanted}\" not found"))
}
