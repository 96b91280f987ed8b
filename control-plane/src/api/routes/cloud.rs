//! The routes of the Cloud API: messages that linked devices can't send yet, templates, and
//! Meta's webhook.

use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post};

use super::Table;
use crate::api::{message, meta, template};

/// Kinds of messages that nobody can send yet.
const UNSUPPORTED: [&str; 4] = ["sendPtv", "sendSticker", "sendStatus", "sendPoll"];

impl Table {
    /// Adds them.
    pub(super) fn cloud(self) -> Self {
        let table = UNSUPPORTED.into_iter().fold(self, |table, route| {
            let refuse = move |row| message::unsupported(route, row);
            table.at(format!("/message/{route}/{{name}}"), post(refuse))
        });
        table
            .at(
                "/message/sendMedia/{name}",
                post(message::send_media).layer(DefaultBodyLimit::disable()),
            )
            .at(
                "/message/sendWhatsAppAudio/{name}",
                post(message::send_audio).layer(DefaultBodyLimit::disable()),
            )
            .at("/message/sendLocation/{name}", post(message::send_location))
            .at("/message/sendContact/{name}", post(message::send_contact))
            .at("/message/sendReaction/{name}", post(message::send_reaction))
            .at("/message/sendButtons/{name}", post(message::send_buttons))
            .at("/message/sendList/{name}", post(message::send_list))
            .at("/message/sendTemplate/{name}", post(message::send_template))
            .at("/template/create/{name}", post(template::create))
            .at("/template/find/{name}", get(template::find))
            .at("/template/edit/{name}", post(template::edit))
            .at("/template/delete/{name}", delete(template::delete))
            .at(
                "/webhook/meta",
                get(meta::verify)
                    .post(meta::receive)
                    .layer(DefaultBodyLimit::max(meta::MAX_WEBHOOK_BYTES)),
            )
    }
}
