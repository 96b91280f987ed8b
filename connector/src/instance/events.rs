//! What the supervisor does about the events of its client.

use std::sync::Arc;
use std::time::Duration;

use pombal_domain::time::UnixMs;
use pombal_domain::{Cause, Chain, ConnectionState, Pairing, QrCode, Reconnect};
use tokio::time::Instant;
use whatsapp_rust::pair_code::PairCodeOptions;
use whatsapp_rust::types::events::Event;

use crate::instance::run::Run;
use crate::instance::supervisor::{Error, Supervisor};
use crate::instance::{Link, cause, online, patience};
use crate::whatsapp::qr;

impl Supervisor {
    /// Acts on an event. `Some` is a cause to end the connection at once.
    pub(super) async fn on_event(
        &mut self,
        run: &mut Run,
        event: &Event,
    ) -> Result<Option<Cause>, Error> {
        if let Some(cause) = cause::of(event) {
            // The first cause is the real one, and what follows is its consequence; but one
            // that ends it for good is never a consequence.
            let passing = |cause: Cause| cause.outcome().reconnect == Reconnect::Backoff;
            if run
                .now
                .cause
                .is_none_or(|first| passing(first) && !passing(cause))
            {
                run.now.cause = Some(cause);
            }
            if matches!(event, Event::RawNode(_)) {
                // The client itself would go on with some of these streams.
                run.now.stream_ends_at = Some(Instant::now() + patience::STREAM_END);
            }
            return Ok(None);
        }
        match event {
            Event::PairingQrCode(code) => {
                if self.codes_shown >= self.context.options.qr_limit {
                    return Ok(Some(Cause::PairingExpired));
                }
                self.codes_shown += 1;
                self.request_code(run).await;
                let base64 = match qr::data_url(&code.code, self.context.options.qr_color) {
                    Ok(base64) => Some(base64),
                    Err(error) => {
                        tracing::error!(instance.id = %self.row.id, error = %Chain(&error), "QR code not drawn");
                        None
                    }
                };
                self.show(run, Some(code.code.clone()), base64, code.timeout)
                    .await?;
            }
            Event::PairingCode(code) => {
                run.now.pairing_code = Some(code.code.clone());
                run.now.pairing_code_until = Some(Instant::now() + code.timeout);
                let (text, base64) = match &run.now.last_qr {
                    Some(qr) => (qr.code.clone(), qr.base64.clone()),
                    None => (None, None),
                };
                self.show(run, text, base64, code.timeout).await?;
            }
            Event::PairingCodeError(failed) => {
                tracing::warn!(instance.id = %self.row.id, error = failed.error, "no pairing code");
            }
            Event::PairingCodeRefresh(_) => {
                run.now.code_requested = None;
                self.request_code(run).await;
            }
            // The codes ran out, but the client keeps the socket for a pairing code that is
            // still good. After that a new connection shows new ones.
            Event::PairingQrCodesExhausted(exhausted) if !exhausted.disconnected => {
                run.now.give_up_at = Some(run.now.pairing_code_until.unwrap_or_else(Instant::now));
            }
            Event::PairSuccess(_) => {
                self.codes_shown = 0;
                self.flush(run).await?;
                tracing::info!(instance.id = %self.row.id, "paired");
            }
            Event::PairError(failed) => {
                tracing::warn!(instance.id = %self.row.id, error = failed.error, "pairing failed");
            }
            Event::Connected(_) => self.on_open(run).await?,
            Event::SelfPushNameUpdated(updated) => {
                if let Some(fact) = self.state.renamed(updated.new_name.clone()) {
                    self.publish(vec![fact]).await?;
                }
                // The client takes a new name as an occasion to announce itself.
                if run.now.online.is_some() {
                    self.keep_presence(run);
                }
            }
            // What the durability hook has not seen: not end-to-end encrypted, or recovered.
            Event::Messages(batch) if !batch.hook_committed => {
                run.hook.commit(&batch.messages).await?;
            }
            Event::IncomingCall(_) | Event::MissedCall(_) => self.on_call(run, event).await?,
            // The client asks the sender for it again by itself.
            Event::UndecryptableMessage(_) => {
                tracing::warn!(instance.id = %self.row.id, "a message did not decrypt; asked again");
            }
            _ => {}
        }
        Ok(None)
    }

