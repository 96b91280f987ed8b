//! The bodies of the routes that only instances of Meta's Cloud API have.

#![expect(dead_code, reason = "only their schemas are used")]

use serde_json::Value;
use utoipa::ToSchema;

use super::QuotedBody;

/// A medium. It may come as the part `file` of a multipart body instead of `media`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct SendMediaBody {
    /// Digits in international form.
    number: String,
    mediatype: MediaKind,
    /// An address that Meta can reach, a `data:` URL, or base64.
    media: Option<String>,
    #[schema(max_length = 1024)]
    mimetype: Option<String>,
    /// Needed for a document in base64.
    #[schema(max_length = 1024)]
    file_name: Option<String>,
    /// Not for audio.
    #[schema(max_length = 1024)]
    caption: Option<String>,
    /// Checked, and nothing else: Meta sends at once.
    delay: Option<u32>,
    quoted: Option<QuotedBody>,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
enum MediaKind {
    Image,
    Document,
    Video,
    Audio,
}

/// A voice message. It may come as the part `file` of a multipart body instead of `audio`.
#[derive(ToSchema)]
pub(super) struct SendAudioBody {
    /// Digits in international form.
    number: String,
    /// An address that Meta can reach, a `data:` URL, or base64.
    audio: Option<String>,
    /// Checked, and nothing else: nothing is encoded anew.
    encoding: Option<bool>,
    /// Checked, and nothing else: Meta sends at once.
    delay: Option<u32>,
    quoted: Option<QuotedBody>,
}

#[derive(ToSchema)]
pub(super) struct SendLocationBody {
    /// Digits in international form.
    number: String,
    latitude: f64,
    longitude: f64,
    #[schema(max_length = 1024)]
    name: String,
    #[schema(max_length = 1024)]
    address: String,
    /// Checked, and nothing else: Meta sends at once.
    delay: Option<u32>,
    quoted: Option<QuotedBody>,
}

#[derive(ToSchema)]
pub(super) struct SendContactBody {
    /// Digits in international form.
    number: String,
    #[schema(min_items = 1)]
    contact: Vec<ContactBody>,
    /// Checked, and nothing else: Meta sends at once.
    delay: Option<u32>,
    quoted: Option<QuotedBody>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct ContactBody {
    #[schema(max_length = 1024)]
    full_name: String,
    #[schema(min_length = 10, max_length = 1024)]
    phone_number: String,
    /// The number as WhatsApp knows it, if it is another one.
    #[schema(min_length = 10, max_length = 1024)]
    wuid: Option<String>,
    #[schema(max_length = 1024)]
    organization: Option<String>,
    #[schema(max_length = 1024)]
    email: Option<String>,
    #[schema(max_length = 1024)]
    url: Option<String>,
}

#[derive(ToSchema)]
pub(super) struct SendReactionBody {
    key: ReactedKey,
    /// One emoji; empty to take the reaction back.
    reaction: String,
}

/// The message that is reacted to.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct ReactedKey {
    #[schema(max_length = 512)]
    id: String,
    /// The chat: a phone number, or its JID.
    #[schema(max_length = 512)]
    remote_jid: String,
    from_me: bool,
}

/// Up to three replies, or one link.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct SendButtonsBody {
    /// Digits in international form.
    number: String,
    /// Above the text; the text itself where there is no `description`.
    #[schema(max_length = 4096)]
    title: Option<String>,
    #[schema(max_length = 4096)]
    description: Option<String>,
    #[schema(max_length = 4096)]
    footer: Option<String>,
    /// A picture above it, instead of the title.
    #[schema(max_length = 4096)]
    thumbnail_url: Option<String>,
    buttons: Vec<ButtonBody>,
    /// Checked, and nothing else: Meta sends at once.
    delay: Option<u32>,
    quoted: Option<QuotedBody>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct ButtonBody {
    r#type: ButtonKind,
    #[schema(max_length = 4096)]
    display_text: Option<String>,
    /// Of a reply: what comes back when it is chosen.
    #[schema(max_length = 4096)]
    id: Option<String>,
    /// Of a link.
    #[schema(max_length = 4096)]
    url: Option<String>,
}

/// The Cloud API has replies, and one link; the others are refused.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
enum ButtonKind {
    Reply,
    Copy,
    Url,
    Call,
    Pix,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct SendListBody {
    /// Digits in international form.
    number: String,
    /// Above the text; the text itself where there is no `description`.
    #[schema(max_length = 4096)]
    title: String,
    #[schema(max_length = 4096)]
    description: Option<String>,
    /// May be empty.
    #[schema(max_length = 4096)]
    footer_text: String,
    /// What opens the list.
    #[schema(max_length = 4096)]
    button_text: String,
    #[schema(min_items = 1)]
    sections: Vec<SectionBody>,
    /// Checked, and nothing else: Meta sends at once.
    delay: Option<u32>,
    quoted: Option<QuotedBody>,
}

#[derive(ToSchema)]
struct SectionBody {
    #[schema(max_length = 4096)]
    title: String,
    #[schema(min_items = 1)]
    rows: Vec<RowBody>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct RowBody {
    #[schema(max_length = 4096)]
    title: String,
    #[schema(max_length = 4096)]
    description: Option<String>,
    /// What comes back when it is chosen.
    #[schema(max_length = 4096)]
    row_id: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct SendTemplateBody {
    /// Digits in international form.
    number: String,
    #[schema(max_length = 512)]
    name: String,
    /// Its code, `pt_BR`, or an object with that as its `code`.
    #[schema(max_length = 512)]
    language: String,
    /// What stands in its gaps, as Meta wants it.
    components: Option<Vec<Value>>,
    /// Who wants to hear how far the message gets, besides the instance's webhook.
    #[schema(max_length = 2048)]
    webhook_url: Option<String>,
    /// Checked, and nothing else: Meta sends at once.
    delay: Option<u32>,
    quoted: Option<QuotedBody>,
}
