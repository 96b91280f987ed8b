//! `POST /message/sendButtons/{name}`.

use axum::extract::State;
use serde_json::{Map, Value, json};

use super::cloud::{Common, Sent, deliver, objects, only_business};
use crate::api::auth::Authorized;
use crate::api::body::Body;
use crate::api::error::ApiError;
use crate::api::fields::Fields;
use crate::api::state::ApiState;
use crate::business::{Draft, Shown, ShownButtons};

/// Longest text in characters: a message's body in the Cloud API.
const MAX_CHARS: usize = 4096;
/// Kinds of buttons in the contract.
const KINDS: [&str; 5] = ["reply", "copy", "url", "call", "pix"];
/// Most reply buttons, in the contract and in the Cloud API.
const MAX_REPLIES: usize = 3;

#[derive(Debug, Default)]
struct Button {
    kind: String,
    text: String,
    id: Option<String>,
    url: Option<String>,
}

pub(in crate::api) async fn send_buttons(
    State(state): State<ApiState>,
    Authorized(row): Authorized,
    Body(body): Body,
) -> Result<Sent, ApiError> {
    only_business(&row, "sendButtons")?;
    let (common, draft) = parse(&body)?;
    deliver(&state, &row, common, draft).await
}

fn parse(body: &Map<String, Value>) -> Result<(Common, Draft), ApiError> {
    let mut fields = Fields::root(body);
    let common = Common::read(&mut fields, body);
    let [title, description, footer, picture] = ["title", "description", "footer", "thumbnailUrl"]
        .map(|name| {
            fields
                .string(name, MAX_CHARS)
                .filter(|text| !text.is_empty())
        });
    let asked = fields.get("buttons").and_then(Value::as_array);
    // An empty list has a text of its own.
    let buttons = match asked {
        Some(asked) if asked.is_empty() => Vec::new(),
        _ => objects(&mut fields, "buttons", button),
    };
    fields.finish()?;
    let mut sent = action(&buttons)?;
    let text = description.as_ref().or(title.as_ref());
    sent["body"] = json!({ "text": text });
    if let Some(link) = &picture {
        sent["header"] = json!({ "type": "image", "image": { "link": link } });
    } else if let (Some(title), Some(_)) = (&title, &description) {
        sent["header"] = json!({ "type": "text", "text": title });
    }
    if let Some(footer) = &footer {
        sent["footer"] = json!({ "text": footer });
    }
    let shown = ShownButtons {
        title,
        content_text: description,
        footer_text: footer,
        buttons: asked.cloned().unwrap_or_default(),
    };
    let draft = Draft::new("interactive", sent, Shown::ButtonsMessage(shown));
    Ok((common, draft))
}

fn button(fields: &mut Fields<'_>) -> Button {
    let [kind, text, id, url] =
        ["type", "displayText", "id", "url"].map(|name| fields.string(name, MAX_CHARS));
    if kind
        .as_ref()
        .is_some_and(|kind| !KINDS.contains(&kind.as_str()))
    {
        let path = fields.path("type");
        fields.violate(format!(
            "{path} is not one of enum values: {}",
            KINDS.join(",")
        ));
    }
    fields.require("type");
    Button {
        kind: kind.unwrap_or_default(),
        text: text.unwrap_or_default(),
        id,
        url,
    }
}

/// Type and action of the message. The Cloud API has replies, or one link; no codes to copy,
/// calls and payments.
fn action(buttons: &[Button]) -> Result<Value, ApiError> {
    let of = |kind: &str| buttons.iter().filter(|button| button.kind == kind).count();
    let (replies, pix) = (of("reply"), of("pix"));
    let mistake = if buttons.is_empty() {
        Some("At least one button is required")
    } else if replies > MAX_REPLIES {
        Some("Maximum of 3 reply buttons allowed")
    } else if replies > 0 && replies < buttons.len() {
        Some("Reply buttons cannot be mixed with other button types")
    } else if pix > 1 {
        Some("Only one PIX button is allowed")
    } else if pix > 0 && buttons.len() > 1 {
        Some("PIX button cannot be mixed with other button types")
    } else {
        None
    };
    if let Some(mistake) = mistake {
        return Err(ApiError::bad_request(mistake));
    }
    match buttons {
        [link] if link.kind == "url" => Ok(json!({
            "type": "cta_url",
            "action": {
                "name": "cta_url",
                "parameters": { "display_text": link.text, "url": link.url },
            },
        })),
        replies if replies.iter().all(|button| button.kind == "reply") => {
            let replies: Vec<_> = replies
                .iter()
                .map(|button| {
                    let id = button.id.as_ref().unwrap_or(&button.text);
                    json!({ "type": "reply", "reply": { "id": id, "title": button.text } })
                })
                .collect();
            Ok(json!({ "type": "button", "action": { "buttons": replies } }))
        }
        _ => Err(ApiError::not_on_business()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buttons(kinds: &[&str]) -> Vec<Button> {
        kinds
            .iter()
            .map(|kind| Button {
                kind: (*kind).to_owned(),
                ..Button::default()
            })
            .collect()
    }

    #[test]
    fn only_what_fits_together_is_taken() {
        for (kinds, taken) in [
            (&[] as &[&str], None),
            (&["reply", "reply", "reply"], Some("button")),
            (&["reply", "reply", "reply", "reply"], None),
            (&["reply", "url"], None),
            (&["pix", "pix"], None),
            (&["url"], Some("cta_url")),
            (&["copy"], None),
        ] {
            let action = action(&buttons(kinds)).ok();
            let kind = action.as_ref().and_then(|action| action["type"].as_str());
            assert_eq!(kind, taken, "{kinds:?}");
        }
    }
}
