//! Incoming calls: told as events, declined and answered with a text as the settings say.

use std::sync::Arc;
use std::time::Duration;

use pombal_domain::time::UnixMs;
use pombal_domain::{
    Chain, Command, CommandId, EventId, MessageId, Op, PhoneNumber, Recipient, SendText,
};
use pombal_store::queue::Outgoing;
use whatsapp_rust::Jid;
use whatsapp_rust::types::call::{CallAction, IncomingCall};
use whatsapp_rust::types::events::Event;

use crate::convert::call;
use crate::instance::run::Run;
use crate::instance::supervisor::{Error, Supervisor};

/// A text to a caller is of no use much later.
const TEXT_TTL: Duration = Duration::from_secs(300);

impl Supervisor {
    /// Acts on a call.
    pub(super) async fn on_call(&self, run: &Run, event: &Event) -> Result<(), Error> {
        let told = match event {
            Event::IncomingCall(incoming) if self.ignores(incoming) => None,
            Event::IncomingCall(incoming) => {
                self.answer_offer(run, incoming).await;
                call::incoming(self.row.id, incoming)
            }
            Event::MissedCall(missed) => call::missed(self.row.id, missed),
            _ => None,
        };
        Ok(self.publisher.tell(told).await?)
    }

    fn ignores(&self, incoming: &IncomingCall) -> bool {
        self.row.settings.groups_ignore && call::is_group(incoming)
    }

    /// What the settings say about a call that starts to ring.
    async fn answer_offer(&self, run: &Run, incoming: &IncomingCall) {
        if !matches!(incoming.action, CallAction::Offer { .. }) || incoming.offline {
            return;
        }
        if self.row.settings.reject_call {
            let client = Arc::clone(&run.built.client);
            let (id, offer) = (self.row.id, incoming.clone());
            // The supervisor must not wait for a socket that may be dying.
            tokio::spawn(async move {
                if let Err(error) = client.voip().reject(&offer).await {
                    tracing::warn!(instance.id = %id, %error, "call not rejected");
                }
            });
        }
        let text = self.row.settings.msg_call.trim();
        if let Some(to) = recipient(call::caller(incoming)).filter(|_| !text.is_empty()) {
            let call = incoming.action.call_id();
            if let Err(error) = self.queue_text(to, text, call).await {
                tracing::warn!(instance.id = %self.row.id, error = %Chain(&error), "no text for the caller");
            }
        }
    }

    /// Sends a text the way the API does: through the shard's queue, so that it has its retries
    /// and its events. The call's id keeps a repeated offer from being answered twice.
    async fn queue_text(
        &self,
        to: Recipient,
        text: &str,
        call: &str,
    ) -> Result<(), pombal_store::queue::Error> {
        let Some(queue) = self.context.seams.commands.get(&self.context.shard) else {
            return Ok(());
        };
        let dedup = EventId::derive(self.row.id, &["call text", &to.jid(), call]);
        let command = Command {
            id: CommandId::random(),
            instance: self.row.id,
            name: self.row.name.clone(),
            not_after: UnixMs::now().plus(TEXT_TTL),
            reply: false,
            op: Op::SendText(Box::new(SendText {
                to,
                text: text.to_owned(),
                message_id: MessageId::random(),
                delay_ms: 0,
                quoted: None,
                mentioned: Vec::new(),
            })),
        };
        let message = Outgoing::fifo(&command, command.group(), dedup.to_string())
            .map_err(|error| pombal_store::queue::Error::Storage(error.into()))?;
        queue.send(&[message]).await
    }
}

fn recipient(jid: &Jid) -> Option<Recipient> {
    if jid.is_lid() {
        return Some(Recipient::Lid(jid.user.to_string()));
    }
    PhoneNumber::parse(&jid.user).ok().map(Recipient::Phone)
}
