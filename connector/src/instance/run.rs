//! The client of one instance, from its start to its end.

use std::sync::Arc;
use std::time::Duration;

use pombal_domain::{Cause, PhoneNumber, QrCode};
use pombal_sessions::Revoker;
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;

use crate::instance::inbound::InboundHook;
use crate::instance::receipts::ReceiptPump;
use crate::instance::supervisor::{Error, Supervisor};
use crate::whatsapp::client::{Built, Wanted};
use crate::whatsapp::dialer::DialResult;

/// Longest wait for a client to close its socket in order; then it is cut off.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The same, when WhatsApp is told to unlink the device first.
const UNLINK_TIMEOUT: Duration = Duration::from_secs(8);
/// Longest wait for a client whose socket was cut.
const CUT_OFF_TIMEOUT: Duration = Duration::from_secs(1);
/// How long the client waits for an answer in the handshake (`whatsapp-rust/src/handshake.rs`).
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(20);
/// New streams that WhatsApp may ask for before it counts as a failure.
const MAX_RESTARTS: u32 = 3;

/// The task that runs a client. Dropping it ends the task.
pub(super) type ClientTask = AbortOnDropHandle<()>;

/// A client, and what is known of its current connection.
pub(super) struct Run {
    pub(super) built: Built,
    pub(super) hook: Arc<InboundHook>,
    /// Ends the client's way into the session.
    revoker: Revoker,
    /// Cuts the socket at once when the shard is lost, whatever the supervisor is busy with.
    _cutter: AbortOnDropHandle<()>,
    pub(super) restarts: u32,
    pub(super) now: Connection,
}

/// What is known of one connection. Each starts with nothing.
pub(super) struct Connection {
    pub(super) dialled_at: Instant,
    /// The cause that an event named for its end.
    pub(super) cause: Option<Cause>,
    pub(super) opened_at: Option<Instant>,
    /// Shows the account as online, or not.
    pub(super) online: Option<AbortOnDropHandle<()>>,
    pub(super) pairing_code: Option<String>,
    /// When that code stops working.
    pub(super) pairing_code_until: Option<Instant>,
    pub(super) last_qr: Option<QrCode>,
    /// The number that a pairing code was asked for.
    pub(super) code_requested: Option<PhoneNumber>,
    /// When a connection that only waits for a pairing code is given up.
    pub(super) give_up_at: Option<Instant>,
    /// When a stream whose end WhatsApp has announced is closed from here.
    pub(super) stream_ends_at: Option<Instant>,
}

impl Connection {
    /// A connection that is dialled now.
    pub(super) fn begin() -> Self {
        Self {
            dialled_at: Instant::now(),
            cause: None,
            opened_at: None,
            online: None,
            pairing_code: None,
            pairing_code_until: None,
            last_qr: None,
            code_requested: None,
            give_up_at: None,
            stream_ends_at: None,
        }
    }
}

impl Run {
    /// A client that was told to disconnect doesn't run again.
    pub(super) fn spent(&self) -> bool {
        self.built.client.shutdown_signal().is_fired()
    }
}

impl Supervisor {
    pub(super) async fn build(&self) -> Result<Run, Error> {
        let hook = Arc::new(InboundHook {
            instance: self.row.id,
            publisher: self.publisher.clone(),
            settings: self.settings.subscribe(),
        });
        let keys = self.context.seams.keys.as_ref();
        let route = self.context.clients.route(&self.row, keys).await?;
        // What was damaged may have been repaired.
        self.session.try_again();
        let (session, revoker) = self.session.revocable();
        let history = Wanted {
            full: self.row.settings.sync_full_history,
            teller: self.history.clone(),
        };
        let (clients, tenure) = (&self.context.clients, &self.context.tenure);
        let (built, receipts) = clients
            .build(session, hook.clone(), tenure, route, history)
            .await?;
        let pump = ReceiptPump {
            instance: self.row.id,
            session: self.session.clone(),
            publisher: self.publisher.clone(),
            settings: self.settings.subscribe(),
        };
        tokio::spawn(pump.run(receipts));
        let (dead, dialer) = (self.context.dead.clone(), Arc::clone(&built.dialer));
        let cutter = tokio::spawn(async move {
            dead.cancelled().await;
            dialer.cut().await;
        });
        Ok(Run {
            _cutter: AbortOnDropHandle::new(cutter),
            built,
            hook,
            revoker,
            restarts: 0,
            now: Connection::begin(),
        })
    }

