//! `POST /message/sendContact/{name}`.

use axum::extract::State;
use serde_json::{Map, Value, json};

use super::cloud::{Common, Sent, deliver, objects, only_business};
use crate::api::auth::Authorized;
use crate::api::body::Body;
use crate::api::error::ApiError;
use crate::api::fields::Fields;
use crate::api::state::ApiState;
use crate::business::{Draft, Shown, ShownContact, ShownContacts, vcard};

/// Longest field of a contact in characters.
const MAX_CHARS: usize = 1024;
/// Shortest phone number, as the original's schema has it.
const MIN_NUMBER_CHARS: usize = 10;

pub(in crate::api) async fn send_contact(
    State(state): State<ApiState>,
    Authorized(row): Authorized,
    Body(body): Body,
) -> Result<Sent, ApiError> {
    only_business(&row, "sendContact")?;
    let (common, draft) = parse(&body)?;
    deliver(&state, &row, common, draft).await
}

fn parse(body: &Map<String, Value>) -> Result<(Common, Draft), ApiError> {
    let mut fields = Fields::root(body);
    let common = Common::read(&mut fields, body);
    let contacts = objects(&mut fields, "contact", contact);
    fields.require("contact");
    fields.finish()?;
    let card = |contact| ShownContact {
        display_name: vcard::display_name(contact),
        vcard: vcard::of(contact),
    };
    let cards: Vec<ShownContact> = contacts.iter().map(card).collect();
    let shown = match <[ShownContact; 1]>::try_from(cards) {
        Ok([card]) => Shown::ContactMessage(card),
        Err(cards) => Shown::ContactsArrayMessage(ShownContacts {
            display_name: format!("{} contacts", cards.len()),
            contacts: cards,
        }),
    };
    Ok((
        common,
        Draft::new("contacts", Value::Array(contacts), shown),
    ))
}

/// One contact, as Meta wants it:
/// <https://developers.facebook.com/docs/whatsapp/cloud-api/messages/contacts-messages>.
fn contact(fields: &mut Fields<'_>) -> Value {
    let name = fields.string("fullName", MAX_CHARS);
    let phone = number(fields, "phoneNumber");
    let wuid = number(fields, "wuid");
    let [organization, email, url] =
        ["organization", "email", "url"].map(|name| fields.string(name, MAX_CHARS));
    fields.require("fullName");
    fields.require("phoneNumber");
    let name = name.unwrap_or_default();
    let phone = phone.unwrap_or_default();
    let digits: String = wuid
        .as_ref()
        .unwrap_or(&phone)
        .chars()
        .take_while(|c| *c != '@')
        .filter(char::is_ascii_digit)
        .collect();
    let first = name.split_whitespace().next().unwrap_or_default();
    let mut contact = json!({
        "name": { "formatted_name": name, "first_name": first },
        "phones": [{ "phone": phone, "wa_id": digits }],
    });
    if let Some(company) = organization {
        contact["org"] = json!({ "company": company });
    }
    if let Some(email) = email {
        contact["emails"] = json!([{ "email": email }]);
    }
    if let Some(url) = url {
        contact["urls"] = json!([{ "url": url }]);
    }
    contact
}

fn number(fields: &mut Fields<'_>, name: &str) -> Option<String> {
    let text = fields.string(name, MAX_CHARS)?;
    if text.chars().count() < MIN_NUMBER_CHARS {
        let path = fields.path(name);
        fields.violate(format!(
            "{path} does not meet minimum length of {MIN_NUMBER_CHARS}"
        ));
    }
    Some(text)
}
