//! The client of one instance, from its start to its end.

use std::sync::Arc;
use std::time::Duration;

use pombal_domain::{Cause, QrCode};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::instance::inbound::InboundHook;
use crate::instance::receipts::ReceiptPump;
use crate::instance::supervisor::{Error, Supervisor};
use crate::whatsapp::client::Built;
use crate::whatsapp::dialer::DialResult;

/// Longest wait for a client to close its socket in order; then it is cut off.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(4);
/// New streams that WhatsApp may ask for in a row before it counts as a failure.
const MAX_RESTARTS: u32 = 3;

/// A client, and what is known of its current connection.
pub(super) struct Run {
    pub(super) built: Built,
    pub(super) hook: Arc<InboundHook>,
    /// The first cause that an event named for the end of the connection.
    pub(super) cause: Option<Cause>,
    pub(super) opened_at: Option<Instant>,
    pub(super) just_paired: bool,
    pub(super) pairing_code: Option<String>,
    pub(super) last_qr: Option<QrCode>,
    pub(super) code_requested: bool,
    pub(super) restarts: u32,
}

impl Run {
    pub(super) fn begin_connection(&mut self) {
        self.cause = None;
        self.opened_at = None;
        self.just_paired = false;
        self.pairing_code = None;
        self.last_qr = None;
        self.code_requested = false;
    }

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
            owner: Arc::clone(&self.owner),
        });
        let mut built = self
            .context
            .clients
            .build(self.session.clone(), hook.clone())
            .await?;
        let (_, none) = mpsc::channel(1);
        let receipts = std::mem::replace(&mut built.receipts, none);
        let pump = ReceiptPump {
            instance: self.row.id,
            session: self.session.clone(),
            publisher: self.publisher.clone(),
            owner: Arc::clone(&self.owner),
        };
        tokio::spawn(pump.run(receipts));
        Ok(Run {
            built,
            hook,
            cause: None,
            opened_at: None,
            just_paired: false,
            pairing_code: None,
            last_qr: None,
            code_requested: false,
            restarts: 0,
        })
    }

    /// Closes the client's socket, and unlinks the device first if asked to.
    pub(super) async fn hang_up(&mut self, run: &Run, task: &mut JoinHandle<()>, unlink: bool) {
        let client = &run.built.client;
        let goodbye = async {
            if unlink {
                client.logout().await;
            } else {
                client.disconnect().await;
            }
            // The task ends by itself once the socket is closed; its result says nothing.
            let _ = (&mut *task).await;
        };
        if timeout(DISCONNECT_TIMEOUT, goodbye).await.is_err() {
            tracing::warn!(instance.id = %self.row.id, "client did not stop in time: cut off");
            client.signal_shutdown_sync();
            task.abort();
        }
        self.line_down(run);
    }

    pub(super) fn line_down(&self, run: &Run) {
        self.live.send_replace(None);
        run.built.acks.fail_all();
    }

    /// Ends a client that has no connection, so that it writes nothing any more.
    pub(super) async fn stop_client(&self, run: &Run) {
        if timeout(DISCONNECT_TIMEOUT, run.built.client.disconnect())
            .await
            .is_err()
        {
            tracing::warn!(instance.id = %self.row.id, "client did not stop in time");
        }
    }

    pub(super) fn cause_of_end(&self, run: &mut Run) -> Cause {
        let dial = run.built.dialer.take();
        if let Some(cause) = run.cause {
            return cause;
        }
        match dial {
            DialResult::Failed(error) => {
                tracing::warn!(
                    instance.id = %self.row.id,
                    endpoint = self.context.options.endpoint.as_str(),
                    error,
                    "WhatsApp can't be reached; backing off"
                );
                Cause::Unavailable
            }
            DialResult::NotTried => Cause::Unavailable,
            // The client ends such connections without an event: it expects a new stream.
            DialResult::Opened if run.just_paired || run.opened_at.is_some() => {
                run.restarts += 1;
                if run.restarts > MAX_RESTARTS {
                    Cause::Lost
                } else {
                    Cause::RestartRequired
                }
            }
            DialResult::Opened => {
                tracing::warn!(
                    instance.id = %self.row.id,
                    endpoint = self.context.options.endpoint.as_str(),
                    "the connection ended before the login"
                );
                Cause::Lost
            }
        }
    }
}