    /// Closes the client's socket, and unlinks the device first if asked to. Afterwards the
    /// client can't write into the session any more.
    pub(super) async fn hang_up(&mut self, run: &Run, task: &mut ClientTask, unlink: bool) {
        let client = &run.built.client;
        let goodbye = async {
            if unlink {
                client.logout().await;
            } else {
                client.disconnect().await;
            }
            wait_for(task).await;
        };
        let patience = if unlink {
            UNLINK_TIMEOUT
        } else {
            DISCONNECT_TIMEOUT
        };
        if timeout(patience, goodbye).await.is_err() {
            tracing::warn!(instance.id = %self.row.id, "client did not stop in time: cut off");
            client.signal_shutdown_sync();
            run.built.dialer.cut().await;
            // What is left of it ends with the task's handle.
            let _ = timeout(CUT_OFF_TIMEOUT, wait_for(task)).await;
        }
        run.revoker.revoke();
        self.line_down(run);
    }

    pub(super) fn line_down(&self, run: &Run) {
        self.live.send_replace(None);
        run.built.acks.fail_all();
    }

    /// Ends a client that has no connection, so that it writes nothing any more.
    pub(super) async fn stop_client(&self, run: &Run) {
        if !run.spent()
            && timeout(DISCONNECT_TIMEOUT, run.built.client.disconnect())
                .await
                .is_err()
        {
            tracing::warn!(instance.id = %self.row.id, "client did not stop in time");
            run.built.client.signal_shutdown_sync();
            run.built.dialer.cut().await;
        }
        run.revoker.revoke();
        self.line_down(run);
    }

    /// Why the connection has ended.
    pub(super) fn cause_of_end(&self, run: &mut Run) -> Cause {
        let dial = run.built.dialer.take();
        match run.now.cause {
            Some(Cause::RestartRequired) if run.restarts < MAX_RESTARTS => {
                run.restarts += 1;
                Cause::RestartRequired
            }
            // A server that asks for nothing else is not obeyed for ever.
            Some(Cause::RestartRequired) => Cause::Lost,
            Some(cause) => cause,
            None => self.cause_without_event(run, dial),
        }
    }

    /// The client tells nothing of a failed dial, a failed handshake, or a socket that it gave
    /// up because nothing came on it.
    fn cause_without_event(&self, run: &Run, dial: DialResult) -> Cause {
        let (cause, why) = match dial {
            DialResult::Failed(error) => (Cause::Unavailable, error),
            DialResult::NotTried => (Cause::Unavailable, "no dial".to_owned()),
            DialResult::TimedOut => (Cause::TimedOut, "no answer to the dial".to_owned()),
            DialResult::Opened(_) if run.now.opened_at.is_some() => {
                (Cause::TimedOut, "no answer to keep-alives".to_owned())
            }
            DialResult::Opened(at) if at.elapsed() >= HANDSHAKE_TIMEOUT => {
                (Cause::TimedOut, "no login".to_owned())
            }
            DialResult::Opened(_) => (Cause::Lost, "ended before the login".to_owned()),
        };
        tracing::warn!(
            instance.id = %self.row.id,
            endpoint = self.context.options.endpoint.as_str(),
            error = why,
            "WhatsApp can't be reached; backing off"
        );
        cause
    }
}

/// Waits until the client's task has ended, as it does by itself once its socket is closed.
async fn wait_for(task: &mut ClientTask) {
    if !task.is_finished() {
        // Its result says nothing that its events have not said.
        let _ = task.await;
    }
}
