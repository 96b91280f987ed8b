//! `POST /<number>/messages`.
//!
//! <https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages>

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::error::json_of;
use crate::server::Shared;
use crate::{GraphError, Route};

/// Longest text in characters.
const MAX_TEXT: usize = 4096;
/// Brazilian mobiles of most areas are known without their ninth digit.
const NINTH_DIGIT: (&str, usize) = ("55", 13);

pub(crate) async fn send(
    State(shared): State<Arc<Shared>>,
    Path((_, number)): Path<(String, String)>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let work = || take(&shared, &headers, &number, &body);
    shared.faults.around(Route::Messages, work).await
}

fn take(
    shared: &Shared,
    headers: &HeaderMap,
    number: &str,
    body: &str,
) -> Result<Response, GraphError> {
    shared.authorised(headers, number)?;
    let message = json_of(body)?;
    check(shared, number, &message)?;
    let to = message["to"].as_str().unwrap_or_default();
    let id = format!("wamid.{}", shared.new_id());
    let answer = json!({
        "messaging_product": "whatsapp",
        "contacts": [{ "input": to, "wa_id": account_of(to) }],
        "messages": [{ "id": id }],
    });
    let mut world = shared.world.lock().unwrap();
    let sent = world.sent.entry(number.to_owned()).or_default();
    sent.push(message);
    Ok(Json(answer).into_response())
}

fn check(shared: &Shared, number: &str, message: &Value) -> Result<(), GraphError> {
    let wrong = |details: &str| Err(GraphError::parameter(details));
    if message["messaging_product"] != "whatsapp" {
        return wrong("messaging_product must be whatsapp");
    }
    let to = message["to"].as_str().unwrap_or_default();
    if to.len() < 5 || !to.bytes().all(|b| b.is_ascii_digit()) {
        return wrong("to is not a phone number");
    }
    let Some(kind) = message["type"].as_str() else {
        return wrong("type is missing");
    };
    let content = &message[kind];
    if !(content.is_object() || kind == "contacts" && content.is_array()) {
        return wrong("the content of the type is missing");
    }
    match kind {
        "text" => {
            let text = content["body"].as_str().unwrap_or_default();
            if text.is_empty() || text.chars().count() > MAX_TEXT {
                return wrong("text.body must have 1 to 4096 characters");
            }
        }
        "image" | "video" | "audio" | "document" | "sticker" => medium(shared, number, content)?,
        "location" if !(content["latitude"].is_number() && content["longitude"].is_number()) => {
            return wrong("latitude and longitude must be numbers");
        }
        "contacts" if content.as_array().is_none_or(Vec::is_empty) => {
            return wrong("contacts must not be empty");
        }
        "reaction" if !(content["message_id"].is_string() && content["emoji"].is_string()) => {
            return wrong("a reaction has message_id and emoji");
        }
        "interactive" => interactive(content)?,
        "template" => template(shared, number, content)?,
        "location" | "contacts" | "reaction" => {}
        _ => return wrong("type is not known"),
    }
    Ok(())
}

/// Either an address or the id of something that this number has uploaded.
fn medium(shared: &Shared, number: &str, content: &Value) -> Result<(), GraphError> {
    match (content["link"].as_str(), content["id"].as_str()) {
        (Some(link), None) if link.starts_with("http") => Ok(()),
        (None, Some(id)) => {
            let world = shared.world.lock().unwrap();
            let own = world.media.get(id).filter(|medium| medium.number == number);
            own.map(|_| ())
                .ok_or_else(|| GraphError::parameter("the media id is not known"))
        }
        _ => Err(GraphError::parameter("either link or id")),
    }
}

fn interactive(content: &Value) -> Result<(), GraphError> {
    let action = &content["action"];
    let is_whole = match content["type"].as_str() {
        Some("button") => {
            let buttons = action["buttons"].as_array();
            buttons.is_some_and(|buttons| (1..=3).contains(&buttons.len()))
        }
        Some("list") => action["button"].is_string() && action["sections"].is_array(),
        Some("cta_url") => action["parameters"]["url"].is_string(),
        _ => false,
    };
    if is_whole && content["body"]["text"].is_string() {
        return Ok(());
    }
    Err(GraphError::parameter("interactive is not whole"))
}

/// A template must be there, in this language. One that nobody made is there for everybody.
fn template(shared: &Shared, number: &str, content: &Value) -> Result<(), GraphError> {
    let (name, code) = (&content["name"], &content["language"]["code"]);
    let world = shared.world.lock().unwrap();
    let account = world.numbers.iter().find(|it| it.id == number);
    let templates = account.and_then(|it| world.templates.get(&it.account));
    let found = templates
        .into_iter()
        .flatten()
        .any(|template| template["name"] == *name && template["language"] == *code);
    if found || *name == "hello_world" {
        return Ok(());
    }
    Err(GraphError::new(
        404,
        132_001,
        "Template name does not exist in the translation",
    )
    .details("template name does not exist"))
}

/// The account of a number as people write it.
fn account_of(to: &str) -> String {
    let (country, digits) = NINTH_DIGIT;
    let area: u32 = to.get(2..4).and_then(|area| area.parse().ok()).unwrap_or(0);
    if to.starts_with(country) && to.len() == digits && area >= 31 {
        return format!("{}{}", &to[..4], &to[5..]);
    }
    to.to_owned()
}
