//! A database in this process, and what has to be done for it that a service does by itself.

use async_trait::async_trait;
use tokio::sync::MutexGuard;

use super::Error;

/// The database below the client, when it is a file of ours.
#[async_trait]
pub(super) trait Local: Send + Sync {
    /// Removes rows whose time to live is over; how many they were.
    async fn sweep(&self) -> Result<usize, Error>;

    /// Scrubs the file of everything that was deleted before this call. It takes time in
    /// proportion to the file.
    async fn scrub(&self) -> Result<(), Error>;

    /// One scrub at a time: who waits here may find that there is nothing left to do.
    async fn scrub_turn(&self) -> MutexGuard<'_, ()>;
}
