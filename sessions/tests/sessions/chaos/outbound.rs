//! What we send: nothing is published before its lease is durable.

use std::pin::pin;

use futures::poll;
use wacore::libsignal::protocol::{
    PreKeyBundle, ProtocolAddress, SenderKeyDistributionMessage, SenderKeyMessage, SenderKeyName,
};

use super::process::Process;
use super::signal::{Dm, Signal};
use super::world::{World, failed};
use super::{Checked, ensure};
use crate::faults::{ALWAYS, Fault, Op};

/// Messages on their way to the peer at most.
const IN_FLIGHT: usize = 20;
/// Chains that the peer remembers for sure; the library keeps five.
const CHAINS: usize = 4;

/// Polls a future so often, then drops it, wherever it is.
pub(super) async fn abandoned<T>(polls: u64, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let std::task::Poll::Ready(done) = poll!(&mut future) {
            return Some(done);
        }
        tokio::task::yield_now().await;
    }
    None
}

/// Encrypts, with a new session from the peer's bundle if there is none.
async fn encrypt(
    signal: &Signal,
    to: &ProtocolAddress,
    bundle: &PreKeyBundle,
    text: &[u8],
    seed: u64,
) -> Checked<Dm> {
    if !signal.has_session(to).await.map_err(failed)? {
        signal.start(to, bundle, seed).await.map_err(failed)?;
    }
    signal.encrypt(to, text).await.map_err(failed)
}

type GroupMessage = (SenderKeyDistributionMessage, SenderKeyMessage);

async fn encrypt_group(
    signal: &Signal,
    chain: &SenderKeyName,
    text: &[u8],
    seed: u64,
) -> Checked<GroupMessage> {
    let distribution = signal.distribution(chain, seed).await.map_err(failed)?;
    let message = signal
        .group_encrypt(chain, text, seed)
        .await
        .map_err(failed)?;
    Ok((distribution, message))
}

/// The library's gate before the wire (`Client::persist_signal_state_pre_wire`).
async fn open_gate(signal: &Signal) -> Checked<()> {
    if signal.cache.needs_pre_wire_flush().await {
        signal.flush().await.map_err(failed)?;
        let open = !signal.cache.needs_pre_wire_flush().await;
        ensure!(open, "a flush that succeeded left the gate shut");
    }
    Ok(())
}

impl World {
    fn text(&mut self) -> Vec<u8> {
        format!("text {}", self.number()).into_bytes()
    }

    pub(super) async fn send(&mut self, gate_fails: bool) -> Checked<()> {
        let text = self.text();
        self.send_text(text, gate_fails).await
    }

    async fn send_text(&mut self, text: Vec<u8>, gate_fails: bool) -> Checked<()> {
        let bundle = self.peer.bundle(None).await;
        let seed = self.number();
        let signal = self.process.signal.clone();
        let dm = encrypt(&signal, &self.them, &bundle, &text, seed).await?;
        if self.gate(gate_fails).await? {
            self.publish(dm, text).await?;
        }
        Ok(())
    }

    pub(super) async fn group_send(&mut self, gate_fails: bool) -> Checked<()> {
        let text = self.text();
        self.group_send_text(text, gate_fails).await
    }

    async fn group_send_text(&mut self, text: Vec<u8>, gate_fails: bool) -> Checked<()> {
        let seed = self.number();
        let signal = self.process.signal.clone();
        let sent = encrypt_group(&signal, &self.our_chain, &text, seed).await?;
        if self.gate(gate_fails).await? {
            self.publish_group(sent, text).await?;
        }
        Ok(())
    }

    pub(super) async fn cancel_send(&mut self, polls: u64) -> Checked<()> {
        let (text, seed) = (self.text(), self.number());
        let bundle = self.peer.bundle(None).await;
        let (signal, them) = (self.process.signal.clone(), self.them.clone());
        let sent = abandoned(polls, async {
            let dm = encrypt(&signal, &them, &bundle, &text, seed).await?;
            open_gate(&signal).await?;
            Checked::Ok(dm)
        });
        match sent.await {
            Some(dm) => self.publish(dm?, text).await,
            None => {
                self.count("cancelled sends");
                Ok(())
            }
        }
    }

    pub(super) async fn cancel_group_send(&mut self, polls: u64) -> Checked<()> {
        let (text, seed) = (self.text(), self.number());
        let (signal, chain) = (self.process.signal.clone(), self.our_chain.clone());
        let sent = abandoned(polls, async {
            let sent = encrypt_group(&signal, &chain, &text, seed).await?;
            open_gate(&signal).await?;
            Checked::Ok(sent)
        });
        match sent.await {
            Some(sent) => self.publish_group(sent?, text).await,
            None => {
                self.count("cancelled group sends");
                Ok(())
            }
        }
    }

