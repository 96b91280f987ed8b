//! The history that a phone gives to a new companion: chats, messages, contacts.
//!
//! It comes in chunks, compressed. Each is put on the [`Shelf`] first, durably, and then told,
//! one after the other, in pieces that wait for one another: no more than a chunk and a piece of
//! it is in memory, however slow the events queue is. A chunk leaves the shelf when all of it is
//! in the queue. After a crash it is told again, under the same event ids.
//!
//! What is lost is a chunk that the process dies on before it is on the shelf: the client
//! confirms chunks before it fetches them.

mod pieces;
mod shelf;
#[cfg(test)]
mod tests;

use std::pin::pin;
use std::sync::Arc;

use pombal_domain::{Chain, EventId, InstanceId, Settings};
use pombal_sessions::Session;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::task::AbortOnDropHandle;
use whatsapp_rust::types::events::{Event, LazyHistorySync};

use crate::publish::{self, PublisherHandle};
use pieces::Piece;
use shelf::{Chunk, Shelf};

/// What the teller is told.
pub(crate) enum Arrival {
    /// A chunk came.
    Chunk(Arc<Event>),
    /// The account is another one now, or none: all that waits is worthless.
    Forget(oneshot::Sender<()>),
}

/// The way to an instance's history teller.
#[derive(Clone)]
pub(crate) struct HistoryHandle(mpsc::UnboundedSender<Arrival>);

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the session store failed")]
    Session(#[from] pombal_sessions::Error),
    #[error("an event could not be published")]
    Publish(#[from] publish::Error),
    #[error("the shelf's list does not decode")]
    List(#[from] serde_json::Error),
}

/// Tells the history of one instance.
pub(crate) struct HistoryTeller {
    pub(crate) instance: InstanceId,
    pub(crate) session: Session,
    pub(crate) publisher: PublisherHandle,
    pub(crate) settings: watch::Receiver<Settings>,
}

impl HistoryHandle {
    /// Takes a chunk. Never waits: it is called where the client receives.
    pub(crate) fn take(&self, event: Arc<Event>) {
        // Fails when the teller has stopped, which it has said.
        let _ = self.0.send(Arrival::Chunk(event));
    }

    /// Forgets what was not told yet.
    pub(crate) async fn forget(&self) {
        let (done, forgotten) = oneshot::channel();
        if self.0.send(Arrival::Forget(done)).is_ok() {
            let _ = forgotten.await;
        }
    }
}

impl HistoryTeller {
    /// Starts to tell what a predecessor has left on the shelf. The teller ends with the second
    /// handle, for its successor has the same shelf; what is on it stays there.
    pub(crate) fn start(self) -> (HistoryHandle, AbortOnDropHandle<()>) {
        let (tx, arrivals) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let id = self.instance;
            match self.run(arrivals).await {
                // The next owner goes on.
                Ok(()) | Err(Error::Publish(publish::Error::Stopped)) => {}
                Err(error) => {
                    tracing::error!(instance.id = %id, error = %Chain(&error), "history not told");
                }
            }
        });
        (HistoryHandle(tx), AbortOnDropHandle::new(task))
    }

    async fn run(self, mut arrivals: mpsc::UnboundedReceiver<Arrival>) -> Result<(), Error> {
        let mut shelf = Shelf::open(self.session.clone()).await?;
        loop {
            self.put_away(&mut shelf, &mut arrivals).await?;
            if let Some(chunk) = shelf.first().await? {
                self.tell(chunk, &mut shelf, &mut arrivals).await?;
            } else if let Some(arrival) = arrivals.recv().await {
                self.receive(&mut shelf, arrival).await?;
            } else {
                return Ok(());
            }
        }
    }

    /// Puts on the shelf what has come.
    async fn put_away(
        &self,
        shelf: &mut Shelf,
        arrivals: &mut mpsc::UnboundedReceiver<Arrival>,
    ) -> Result<(), Error> {
        while let Ok(arrival) = arrivals.try_recv() {
            self.receive(shelf, arrival).await?;
        }
        Ok(())
    }

    /// Goes on putting away what comes, however long `work` takes.
    async fn while_receiving<T>(
        &self,
        shelf: &mut Shelf,
        arrivals: &mut mpsc::UnboundedReceiver<Arrival>,
        work: impl Future<Output = T>,
    ) -> Result<T, Error> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                Some(arrival) = arrivals.recv() => self.receive(shelf, arrival).await?,
                done = &mut work => return Ok(done),
            }
        }
    }

    async fn receive(&self, shelf: &mut Shelf, arrival: Arrival) -> Result<(), Error> {
        match arrival {
            Arrival::Chunk(event) => {
                if let Event::HistorySync(sync) = &*event
                    && self.is_wanted(sync)
                {
                    shelf.put(sync).await?;
                }
            }
            Arrival::Forget(done) => {
                shelf.clear().await?;
                // Who asked may have stopped waiting.
                let _ = done.send(());
            }
        }
        Ok(())
    }

    /// A phone sends what is older than some weeks only if asked to. Who does not want it any
    /// more is spared.
    fn is_wanted(&self, sync: &LazyHistorySync) -> bool {
        sync.sync_type() != pieces::FULL || self.settings.borrow().sync_full_history
    }

    /// Tells a chunk, piece by piece, then takes it off the shelf. Meanwhile others may come, or
    /// all be forgotten.
    async fn tell(
        &self,
        chunk: Chunk,
        shelf: &mut Shelf,
        arrivals: &mut mpsc::UnboundedReceiver<Arrival>,
    ) -> Result<(), Error> {
        let settings = self.settings.borrow().clone();
        let no_groups = settings.groups_ignore && !settings.sync_full_history;
        let (number, base) = (chunk.number, chunk.base.to_string());
        let mut pieces = pieces::of(self.instance, chunk, no_groups);
        let mut n = 0_u64;
        while let Some(piece) = pieces.recv().await {
            let id = EventId::derive(self.instance, &["history", &base, &n.to_string()]);
            let told = piece.map(Piece::into_body);
            let body = match told {
                Ok(body) => body,
                Err(error) => {
                    // The rest of it will not get better.
                    tracing::error!(instance.id = %self.instance, error = %Chain(error.as_ref()), "history chunk not read");
                    break;
                }
            };
            let told = self.publisher.tell([(id, body)]);
            self.while_receiving(shelf, arrivals, told).await??;
            n += 1;
            if !shelf.has(number) {
                return Ok(());
            }
        }
        tracing::info!(instance.id = %self.instance, events.count = n, "history told");
        shelf.remove(number).await
    }
}
