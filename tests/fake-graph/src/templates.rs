//! Message templates of an account.
//!
//! <https://developers.facebook.com/docs/graph-api/reference/whats-app-business-account/message_templates>

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::error::json_of;
use crate::server::Shared;
use crate::{GraphError, Route};

pub(crate) async fn create(
    State(shared): State<Arc<Shared>>,
    Path((_, account)): Path<(String, String)>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let work = || make(&shared, &headers, &account, &body);
    shared.faults.around(Route::Templates, work).await
}

fn make(
    shared: &Shared,
    headers: &HeaderMap,
    account: &str,
    body: &str,
) -> Result<Response, GraphError> {
    shared.authorised(headers, account)?;
    let asked = json_of(body)?;
    for required in ["name", "language", "category"] {
        if !asked[required].is_string() {
            return Err(GraphError::parameter(&format!("{required} is missing")));
        }
    }
    let id = shared.new_id();
    let mut world = shared.world.lock().unwrap();
    let all = world.templates.entry(account.to_owned()).or_default();
    let twin =
        |other: &Value| other["name"] == asked["name"] && other["language"] == asked["language"];
    if all.iter().any(twin) {
        return Err(GraphError::new(400, 100, "Invalid parameter").for_people(
            2_388_024,
            "Content in this language already exists",
            "There is already content in this language for this template.",
        ));
    }
    let mut made = asked.clone();
    made["id"] = json!(id);
    made["status"] = json!("PENDING");
    all.push(made);
    let answer = json!({ "id": id, "status": "PENDING", "category": asked["category"] });
    Ok(Json(answer).into_response())
}

pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Path((_, account)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let work = || {
        shared.authorised(&headers, &account)?;
        let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
        let (limit, start) = (number("limit").unwrap_or(25), number("after").unwrap_or(0));
        let world = shared.world.lock().unwrap();
        let all = world.templates.get(&account).map_or(&[][..], Vec::as_slice);
        let page: Vec<_> = all.iter().skip(start).take(limit).collect();
        let end = start + page.len();
        let mut paging = json!({
            "cursors": { "before": start.to_string(), "after": end.to_string() },
        });
        if end < all.len() {
            paging["next"] = json!(format!("{}/next", shared.url));
        }
        Ok(Json(json!({ "data": page, "paging": paging })).into_response())
    };
    shared.faults.around(Route::Templates, work).await
}

pub(crate) async fn edit(
    State(shared): State<Arc<Shared>>,
    Path((_, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let work = || {
        let numbers = shared.numbers_of(&headers)?;
        let asked = json_of(&body)?;
        let mut world = shared.world.lock().unwrap();
        let own = |account: &String| numbers.iter().any(|number| number.account == *account);
        let template = world
            .templates
            .iter_mut()
            .filter(|(account, _)| own(account))
            .flat_map(|(_, all)| all)
            .find(|template| template["id"] == *id)
            .ok_or_else(|| GraphError::object(&id))?;
        for field in ["category", "components"] {
            if !asked[field].is_null() {
                template[field] = asked[field].clone();
            }
        }
        Ok(Json(json!({ "success": true })).into_response())
    };
    shared.faults.around(Route::Templates, work).await
}

pub(crate) async fn delete(
    State(shared): State<Arc<Shared>>,
    Path((_, account)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let work = || {
        shared.authorised(&headers, &account)?;
        let mut world = shared.world.lock().unwrap();
        let all = world.templates.entry(account.clone()).or_default();
        let before = all.len();
        all.retain(|template| {
            let same = |field: &str, wanted: &str| {
                query
                    .get(wanted)
                    .is_none_or(|wanted| template[field] == **wanted)
            };
            !(same("name", "name") && same("id", "hsm_id"))
        });
        if all.len() == before {
            return Err(GraphError::parameter("there is no such template"));
        }
        Ok(Json(json!({ "success": true })).into_response())
    };
    shared.faults.around(Route::Templates, work).await
}
