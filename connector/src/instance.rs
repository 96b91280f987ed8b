//! One instance: a supervisor task that keeps its socket as the user wants it.

mod calls;
mod cause;
mod connection;
mod events;
mod history;
mod inbound;
mod online;
mod patience;
mod receipts;
mod reroute;
mod run;
mod send;
mod state;
mod supervisor;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use pombal_domain::{Instance, InstanceId, PhoneNumber};
use tokio::sync::{RwLock, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use whatsapp_rust::{Client, Jid};

use crate::publish::PublisherHandle;
use crate::whatsapp::client::PendingAcks;

pub(crate) use history::HistoryHandle;
pub(crate) use send::{Handed, SendFailure, failed_update, hand_over, sent_event};
pub(crate) use supervisor::{Error, Start, Supervisor};

/// What the supervisor is told. Each message is answered when it has been dealt with.
pub(crate) enum Mail {
    /// The row is now like this: make it so.
    Reconcile {
        row: Box<Instance>,
        done: oneshot::Sender<()>,
    },
    /// Drop the socket and open a new one.
    Restart {
        row: Box<Instance>,
        done: oneshot::Sender<()>,
    },
    /// Unlink the device if it is connected, and wipe every row.
    Delete { done: oneshot::Sender<()> },
    /// Close the socket and stop. Nothing is published: another owner goes on.
    Drain { done: oneshot::Sender<()> },
}

/// An open, logged-in connection.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) client: Arc<Client>,
    pub(crate) acks: Arc<PendingAcks>,
    /// Numbers that were looked up on this connection.
    pub(crate) known: Arc<Mutex<HashMap<PhoneNumber, Jid>>>,
}

/// The way to an instance's supervisor. A cheap clone.
#[derive(Clone)]
pub(crate) struct InstanceHandle {
    pub(crate) id: InstanceId,
    pub(crate) mailbox: mpsc::Sender<Mail>,
    /// The connection while it is open. The channel closes when the supervisor ends.
    pub(crate) live: watch::Receiver<Option<Link>>,
    pub(crate) publisher: PublisherHandle,
    /// Read while texts are on their way to WhatsApp; written by who wants none to be.
    pub(crate) sending: Arc<RwLock<()>>,
    /// Stops what goes on after the supervisor has ended.
    pub(crate) stop: CancellationToken,
}

impl InstanceHandle {
    /// Sends mail and waits until it has been dealt with. False: the supervisor has ended.
    pub(crate) async fn tell(&self, mail: impl FnOnce(oneshot::Sender<()>) -> Mail) -> bool {
        let (done, dealt_with) = oneshot::channel();
        self.mailbox.send(mail(done)).await.is_ok() && dealt_with.await.is_ok()
    }
}