    /// The write-behind flush runs while a send has the session checked out.
    pub(super) async fn send_during_flush(&mut self) -> Checked<()> {
        let (text, seed) = (self.text(), self.number());
        let bundle = self.peer.bundle(None).await;
        let (signal, them) = (self.process.signal.clone(), self.them.clone());
        let (flushed, dm) = futures::join!(
            signal.flush(),
            encrypt(&signal, &them, &bundle, &text, seed)
        );
        flushed.map_err(failed)?;
        let dm = dm?;
        open_gate(&signal).await?;
        self.publish(dm, text).await
    }

    /// Opens the gate, or fails to. False: the message may not be sent.
    async fn gate(&mut self, fails: bool) -> Checked<bool> {
        let signal = self.process.signal.clone();
        if !fails || !signal.cache.needs_pre_wire_flush().await {
            open_gate(&signal).await?;
            return Ok(true);
        }
        self.process.faults.heal();
        self.process
            .faults
            .plan(Op::Put, "/wal/", 0, ALWAYS, Fault::Refused);
        ensure!(
            signal.flush().await.is_err(),
            "a write that was refused succeeded"
        );
        let shut = signal.cache.needs_pre_wire_flush().await;
        ensure!(shut, "a flush that failed opened the gate");
        self.count("refused gates");
        self.crash().await?;
        Ok(false)
    }

    async fn publish(&mut self, dm: Dm, text: Vec<u8>) -> Checked<()> {
        let key = dm.key();
        let place = key.1;
        ensure!(
            self.published.insert(key),
            "a message key was used twice, at {place}"
        );
        self.count("published");
        self.wire.push_back((dm, text));
        self.probe().await?;
        while self.wire.len() > IN_FLIGHT {
            self.deliver().await?;
        }
        Ok(())
    }

    async fn publish_group(
        &mut self,
        (distribution, message): GroupMessage,
        text: Vec<u8>,
    ) -> Checked<()> {
        let (chain, place) = (message.chain_id(), message.iteration());
        let fresh = self.published_group.insert((chain, place));
        ensure!(
            fresh,
            "a group's message key was used twice: {chain} at {place}"
        );
        self.count("published to the group");
        if !self.known_chains.contains(&chain) {
            let learnt = self.peer.learn(&self.our_chain, &distribution).await;
            learnt.map_err(|e| format!("the peer can't learn the chain: {e:?}"))?;
            self.known_chains.push_back(chain);
            if self.known_chains.len() > CHAINS {
                self.known_chains.pop_front();
            }
        }
        self.group_wire
            .push_back((message.serialized().to_vec(), text));
        self.probe().await?;
        while self.group_wire.len() > IN_FLIGHT {
            self.deliver_group().await?;
        }
        Ok(())
    }

    /// If the process died now: would the next one use a key again?
    async fn probe(&mut self) -> Checked<()> {
        let next = Process::start(&self.disk.fork(), Some(&self.device)).await?;
        let broken = |e| format!("the next process can't send: {e:?}");
        if next.signal.has_session(&self.them).await.map_err(broken)? {
            let key = next
                .signal
                .encrypt(&self.them, b"probe")
                .await
                .map_err(broken)?
                .key();
            let place = key.1;
            ensure!(
                !self.published.contains(&key),
                "after a crash {place} is used again"
            );
        }
        if next
            .signal
            .has_sender_key(&self.our_chain)
            .await
            .map_err(broken)?
        {
            let message = next
                .signal
                .group_encrypt(&self.our_chain, b"probe", 1)
                .await;
            let message = message.map_err(broken)?;
            let key = (message.chain_id(), message.iteration());
            ensure!(
                !self.published_group.contains(&key),
                "after a crash {key:?} is used again"
            );
        }
        next.faults.crash();
        Ok(())
    }

    /// The peer gets one of the messages on their way, and reads what was written.
    pub(super) async fn deliver(&mut self) -> Checked<()> {
        if self.wire.is_empty() {
            return Ok(());
        }
        let at = self.rng.below(self.wire.len() as u64) as usize;
        let (dm, text) = self.wire.remove(at).unwrap();
        let seed = self.number();
        match self.peer.decrypt(&self.us, &dm, seed).await {
            Ok(plain) => {
                ensure!(plain == text, "the peer reads something else");
                self.count("delivered");
                Ok(())
            }
            Err(error) => {
                let lost = self.peer_lost_session;
                ensure!(lost, "the peer can't read a message: {error:?}");
                // Its retry receipt: a new session, and the text once more.
                self.count("retries to the peer");
                self.process.signal.cache.delete_session(&self.them).await;
                self.we_lost_session = true;
                let sent = Box::pin(self.send_text(text.clone(), false)).await;
                if sent.is_err() {
                    self.wire.push_back((dm, text));
                }
                sent
            }
        }
    }

