//! What the peer sends: none is lost between its decryption and our journal.

use pombal_domain::{EventId, Seq};
use pombal_sessions::{JournalRow, Session};
use wacore::libsignal::protocol::{
    ProtocolAddress, SenderKeyDistributionMessage, SenderKeyName, SignalProtocolError,
};
use wacore::store::traits::ProtocolStore;

use super::outbound::abandoned;
use super::process::INSTANCE;
use super::signal::{Dm, Signal};
use super::world::{World, failed};
use super::{Checked, ensure};

const CHAT: &str = "120363000000000001@g.us";
const SENDER: &str = "15550002000@s.whatsapp.net";
/// Messages that WhatsApp keeps for us at most.
const QUEUE: usize = 12;

#[derive(Clone)]
pub(super) enum Sealed {
    Dm(Dm),
    Group(Vec<u8>),
}

/// A message of the peer. It comes again until it is acknowledged.
#[derive(Clone)]
pub(super) struct Inbound {
    number: u64,
    text: Vec<u8>,
    sealed: Sealed,
}

enum Taken {
    /// In the journal, and the buffer is dropped: it may be acknowledged.
    Journaled(Seq),
    /// Decrypted before, and in neither place.
    Lost,
    Unreadable(SignalProtocolError),
}

/// What receiving needs, so that its future can be dropped anywhere.
#[derive(Clone)]
struct Receiver {
    session: Session,
    signal: Signal,
    them: ProtocolAddress,
    chain: SenderKeyName,
    distribution: SenderKeyDistributionMessage,
}

impl Receiver {
    async fn open(&self, message: &Inbound, seed: u64) -> Result<Vec<u8>, SignalProtocolError> {
        match &message.sealed {
            Sealed::Dm(dm) => self.signal.decrypt(&self.them, dm, seed).await,
            Sealed::Group(bytes) => {
                if !self.signal.has_sender_key(&self.chain).await? {
                    self.signal.learn(&self.chain, &self.distribution).await?;
                }
                self.signal.group_decrypt(&self.chain, bytes).await
            }
        }
    }

    /// As the client does: the row, then the ratchet, then the hook (our journal), then the
    /// acknowledgement and the row's end.
    async fn take(&self, message: &Inbound, seed: u64) -> Checked<Taken> {
        let id = message.number.to_string();
        let event = EventId::derive(INSTANCE, &[&id]);
        let text = match self.open(message, seed).await {
            Ok(text) => {
                let row = self.session.store_pending_inbound(CHAT, SENDER, &id, &text);
                row.await.map_err(failed)?;
                self.signal.flush().await.map_err(failed)?;
                Some(text)
            }
            Err(SignalProtocolError::DuplicatedMessage(..)) => {
                let row = self.session.get_pending_inbound(CHAT, SENDER, &id);
                row.await.map_err(failed)?
            }
            Err(error @ SignalProtocolError::BackendError(..)) => return Err(failed(error)),
            Err(error) => return Ok(Taken::Unreadable(error)),
        };
        let known = text.is_none();
        if let Some(text) = &text {
            ensure!(*text == message.text, "it reads something else");
        }
        if known {
            let unsent = self.session.journal_unsent().await.map_err(failed)?;
            if unsent.iter().all(|(_, id, _)| *id != event) {
                return Ok(Taken::Lost);
            }
        }
        let payload = text.unwrap_or_default();
        let row = JournalRow::new(event, move |_| payload);
        let appended = self
            .session
            .journal_append(vec![row])
            .await
            .map_err(failed)?;
        let dropped = self.session.delete_pending_inbound(CHAT, SENDER, &id);
        dropped.await.map_err(failed)?;
        Ok(Taken::Journaled(appended[0].seq()))
    }
}

impl World {
    fn receiver(&self) -> Receiver {
        Receiver {
            session: self.process.session.clone(),
            signal: self.process.signal.clone(),
            them: self.them.clone(),
            chain: self.their_chain.clone(),
            distribution: self.their_distribution.clone(),
        }
    }

