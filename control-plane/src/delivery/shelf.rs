//! Media in bodies: a webhook that wants them (`base64`) gets the bytes, beside the link.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::TryStreamExt;
use pombal_domain::{Chain, Event, Instance};
use pombal_store::Media;
use pombal_store::media::{self, MediaKey};
use serde_json::{Value, json};

/// Largest medium in bytes that goes into a body. What is larger is there by its link only: a
/// function works on ten events at once.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Where the media are that bodies may hold. A message's medium is kept under the id of the
/// message's event.
#[derive(Clone)]
pub struct Shelf(Arc<dyn Media>);

impl Shelf {
    /// The media in `media`.
    #[must_use]
    pub fn new(media: Arc<dyn Media>) -> Self {
        Self(media)
    }

    /// The event with its medium in it, if there is one and the webhook wants it. One that can't
    /// be read is left out: the link is still there.
    pub(super) async fn complete<'e>(&self, row: &Instance, event: &'e Event) -> Cow<'e, Event> {
        let wants = row.webhook.as_ref().is_some_and(|webhook| webhook.base64);
        let message = event.data.get("message");
        let linked = message.is_some_and(|message| message.get("mediaUrl").is_some());
        if !wants || !linked || event.only_to.is_some() {
            return Cow::Borrowed(event);
        }
        match self.encoded(row, event).await {
            Ok(Some(encoded)) => Cow::Owned(with(event, encoded)),
            Ok(None) => Cow::Borrowed(event),
            Err(error) => {
                tracing::warn!(event.id = %event.id, error = %Chain(&error), "medium not read");
                Cow::Borrowed(event)
            }
        }
    }

    /// The medium of an event in base64; `None` when there is none, or it is too large.
    async fn encoded(&self, row: &Instance, event: &Event) -> Result<Option<String>, media::Error> {
        let key = MediaKey::new(row.id, &event.id.to_string())?;
        let Some(stored) = self.0.get(&key).await? else {
            return Ok(None);
        };
        if stored.size_bytes > MAX_BYTES {
            tracing::debug!(event.id = %event.id, stored.size_bytes, "medium too large for a body");
            return Ok(None);
        }
        let chunks: Vec<_> = stored.body.try_collect().await?;
        Ok(Some(STANDARD.encode(chunks.concat())))
    }
}

fn with(event: &Event, encoded: String) -> Event {
    let mut event = event.clone();
    if let Some(message) = event.data.get_mut("message").and_then(Value::as_object_mut) {
        message.insert("base64".to_owned(), json!(encoded));
    }
    event
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shelf(..)")
    }
}