    pub(super) async fn deliver_group(&mut self) -> Checked<()> {
        if self.group_wire.is_empty() {
            return Ok(());
        }
        let at = self.rng.below(self.group_wire.len() as u64) as usize;
        let (bytes, text) = self.group_wire.remove(at).unwrap();
        let plain = self.peer.group_decrypt(&self.our_chain, &bytes).await;
        let plain = plain.map_err(|e| format!("the group can't read a message: {e:?}"))?;
        ensure!(plain == text, "the group reads something else");
        self.count("delivered to the group");
        Ok(())
    }

    /// The peer lost our sender key: it asks for it, and for what it could not read.
    pub(super) async fn peer_forgets_sender_key(&mut self) -> Checked<()> {
        let name = self.our_chain.cache_key().to_owned();
        self.peer.cache.delete_sender_key(&name).await;
        self.known_chains.clear();
        for (_, text) in std::mem::take(&mut self.group_wire) {
            self.count("retries to the group");
            self.group_send_text(text, false).await?;
        }
        Ok(())
    }

    pub(super) async fn forget_sender_key(&mut self) -> Checked<()> {
        while !self.group_wire.is_empty() {
            self.deliver_group().await?;
        }
        let name = self.our_chain.cache_key().to_owned();
        self.process.signal.cache.delete_sender_key(&name).await;
        Ok(())
    }

    pub(super) async fn flush(&mut self) -> Checked<()> {
        let signal = self.process.signal.clone();
        signal.flush().await.map_err(failed)?;
        ensure!(
            !signal.cache.needs_pre_wire_flush().await,
            "a flush left the gate shut"
        );
        Ok(())
    }

    pub(super) async fn flush_fails(&mut self) -> Checked<()> {
        let signal = self.process.signal.clone();
        let gated = signal.cache.needs_pre_wire_flush().await;
        self.process.faults.heal();
        self.process
            .faults
            .plan(Op::Put, "/wal/", 0, ALWAYS, Fault::Refused);
        let flushed = signal.flush().await;
        ensure!(!gated || flushed.is_err(), "a refused flush succeeded");
        self.process.faults.heal();
        if flushed.is_err() {
            // The shard's handle is of no more use.
            self.count("failed flushes");
            let dead = self.process.session.put_meta("dead", b"", true).await;
            ensure!(dead.is_err(), "a database wrote on after a failed commit");
            return self.crash().await;
        }
        Ok(())
    }

    pub(super) async fn crash_while_flushing(&mut self) -> Checked<()> {
        let fault = if self.rng.coin() {
            Fault::CrashBefore
        } else {
            Fault::CrashAfter
        };
        self.process.faults.heal();
        self.process.faults.plan(Op::Put, "/wal/", 0, 1, fault);
        let (signal, faults) = (self.process.signal.clone(), self.process.faults.clone());
        let gone = async {
            while !faults.crashed() {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            flushed = signal.flush() => flushed.map_err(failed)?,
            () = gone => {}
        }
        self.crash().await
    }

    /// Everything is written, then read again by the same process: no place is skipped.
    pub(super) async fn clean_reload(&mut self) -> Checked<()> {
        let before = self.places().await?;
        self.flush().await?;
        self.process.signal.cache.clear_after_flush().await;
        let after = self.places().await?;
        ensure!(
            before == after,
            "a clean reload moved from {before:?} to {after:?}"
        );
        Ok(())
    }

    async fn places(&self) -> Checked<(Option<u32>, Option<(u32, u32)>)> {
        let signal = &self.process.signal;
        let session = signal
            .cache
            .peek_session(&self.them, &*signal.backend)
            .await;
        let place = session.map_err(failed)?.and_then(|record| {
            let chain = record.session_state()?.get_sender_chain_key().ok()?;
            Some(chain.index())
        });
        let key = signal
            .cache
            .get_sender_key(&self.our_chain, &*signal.backend)
            .await;
        let group_place = key.map_err(failed)?.and_then(|record| {
            let state = record.sender_key_state().ok()?;
            Some((state.chain_id(), state.sender_chain_key()?.iteration()))
        });
        Ok((place, group_place))
    }
}