    pub(super) async fn peer_sends(&mut self, group: bool) -> Checked<()> {
        let number = self.number();
        let text = format!("reply {number}").into_bytes();
        let broken = |e| format!("the peer can't send: {e:?}");
        let sealed = if group {
            let message = self.peer.group_encrypt(&self.their_chain, &text, number);
            Sealed::Group(message.await.map_err(broken)?.serialized().to_vec())
        } else {
            self.peer_encrypts(&text).await?
        };
        let message = Inbound {
            number,
            text,
            sealed,
        };
        self.inbound.push_back(message);
        while self.inbound.len() > QUEUE {
            self.receive().await?;
        }
        Ok(())
    }

    async fn peer_encrypts(&mut self, text: &[u8]) -> Checked<Sealed> {
        let broken = |e| format!("the peer can't send: {e:?}");
        if !self.peer.has_session(&self.us).await.map_err(broken)? {
            let one_time = self.take_prekey();
            let bundle = self.process.signal.bundle(Some(one_time)).await;
            let seed = self.number();
            self.peer
                .start(&self.us, &bundle, seed)
                .await
                .map_err(broken)?;
        }
        let dm = self.peer.encrypt(&self.us, text).await.map_err(broken)?;
        Ok(Sealed::Dm(dm))
    }

    fn any_inbound(&mut self) -> Option<usize> {
        let waiting = self.inbound.len() as u64;
        (waiting > 0).then(|| self.rng.below(waiting) as usize)
    }

    pub(super) async fn receive(&mut self) -> Checked<()> {
        let Some(at) = self.any_inbound() else {
            return Ok(());
        };
        let (receiver, seed) = (self.receiver(), self.number());
        let taken = receiver.take(&self.inbound[at], seed).await?;
        self.took(at, taken).await
    }

    pub(super) async fn cancel_receive(&mut self, polls: u64) -> Checked<()> {
        let Some(at) = self.any_inbound() else {
            return Ok(());
        };
        let (receiver, seed) = (self.receiver(), self.number());
        match abandoned(polls, receiver.take(&self.inbound[at], seed)).await {
            Some(taken) => self.took(at, taken?).await,
            None => {
                self.count("cancelled receives");
                // Its ratchet may be ahead of its row: both are dropped, WhatsApp sends it again.
                self.process.signal.cache.clear().await;
                Ok(())
            }
        }
    }

    async fn took(&mut self, at: usize, taken: Taken) -> Checked<()> {
        let number = self.inbound[at].number;
        match taken {
            Taken::Journaled(seq) => {
                let before = *self.journal.entry(number).or_insert(seq);
                ensure!(before == seq, "an event has two numbers: {before}, {seq}");
                self.inbound.remove(at);
                self.count("received");
                Ok(())
            }
            Taken::Lost => Err(format!("message {number} was decrypted and is lost")),
            Taken::Unreadable(error) => {
                let lost = self.we_lost_session || self.peer_lost_session;
                ensure!(lost, "message {number} does not decrypt: {error:?}");
                // Our retry receipt: a new session of the peer's, and the text once more.
                self.count("retries to us");
                ensure!(
                    self.retries_in_a_row < 3,
                    "message {number} never decrypts: {error:?}"
                );
                self.retries_in_a_row += 1;
                self.peer.cache.delete_session(&self.us).await;
                self.peer_lost_session = true;
                let text = self.inbound[at].text.clone();
                self.inbound[at].sealed = self.peer_encrypts(&text).await?;
                let (receiver, seed) = (self.receiver(), self.number());
                let taken = receiver.take(&self.inbound[at], seed).await?;
                Box::pin(self.took(at, taken)).await?;
                self.retries_in_a_row = 0;
                Ok(())
            }
        }
    }
}
