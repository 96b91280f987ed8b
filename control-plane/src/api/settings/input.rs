//! The eight settings as clients write them.

use pombal_domain::Settings;
use serde_json::{Map, Value};

use crate::api::error::ApiError;
use crate::api::fields::Fields;

/// Longest `msgCall` and `wavoipToken` in characters, as in the original.
const MAX_CHARS: usize = 100;
/// What `set` requires, in the order of the original's schema: camel case, then snake case.
const REQUIRED: [[&str; 2]; 6] = [
    ["rejectCall", "reject_call"],
    ["groupsIgnore", "groups_ignore"],
    ["alwaysOnline", "always_online"],
    ["readMessages", "read_messages"],
    ["readStatus", "read_status"],
    ["syncFullHistory", "sync_full_history"],
];

/// Reads the body of `set`: flat, or nested under `settings`. Texts that are left out keep
/// their old value.
pub(super) fn from_set(body: &Map<String, Value>, old: &Settings) -> Result<Settings, ApiError> {
    let object = match body.get("settings") {
        Some(Value::Object(nested)) => nested,
        _ => body,
    };
    let mut fields = Fields::root(object);
    let settings = read(&mut fields, old);
    for spellings in REQUIRED {
        if fields.spelling(&spellings).is_none() {
            fields.require(spellings[0]);
        }
    }
    fields.finish()?;
    Ok(settings)
}

/// Reads the settings that are there; the others stay as in `old`.
pub(in crate::api) fn read(fields: &mut Fields<'_>, old: &Settings) -> Settings {
    let mut flag = |spellings: [&str; 2], old: bool| {
        fields
            .spelling(&spellings)
            .and_then(|name| fields.bool(name))
            .unwrap_or(old)
    };
    let [
        reject_call,
        groups_ignore,
        always_online,
        read_messages,
        read_status,
        full_history,
    ] = REQUIRED;
    let flags = Settings {
        reject_call: flag(reject_call, old.reject_call),
        groups_ignore: flag(groups_ignore, old.groups_ignore),
        always_online: flag(always_online, old.always_online),
        read_messages: flag(read_messages, old.read_messages),
        read_status: flag(read_status, old.read_status),
        sync_full_history: flag(full_history, old.sync_full_history),
        ..Settings::default()
    };
    let mut text = |spellings: [&str; 2], old: &str| {
        fields
            .spelling(&spellings)
            .and_then(|name| fields.string(name, MAX_CHARS))
            .unwrap_or_else(|| old.to_owned())
    };
    Settings {
        msg_call: text(["msgCall", "msg_call"], &old.msg_call),
        wavoip_token: text(["wavoipToken", "wavoip_token"], &old.wavoip_token),
        ..flags
    }
}
