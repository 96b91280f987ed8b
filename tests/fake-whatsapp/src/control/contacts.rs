//! Simulated phones: making them, writing with them, reading them.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::reply::{Reply, ok};
use crate::error::Error;
use crate::phone::draft::Draft;
use crate::phone::held::InboxItem;
use crate::server::FakeWhatsApp;
use crate::world::api::ContactInfo;

#[derive(Deserialize)]
pub(super) struct NewContact {
    phone: String,
    name: String,
    echo: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct Outgoing {
    /// A phone number, or the JID of a group.
    to: String,
    /// A plain text.
    text: Option<String>,
    /// Or a message of any kind.
    message: Option<Draft>,
    id: Option<String>,
}

pub(super) async fn list(State(server): State<FakeWhatsApp>) -> Json<Vec<ContactInfo>> {
    Json(server.contacts().await)
}

pub(super) async fn add(
    State(server): State<FakeWhatsApp>,
    Json(body): Json<NewContact>,
) -> Reply<Value> {
    server
        .add_contact(&body.phone, &body.name, body.echo.unwrap_or(false))
        .await?;
    Ok(ok())
}

pub(super) async fn send(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
    Json(body): Json<Outgoing>,
) -> Reply<Value> {
    let (to, id) = (body.to.as_str(), body.id.as_deref());
    let id = match (&body.message, &body.text) {
        (Some(draft), None) => server.send_draft(&phone, to, draft, id).await?,
        (None, Some(text)) => server.send_from_phone(&phone, to, text, id).await?,
        _ => {
            let what = "either a text or a message is needed".to_owned();
            return Err(Error::BadRequest(what).into());
        }
    };
    Ok(Json(json!({"id": id})))
}

pub(super) async fn inbox(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
) -> Reply<Vec<InboxItem>> {
    Ok(Json(server.inbox(&phone).await?))
}
