//! When the database begins to write an object of its log.
//!
//! `SlateDB` closes the log's buffer when a flush is asked for, and once more when its writer
//! task takes the flush up (`wal/slatedb/writer.rs`, `do_flush`). Rows applied in between would
//! get an object of their own: a second billed write, after which the first is waited for. So
//! the committer applies nothing from the one moment to the other, which it learns here.

use tokio::sync::watch;

/// Tells of writes that have begun. Made by [`crate::guard::Guard::watched`].
#[derive(Debug)]
pub(crate) struct WalWrites(pub(crate) watch::Receiver<()>);

impl WalWrites {
    /// Forgets the writes so far.
    pub(crate) fn forget(&mut self) {
        self.0.mark_unchanged();
    }

    /// Resolves when a write has begun that was not forgotten, or when there can be none.
    pub(crate) async fn begun(&mut self) {
        // An error: the store is gone, and nobody has to wait any more.
        let _ = self.0.changed().await;
    }
}