    /// A new wish for a socket, while one is there: it is answered with what there is.
    pub(super) async fn new_wish(&mut self, run: &mut Run) -> Result<(), Error> {
        let generation = self.row.generation;
        if self.state.observed.state == ConnectionState::Open {
            let owner = self.state.observed.owner_jid.clone().unwrap_or_default();
            let fact = self.state.open(owner, None, generation);
            return self.publish(vec![fact]).await;
        }
        self.request_code(run).await;
        match run.now.last_qr.clone() {
            Some(qr) => {
                let fact = self.state.pairing(qr, generation);
                self.publish(vec![fact]).await
            }
            None => Ok(()),
        }
    }

    /// Publishes the codes of the moment.
    async fn show(
        &mut self,
        run: &mut Run,
        code: Option<String>,
        base64: Option<String>,
        valid_for: Duration,
    ) -> Result<(), Error> {
        let qr = QrCode {
            code,
            base64,
            pairing_code: run.now.pairing_code.clone(),
            count: self.codes_shown,
            expires_at: UnixMs::now().plus(valid_for),
        };
        run.now.last_qr = Some(qr.clone());
        let fact = self.state.pairing(qr, self.row.generation);
        self.publish(vec![fact]).await
    }

    /// Asks WhatsApp for a pairing code, once per connection and number, if the user wants one.
    async fn request_code(&self, run: &mut Run) {
        let Pairing::Code { phone } = &self.row.pairing else {
            return;
        };
        if run.now.code_requested.as_ref() == Some(phone) {
            return;
        }
        let client = Arc::clone(&run.built.client);
        if run.now.code_requested.replace(phone.clone()).is_some() {
            // A code for another number would be of no use to whoever asked for this one.
            client.cancel_pair_code().await;
            run.now.pairing_code = None;
            if let Some(qr) = &mut run.now.last_qr {
                qr.pairing_code = None;
            }
        }
        let options = PairCodeOptions {
            phone_number: phone.as_str().to_owned(),
            ..Default::default()
        };
        // Its outcome comes as an event.
        tokio::spawn(async move { client.pair_with_code(options).await.map(drop) });
    }

    async fn on_open(&mut self, run: &mut Run) -> Result<(), Error> {
        self.flush(run).await?;
        let client = Arc::clone(&run.built.client);
        let owner = client
            .pn()
            .map(|jid| jid.to_non_ad_string())
            .unwrap_or_default();
        let name = Some(client.push_name()).filter(|name| !name.is_empty());
        let fact = self.state.open(owner, name, self.row.generation);
        self.publisher
            .set_owner(self.state.observed.owner_jid.clone());
        self.publish(vec![fact]).await?;
        run.now.opened_at = Some(Instant::now());
        self.keep_presence(run);
        self.live.send_replace(Some(Link {
            client,
            acks: Arc::clone(&run.built.acks),
            known: Arc::default(),
        }));
        let away_since = self.away_since.take();
        let gap_ms = away_since.map(|since| UnixMs::now().0.saturating_sub(since.0));
        tracing::info!(instance.id = %self.row.id, gap_ms, "open");
        Ok(())
    }

    /// Has the account appear online, or not, as the settings say.
    fn keep_presence(&self, run: &mut Run) {
        let client = Arc::clone(&run.built.client);
        let settings = self.settings.subscribe();
        run.now.online = Some(online::keep(self.row.id, client, settings));
    }

    /// Device state is written behind by the client; at these points it must be durable.
    async fn flush(&self, run: &Run) -> Result<(), Error> {
        Ok(run.built.client.persistence_manager().flush().await?)
    }
}
