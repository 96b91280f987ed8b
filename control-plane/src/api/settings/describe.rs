//! The settings controller, described.

use pombal_domain::Settings;
use serde_json::json;
use utoipa::ToSchema;

use super::SetReply;
use crate::api::openapi::{Document, Get, Post, Put, instance};

/// The settings as the creation of an instance takes them. `reject_call` and the like are taken
/// as well.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
pub(in crate::api) struct SettingsFields {
    /// Reject calls.
    reject_call: Option<bool>,
    /// Text for rejected callers.
    #[schema(max_length = 100)]
    msg_call: Option<String>,
    /// Drop everything about groups.
    groups_ignore: Option<bool>,
    /// Appear online while connected.
    always_online: Option<bool>,
    /// Mark every message as read.
    read_messages: Option<bool>,
    /// Mark status updates as read.
    read_status: Option<bool>,
    /// Take the full history when pairing.
    sync_full_history: Option<bool>,
    /// Kept for clients that set it.
    #[schema(max_length = 100)]
    wavoip_token: Option<String>,
}

/// All settings. Texts that are left out keep their value.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
struct SetSettingsBody {
    reject_call: bool,
    #[schema(max_length = 100)]
    msg_call: Option<String>,
    groups_ignore: bool,
    always_online: bool,
    read_messages: bool,
    read_status: bool,
    sync_full_history: bool,
    #[schema(max_length = 100)]
    wavoip_token: Option<String>,
}

pub(in crate::api) fn describe(document: &mut Document) {
    document.chapter("Settings", "How an instance behaves while it is connected.");
    let all = json!({
        "rejectCall": true,
        "msgCall": "Please write.",
        "groupsIgnore": false,
        "alwaysOnline": true,
        "readMessages": false,
        "readStatus": false,
        "syncFullHistory": false,
        "wavoipToken": "",
    });
    document.at(
        [Post, Put],
        "/settings/set/{name}",
        instance("Change the settings")
            .about("They hold at once.")
            .body::<SetSettingsBody>(&[("everything", all)])
            .answers::<SetReply>(201, "What holds now."),
    );
    document.at(
        [Get],
        "/settings/find/{name}",
        instance("Find the settings").answers::<Settings>(200, "All eight."),
    );
}
