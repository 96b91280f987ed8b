//! Uploading a medium: `POST /<number>/media`, a form with the file in it.

use bytes::Bytes;
use http::Method;
use http::header::HeaderValue;
use pombal_domain::GraphId;
use serde_json::Value;
use uuid::Uuid;

use super::call::Ask;
use super::{Graph, GraphError};
use crate::business::File;
use crate::secret::Secret;

impl Graph {
    /// Uploads a file; its id in the Graph API, where it stays for 30 days.
    pub(in crate::business) async fn upload(
        &self,
        number: &GraphId,
        token: &Secret,
        file: &File,
    ) -> Result<String, GraphError> {
        let boundary = Uuid::new_v4().simple().to_string();
        let kind = HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}"));
        let ask = Ask {
            method: Method::POST,
            url: self.url(&[number.as_str(), "media"]),
            token,
            content_type: kind.ok(),
            body: form(&boundary, file),
        };
        let answer = self.ask(&ask).await?;
        let id = answer.get("id").and_then(Value::as_str);
        id.map(str::to_owned)
            .ok_or(GraphError::Unreadable { status: 200 })
    }
}

/// The form (RFC 7578).
fn form(boundary: &str, file: &File) -> Bytes {
    // Neither quotes nor line breaks may end the header.
    let plain = |text: &str| text.replace(['"', '\\', '\r', '\n'], "_");
    let (name, kind) = (plain(&file.name), plain(&file.mime_type));
    let field = |name: &str, value: &str| {
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        )
    };
    let mut body = field("messaging_product", "whatsapp") + &field("type", &kind);
    body += &format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: {kind}\r\n\r\n"
    );
    let mut body = body.into_bytes();
    body.extend_from_slice(&file.bytes);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    body.into()
}
