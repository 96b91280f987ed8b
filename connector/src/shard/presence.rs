//! Whether an account appears online, on command.

use std::time::Duration;

use pombal_domain::command::OwnPresence;
use pombal_domain::{Op, Reply};
use tokio::time::timeout;

use crate::instance::Link;
use crate::shard::Shard;
use crate::shard::commands::{Job, expired};

/// Longest wait for the socket to take the stanza. WhatsApp does not answer it.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

impl Shard {
    /// Runs a command that sets the presence. It is not kept for later: who is not connected
    /// appears offline whatever he wants.
    pub(super) async fn set_presence(&self, job: &Job) {
        let Op::SetPresence { presence } = job.command.op else {
            return;
        };
        if expired(&job.command) {
            return self.finish(job, &Reply::TimedOut).await;
        }
        let link = match self.known(job.command.instance).await {
            Some(handle) => handle.live.borrow().clone(),
            None => match self.elsewhere(&job.command).await {
                Some(row) => return self.forward(std::slice::from_ref(job), &row).await,
                None => None,
            },
        };
        let reply = match link {
            Some(link) => set(&link, presence).await,
            None => failed("Connection Closed"),
        };
        self.finish(job, &reply).await;
    }
}

async fn set(link: &Link, presence: OwnPresence) -> Reply {
    let own = link.client.presence();
    let sent = async {
        match presence {
            OwnPresence::Available => own.set_available().await,
            OwnPresence::Unavailable => own.set_unavailable().await,
            // These are shown in a chat, and none is named: there is nobody to show them to.
            OwnPresence::Composing | OwnPresence::Recording | OwnPresence::Paused => Ok(()),
        }
    };
    match timeout(SEND_TIMEOUT, sent).await {
        Ok(Ok(())) => Reply::Done,
        Ok(Err(error)) => {
            tracing::warn!(%error, "presence not set");
            failed("Connection Closed")
        }
        Err(_) => Reply::TimedOut,
    }
}

fn failed(message: &str) -> Reply {
    Reply::Failed {
        message: message.to_owned(),
    }
}
