//! A message on its way to the Graph API, and as the contract shows it.

use bytes::Bytes;
use serde_json::{Value, json};

use super::Shown;

/// A message to send.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// `type` in the Graph API, and the name of the field that holds the content.
    pub kind: &'static str,
    /// The content in the Graph API.
    pub content: Value,
    /// A file that has to be uploaded first; its id then goes into the content.
    pub file: Option<File>,
    /// The content in the contract.
    pub shown: Shown,
    /// The id of the message that it answers.
    pub quoted: Option<String>,
    /// Who wants to hear how far it gets, besides the instance's webhook.
    pub webhook_url: Option<String>,
}

/// A file to upload.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: String,
    /// What it is.
    pub mime_type: String,
    /// The bytes.
    pub bytes: Bytes,
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("File")
            .field("mime_type", &self.mime_type)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

impl Draft {
    /// A message whose content the contract shows as `shown`.
    #[must_use]
    pub fn new(kind: &'static str, content: Value, shown: Shown) -> Self {
        Self {
            kind,
            content,
            file: None,
            shown,
            quoted: None,
            webhook_url: None,
        }
    }

    /// The body of `POST /<number>/messages`:
    /// <https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages>.
    pub(super) fn body(&self, to: &str, uploaded: Option<&str>) -> Value {
        let mut content = self.content.clone();
        if let Some(id) = uploaded {
            content["id"] = json!(id);
        }
        let mut body = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": to,
            "type": self.kind,
        });
        body[self.kind] = content;
        if let Some(quoted) = &self.quoted {
            body["context"] = json!({ "message_id": quoted });
        }
        body
    }
}
