//! `POST /message/sendMedia/{name}`.

use axum::extract::State;
use serde_json::json;

use super::cloud::{Common, Sent, deliver, only_business};
use super::medium::Medium;
use crate::api::auth::Authorized;
use crate::api::body::Form;
use crate::api::error::ApiError;
use crate::api::fields::Fields;
use crate::api::state::ApiState;
use crate::business::{Draft, Shown, ShownMedium};

/// Longest caption and name in characters: the Cloud API takes captions of 1,024.
const MAX_CHARS: usize = 1024;
const NOT_OWNED: &str = "Owned media must be a url or base64";
const NO_NAME: &str = "For base64 the file name must be informed.";
/// A kind in the contract: its name, how the contract shows one, and the name of a file without
/// one.
type Kind = (&'static str, fn(ShownMedium) -> Shown, &'static str);
const KINDS: [Kind; 4] = [
    ("image", Shown::ImageMessage, "image.jpg"),
    ("document", Shown::DocumentMessage, "document"),
    ("video", Shown::VideoMessage, "video.mp4"),
    ("audio", Shown::AudioMessage, "audio.ogg"),
];

pub(in crate::api) async fn send_media(
    State(state): State<ApiState>,
    Authorized(row): Authorized,
    form: Form,
) -> Result<Sent, ApiError> {
    only_business(&row, "sendMedia")?;
    let (common, draft) = parse(form)?;
    deliver(&state, &row, common, draft).await
}

fn parse(form: Form) -> Result<(Common, Draft), ApiError> {
    let body = form.fields;
    let mut fields = Fields::root(&body);
    let common = Common::read(&mut fields, &body);
    let kind = kind(&mut fields);
    let medium = fields.string("media", usize::MAX - 1);
    let [mime_type, name, caption] = ["mimetype", "fileName", "caption"].map(|name| {
        fields
            .string(name, MAX_CHARS)
            .filter(|text| !text.is_empty())
    });
    fields.require("mediatype");
    fields.finish()?;
    let (kind, as_shown, default_name) = kind.unwrap_or(KINDS[0]);
    let own_name = form.file.as_ref().map(|file| file.name.clone());
    let name = name.or(own_name.filter(|name| !name.is_empty()));
    let medium = Medium::of(form.file, medium.as_deref(), NOT_OWNED)?;
    if kind == "document" && name.is_none() && matches!(medium, Medium::Bytes { .. }) {
        return Err(ApiError::bad_request(NO_NAME));
    }
    let file_name = name.as_deref().unwrap_or(default_name);
    let (mut sent, mut shown, file) = medium.into_parts(mime_type, file_name, kind);
    // The Cloud API refuses a caption on audio, and a name on all but documents.
    if let Some(caption) = caption.filter(|_| kind != "audio") {
        sent["caption"] = json!(caption);
        shown.caption = Some(caption);
    }
    if let Some(name) = name.filter(|_| kind == "document") {
        sent["filename"] = json!(name);
        shown.file_name = Some(name);
    }
    let draft = Draft {
        file,
        ..Draft::new(kind, sent, as_shown(shown))
    };
    Ok((common, draft))
}

fn kind(fields: &mut Fields<'_>) -> Option<Kind> {
    let wanted = fields.string("mediatype", MAX_CHARS)?;
    let found = KINDS.into_iter().find(|(kind, ..)| *kind == wanted);
    if found.is_none() {
        let known = KINDS.map(|(kind, ..)| kind).join(",");
        fields.violate(format!("mediatype is not one of enum values: {known}"));
    }
    found
}
