//! `POST /message/sendWhatsAppAudio/{name}`: a voice message. The Cloud API takes it as it is;
//! nothing is encoded anew.

use axum::extract::State;
use serde_json::Value;

use super::cloud::{Common, Sent, deliver, only_business};
use super::medium::Medium;
use crate::api::auth::Authorized;
use crate::api::body::Form;
use crate::api::error::ApiError;
use crate::api::fields::Fields;
use crate::api::state::ApiState;
use crate::business::{Draft, Shown};

const NOT_OWNED: &str = "Owned media must be a url, base64, or valid file with buffer";
const FILE_NAME: &str = "audio.ogg";

pub(in crate::api) async fn send_audio(
    State(state): State<ApiState>,
    Authorized(row): Authorized,
    form: Form,
) -> Result<Sent, ApiError> {
    only_business(&row, "sendWhatsAppAudio")?;
    let (common, draft) = parse(form)?;
    deliver(&state, &row, common, draft).await
}

fn parse(form: Form) -> Result<(Common, Draft), ApiError> {
    let body = form.fields;
    let mut fields = Fields::root(&body);
    let common = Common::read(&mut fields, &body);
    // v1 keeps it in an object of its own.
    let nested = body
        .get("audioMessage")
        .and_then(|audio| audio.get("audio"));
    let audio = match nested.and_then(Value::as_str) {
        Some(audio) => Some(audio.to_owned()),
        None => fields.string("audio", usize::MAX - 1),
    };
    fields.bool("encoding");
    fields.finish()?;
    let medium = Medium::of(form.file, audio.as_deref(), NOT_OWNED)?;
    let (sent, mut shown, file) = medium.into_parts(None, FILE_NAME, "audio");
    shown.ptt = Some(true);
    let draft = Draft {
        file,
        ..Draft::new("audio", sent, Shown::AudioMessage(shown))
    };
    Ok((common, draft))
}
