//! Received media: fetched from Meta, which keeps them for 30 days, and kept.

use std::time::Duration;

use pombal_domain::{Chain, EventId, GraphId, Instance};
use pombal_store::media::{MAX_LINK, MediaKey};
use url::Url;

use super::graph::GraphError;
use super::{BusinessError, Cloud};

/// A medium could not be taken over.
#[derive(Debug, thiserror::Error)]
enum MediumError {
    #[error("Meta did not hand it out")]
    Graph(#[from] GraphError),
    #[error("it can't be kept")]
    Media(#[from] pombal_store::media::Error),
    #[error("it can't be asked for")]
    Token(#[from] BusinessError),
    #[error("it took too long")]
    Late,
}

impl Cloud {
    /// Takes a medium over, under the id of its message's event, and says where it is. The
    /// message is told without it if that fails: its `id` at Meta is in there.
    pub(super) async fn take_over(
        &self,
        row: &Instance,
        event: EventId,
        medium: &GraphId,
        time: Duration,
    ) -> Option<Url> {
        let taken = tokio::time::timeout(time, self.fetch(row, event, medium)).await;
        match taken.unwrap_or(Err(MediumError::Late)) {
            Ok(url) => Some(url),
            Err(error) => {
                tracing::warn!(
                    instance.id = %row.id, event.id = %event, error = %Chain(&error),
                    "medium of a message not taken over"
                );
                None
            }
        }
    }

    async fn fetch(
        &self,
        row: &Instance,
        event: EventId,
        medium: &GraphId,
    ) -> Result<Url, MediumError> {
        let token = &self.token(row).await?;
        let at = self.0.graph.medium_at(medium, token).await?;
        let body = self.0.graph.download(&at, token).await?;
        let key = MediaKey::new(row.id, &event.to_string())?;
        self.0.media.put(&key, &at.mime_type, body).await?;
        Ok(self.0.media.link(&key, MAX_LINK).await?)
    }
}
