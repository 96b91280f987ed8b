//! `POST /message/sendReaction/{name}`.

use axum::extract::State;
use pombal_domain::MessageId;
use pombal_domain::event::MessageKey;
use serde_json::{Map, Value, json};

use super::cloud::{Common, Sent, deliver, only_business};
use super::emoji;
use crate::api::auth::Authorized;
use crate::api::body::Body;
use crate::api::error::ApiError;
use crate::api::fields::Fields;
use crate::api::state::ApiState;
use crate::business::{Draft, Shown, ShownReaction};

/// Longest id and JID in characters.
const MAX_CHARS: usize = 512;
const NO_EMOJI: &str = "Reaction must be a single emoji or empty string";

pub(in crate::api) async fn send_reaction(
    State(state): State<ApiState>,
    Authorized(row): Authorized,
    Body(body): Body,
) -> Result<Sent, ApiError> {
    only_business(&row, "sendReaction")?;
    let (common, draft) = parse(&body)?;
    deliver(&state, &row, common, draft).await
}

fn parse(body: &Map<String, Value>) -> Result<(Common, Draft), ApiError> {
    let mut fields = Fields::root(body);
    let key = fields.object("key");
    let reaction = fields.string("reaction", MAX_CHARS);
    let (mut id, mut chat, mut own) = (None, None, None);
    if let Some(key) = key {
        let mut of_key = Fields::nested(key, "key");
        id = of_key.string("id", MAX_CHARS);
        chat = of_key.string("remoteJid", MAX_CHARS);
        own = of_key.bool("fromMe");
        for required in ["id", "remoteJid", "fromMe"] {
            of_key.require(required);
        }
        fields.absorb(of_key);
    }
    fields.require("key");
    fields.require("reaction");
    fields.finish()?;
    let (id, reaction) = (id.unwrap_or_default(), reaction.unwrap_or_default());
    if !reaction.is_empty() && !emoji::is_one(&reaction) {
        return Err(ApiError::bad_request(NO_EMOJI));
    }
    let sent = json!({ "message_id": id, "emoji": reaction });
    let chat = chat.unwrap_or_default();
    let shown = ShownReaction {
        key: MessageKey {
            remote_jid: chat.clone(),
            remote_jid_alt: None,
            from_me: own.unwrap_or_default(),
            id: MessageId::from_wire(id),
            participant: None,
            participant_alt: None,
            addressing_mode: None,
        },
        text: reaction,
    };
    let draft = Draft::new("reaction", sent, Shown::ReactionMessage(shown));
    Ok((Common::to(chat), draft))
}
