//! The supervisor: one task per instance that makes the user's wish so.

use std::sync::Arc;

use pombal_domain::time::UnixMs;
use pombal_domain::{
    Cause, Chain, ConnectionState, Desired, EventBody, EventId, Instance, Settings,
};
use pombal_sessions::Session;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use whatsapp_rust::traits::DeviceStore;

use crate::backoff::Backoff;
use crate::damage;
use crate::instance::history::{HistoryHandle, HistoryTeller};
use crate::instance::state::State;
use crate::instance::{InstanceHandle, Link, Mail, reroute};
use crate::publish::{self, Fact, Origin, Publisher, PublisherHandle};
use crate::shard::Context;
use crate::whatsapp::client;

/// Mail waiting for a supervisor.
const MAILBOX: usize = 16;
/// Name of the row that holds [`Settled`].
const SETTLED: &str = "settled";

/// The newest wish that has been dealt with for good: nothing more is done for it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Settled {
    generation: u64,
    cause: Cause,
    /// The session was wiped if it had to be, and the events are published.
    done: bool,
}

impl Settled {
    /// No wish yet: the first one has generation 1.
    const NONE: Self = Self {
        generation: 0,
        cause: Cause::Requested,
        done: true,
    };
}

/// An instance can't be kept running. The shard must be opened again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the session store failed")]
    Session(#[from] pombal_sessions::Error),
    #[error("an event could not be published")]
    Publish(#[from] publish::Error),
    #[error("the client could not be built")]
    Client(#[from] client::Error),
    #[error("the instance's way to WhatsApp can't be found")]
    Proxy(#[from] pombal_store::proxy::Error),
    #[error("a row of the supervisor does not decode")]
    Row(#[from] serde_json::Error),
    #[error("the session does not load")]
    Store(#[from] whatsapp_rust::store::error::StoreError),
}

impl Error {
    /// Whether the session database of the shard is of no more use.
    fn is_fatal(&self) -> bool {
        self.stored().is_some_and(pombal_sessions::Error::is_fatal)
    }

    /// Whether the stored session can't be trusted: trying again does not help.
    pub(crate) fn is_damage(&self) -> bool {
        self.stored().is_some_and(pombal_sessions::Error::is_damage)
    }

    /// The session store's error, which may come through the client.
    fn stored(&self) -> Option<&pombal_sessions::Error> {
        let mut error: &(dyn std::error::Error + 'static) = self;
        loop {
            if let Some(stored) = error.downcast_ref() {
                return Some(stored);
            }
            error = error.source()?;
        }
    }
}

/// What to do after a phase.
pub(super) enum Step {
    /// Look at the wish again.
    Again,
    /// The supervisor is done.
    Stop,
}

/// Keeps one instance as its row says.
pub(crate) struct Supervisor {
    pub(super) context: Arc<Context>,
    pub(super) row: Instance,
    pub(super) session: Session,
    pub(super) publisher: PublisherHandle,
    pub(super) state: State,
    pub(super) live: watch::Sender<Option<Link>>,
    /// The row's settings, for whoever acts on them outside of this task.
    pub(super) settings: watch::Sender<Settings>,
    /// Tells what phones know from before.
    pub(super) history: HistoryHandle,
    _teller: AbortOnDropHandle<()>,
    pub(super) backoff: Backoff,
    /// Codes shown since the last wish.
    pub(super) codes_shown: u32,
    /// The replaced connection has had its one retry.
    pub(super) replaced_before: bool,
    /// Since when it has had no socket, until it has one again after a change of owners.
    pub(super) away_since: Option<UnixMs>,
    settled: Settled,
}

/// What a supervisor starts with.
pub(crate) struct Start {
    pub(crate) context: Arc<Context>,
    pub(crate) row: Instance,
    pub(crate) session: Session,
    /// When the instance last had an event.
    pub(crate) last_event_at: UnixMs,
    /// Since when it has had no socket while nobody served its shard.
    pub(crate) away_since: Option<UnixMs>,
}

impl Supervisor {
    /// Starts a supervisor, after sending what its predecessor may have left unsent.
    ///
    /// # Errors
    /// When the session store fails, or holds less than others have seen of the instance.
    pub(crate) async fn start(
        start: Start,
        stop: CancellationToken,
    ) -> Result<InstanceHandle, Error> {
        let Start {
            context,
            row,
            session,
            last_event_at,
            away_since,
        } = start;
        session.expect_seq(row.seq).await?;
        let origin = Origin {
            id: row.id,
            name: row.name.clone(),
            epoch: row.transit.epoch(context.epoch),
        };
        let queue = Arc::clone(&context.seams.events);
        let publisher = Publisher::start(origin, session.clone(), queue, stop.clone());
        publisher.had_event(last_event_at);
        let settled = match session.get_meta(SETTLED).await? {
            Some(row) => serde_json::from_slice(&row)?,
            None => Settled::NONE,
        };
        let (mailbox, mail) = mpsc::channel(MAILBOX);
        let (live, live_rx) = watch::channel(None);
        publisher.set_owner(row.observed.owner_jid.clone());
        let handle = InstanceHandle {
            id: row.id,
            mailbox,
            live: live_rx,
            publisher: publisher.clone(),
            sending: Arc::default(),
            stop,
        };
        let mut observed = row.observed.clone();
        // A code of a socket that is gone is worthless.
        observed.qr = None;
        let settings = watch::Sender::new(row.settings.clone());
        let teller = HistoryTeller {
            instance: row.id,
            session: session.clone(),
            publisher: publisher.clone(),
            settings: settings.subscribe(),
        };
        let (history, teller) = teller.start();
        let supervisor = Self {
            state: State::new(row.name.clone(), observed),
            history,
            _teller: teller,
            settings,
            context,
            row,
            session,
            publisher,
            live,
            backoff: Backoff::default(),
            codes_shown: 0,
            replaced_before: false,
            away_since,
            settled,
        };
        tokio::spawn(supervisor.run(mail));
        Ok(handle)
    }

    async fn run(mut self, mut mailbox: mpsc::Receiver<Mail>) {
        let result = self.make_it_so(&mut mailbox).await;
        self.live.send_replace(None);
        if let Err(error) = result {
            let dead = error.is_fatal();
            tracing::error!(instance.id = %self.row.id, error = %Chain(&error), "instance stopped");
            if error.is_damage() {
                damage::show(&self.context.seams.registry, &self.row).await;
            }
            if dead {
                // Nobody on this shard can go on: it has to be opened again.
                self.context.dead.cancel();
            }
        }
    }

    async fn make_it_so(&mut self, mailbox: &mut mpsc::Receiver<Mail>) -> Result<(), Error> {
        self.finish(self.settled).await?;
        self.tell_startup();
        loop {
            let step = if self.wants_socket() {
                match Box::pin(self.stay_connected(mailbox)).await {
                    // The session is never replaced: whoever wants it connected asks again.
                    Err(error) if error.is_damage() && !error.is_fatal() => {
                        tracing::error!(
                            alarm = "session.corrupt",
                            instance.id = %self.row.id,
                            error = %Chain(&error),
                            "closing the instance"
                        );
                        self.settle(Cause::BadSession).await?;
                        Step::Again
                    }
                    step => step?,
                }
            } else {
                self.rest(mailbox).await?
            };
            if matches!(step, Step::Stop) {
                return Ok(());
            }
        }
    }

    /// Tells that somebody takes care of an instance that was connected before, and is to be
    /// again: once per owner of its shard. The connection does not wait for that.
    fn tell_startup(&self) {
        if self.row.observed.generation == 0 || !self.wants_socket() {
            return;
        }
        let epoch = self.row.transit.epoch(self.context.epoch);
        let id = EventId::derive(self.row.id, &["startup", &epoch.to_string()]);
        let told = (id, EventBody::ApplicationStartup((&self.row).into()));
        let (id, publisher) = (self.row.id, self.publisher.clone());
        tokio::spawn(async move {
            if let Err(error) = publisher.tell([told]).await {
                tracing::warn!(instance.id = %id, error = %Chain(&error), "start not told");
            }
        });
    }

    /// Whether a socket is wanted for the current wish.
    pub(super) fn wants_socket(&self) -> bool {
        self.would_want_socket(&self.row)
    }

    /// Whether `row`, once adopted, asks for a socket.
    pub(super) fn would_want_socket(&self, row: &Instance) -> bool {
        row.desired == Desired::Connected && self.settled.generation < row.generation
    }

    /// No socket is wanted: puts that in order, then waits for mail.
    async fn rest(&mut self, mailbox: &mut mpsc::Receiver<Mail>) -> Result<Step, Error> {
        self.settle_wish_for_none().await?;
        match mailbox.recv().await {
            None => Ok(Step::Stop),
            Some(mail) => self.take(mail).await,
        }
    }

    /// Settles a new wish to be without a socket.
    async fn settle_wish_for_none(&mut self) -> Result<(), Error> {
        if self.settled.generation >= self.row.generation {
            return Ok(());
        }
        match self.row.desired {
            Desired::Connected | Desired::Moved => Ok(()),
            Desired::Disconnected => self.settle(Cause::Requested).await,
            Desired::LoggedOut => self.settle(Cause::LoggedOut).await,
        }
    }

    /// Deals with mail while no client runs.
    pub(super) async fn take(&mut self, mail: Mail) -> Result<Step, Error> {
        match mail {
            Mail::Reconcile { row, done } => {
                self.adopt(*row);
                // A wish to be disconnected is dealt with before it is answered.
                self.settle_wish_for_none().await?;
                answer(done);
                Ok(Step::Again)
            }
            Mail::Restart { row, done } => {
                self.adopt(*row);
                answer(done);
                Ok(Step::Again)
            }
            Mail::Delete { done } => {
                self.session.wipe_all().await?;
                answer(done);
                Ok(Step::Stop)
            }
            Mail::Drain { done } => {
                answer(done);
                Ok(Step::Stop)
            }
        }
    }

    /// Takes a newer row. An older one, read before a newer wish was written, is left.
    pub(super) fn adopt(&mut self, mut row: Instance) {
        if row.generation > self.row.generation {
            self.codes_shown = 0;
            self.replaced_before = false;
            self.backoff.reset();
        }
        if row.generation >= self.row.generation {
            self.settings.send_if_modified(|settings| {
                let changed = *settings != row.settings;
                settings.clone_from(&row.settings);
                changed
            });
            if reroute::newest(self.row.proxy.as_ref(), row.proxy.as_ref()) != row.proxy.as_ref() {
                row.proxy = self.row.proxy.take();
            }
            self.row = row;
        }
    }

    /// The current wish ends here: nothing more is done until there is a new one.
    pub(super) async fn settle(&mut self, cause: Cause) -> Result<(), Error> {
        let generation = self.row.generation;
        let known = self.state.observed.state == ConnectionState::Close
            && self.state.observed.generation == generation;
        let told = known && !self.is_paired().await?;
        // Noted first: whatever is left undone by a crash is done at the next start.
        let settled = Settled {
            generation,
            cause,
            done: told,
        };
        self.note(settled).await?;
        self.finish(settled).await
    }

    /// Wipes and tells what a settled wish brings with it. Doing it twice does no harm: the
    /// events have the same ids.
    async fn finish(&mut self, settled: Settled) -> Result<(), Error> {
        if settled.done {
            return Ok(());
        }
        let outcome = settled.cause.outcome();
        if outcome.wipes_session {
            self.session.wipe_session().await?;
            self.history.forget().await;
        } else if self.state.observed.owner_jid.is_none() {
            // Linked, and closed before it was ever let in. A row that shows no account may be
            // deleted as one that nobody uses. Of a session that does not load, nobody knows.
            self.state.observed.owner_jid = self.account().await.ok().flatten();
        }
        let mut facts = self.state.closed(settled.cause, settled.generation);
        let generation = settled.generation.to_string();
        for (n, fact) in facts.iter_mut().enumerate() {
            fact.id = EventId::derive(self.row.id, &["settled", &generation, &n.to_string()]);
        }
        self.publisher
            .set_owner(self.state.observed.owner_jid.clone());
        tracing::info!(
            instance.id = %self.row.id,
            status.reason = outcome.reason.0,
            "closed: {}",
            outcome.text
        );
        if settled.cause == Cause::ClientOutdated {
            tracing::error!("WhatsApp no longer takes this version: Pombal must be updated");
        }
        self.publish(facts).await?;
        self.note(Settled {
            done: true,
            ..settled
        })
        .await
    }

    async fn note(&mut self, settled: Settled) -> Result<(), Error> {
        self.settled = settled;
        let row = serde_json::to_vec(&settled)?;
        Ok(self.session.put_meta(SETTLED, &row, true).await?)
    }

    /// Whether the instance has a paired session.
    async fn is_paired(&self) -> Result<bool, Error> {
        Ok(self.account().await?.is_some())
    }

    /// The JID, without device, of the account that the session is linked to.
    async fn account(&self) -> Result<Option<String>, Error> {
        let device = self.session.load().await?;
        Ok(device.and_then(|device| Some(device.pn?.to_non_ad_string())))
    }

    pub(super) async fn publish(&self, facts: Vec<Fact>) -> Result<(), Error> {
        Ok(self.publisher.publish(facts).await?)
    }
}

/// Tells the sender that its mail has been dealt with; it may have stopped waiting.
pub(super) fn answer(done: oneshot::Sender<()>) {
    let _ = done.send(());
}
