//! The state machine: what was published, what is on its way, and what happens next.

use std::collections::{HashMap, HashSet, VecDeque};

use object_store::memory::InMemory;
use pombal_domain::Seq;
use wacore::libsignal::protocol::{ProtocolAddress, SenderKeyDistributionMessage, SenderKeyName};
use wacore::store::in_memory::InMemoryBackend;
use wacore::store::traits::SignalStore;

use super::inbound::Inbound;
use super::process::Process;
use super::signal::{Dm, Signal, prekey};
use super::{Checked, ensure};
use crate::support::Rng;

pub(super) const PREKEYS: u32 = 150;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Send { gate_fails: bool },
    GroupSend { gate_fails: bool },
    CancelSend { polls: u64 },
    CancelGroupSend { polls: u64 },
    SendDuringFlush,
    Deliver,
    DeliverGroup,
    PeerSends { group: bool },
    Receive,
    CancelReceive { polls: u64 },
    Flush,
    FlushFails,
    CleanReload,
    LossyClear,
    Crash,
    CrashWhileFlushing,
    ForgetSession,
    ForgetSenderKey,
    PeerForgetsSession,
    PeerForgetsSenderKey,
    Note,
    Trouble { percent: u64 },
}

pub(super) struct World {
    pub(super) rng: Rng,
    pub(super) disk: InMemory,
    pub(super) device: wacore::store::Device,
    pub(super) process: Process,
    pub(super) peer: Signal,
    pub(super) us: ProtocolAddress,
    pub(super) them: ProtocolAddress,
    pub(super) our_chain: SenderKeyName,
    pub(super) their_chain: SenderKeyName,
    /// Message keys that were on the wire: chain and place.
    pub(super) published: HashSet<(Vec<u8>, u32)>,
    pub(super) published_group: HashSet<(u32, u32)>,
    /// On their way to the peer.
    pub(super) wire: VecDeque<(Dm, Vec<u8>)>,
    pub(super) group_wire: VecDeque<(Vec<u8>, Vec<u8>)>,
    /// Sent by the peer and not acknowledged by us: they come again until they are.
    pub(super) inbound: VecDeque<Inbound>,
    pub(super) journal: HashMap<u64, Seq>,
    /// The peer's sender key, as its first message to the group brings it.
    pub(super) their_distribution: SenderKeyDistributionMessage,
    /// Our chains that the peer knows for sure.
    pub(super) known_chains: VecDeque<u32>,
    pub(super) retries_in_a_row: u32,
    seed: u64,
    /// Sessions get lost in this world, on either side. In the others every message must be
    /// read at the first try.
    forgetful: bool,
    next: u64,
    next_prekey: u32,
    pub(super) noted: u64,
    /// The peer's session is not the one that we go by.
    pub(super) peer_lost_session: bool,
    /// Some state that the peer goes by was lost by us, or by our doing.
    pub(super) we_lost_session: bool,
    pub(super) counts: HashMap<&'static str, u64>,
}

impl World {
    pub(super) async fn new(seed: u64) -> Checked<Self> {
        let disk = InMemory::new();
        let process = Process::start(&disk, None).await?;
        let device = process.signal.device.read().await.core.clone();
        let peer = Signal::new(
            wacore::store::Device::new(),
            std::sync::Arc::new(InMemoryBackend::new()),
        );
        let records: Vec<_> = (1..=PREKEYS).map(|id| (id, prekey(id, seed).0)).collect();
        process
            .session
            .store_prekeys_batch(&records, true)
            .await
            .map_err(|e| format!("{e:?}"))?;
        let their_chain =
            SenderKeyName::from_parts("120363000000000001@g.us", "15550002000@s.whatsapp.net:0");
        let distribution = peer.distribution(&their_chain, seed).await;
        let their_distribution = distribution.map_err(|e| format!("{e:?}"))?;
        Ok(Self {
            rng: Rng(seed | 1),
            disk,
            device,
            process,
            peer,
            us: ProtocolAddress::new("15550001000@s.whatsapp.net", 0.into()),
            them: ProtocolAddress::new("15550002000@s.whatsapp.net", 0.into()),
            our_chain: SenderKeyName::from_parts(
                "120363000000000001@g.us",
                "15550001000@s.whatsapp.net:0",
            ),
            their_chain,
            their_distribution,
            known_chains: VecDeque::new(),
            retries_in_a_row: 0,
            seed,
            forgetful: seed.count_ones().is_multiple_of(2),
            published: HashSet::new(),
            published_group: HashSet::new(),
            wire: VecDeque::new(),
            group_wire: VecDeque::new(),
            inbound: VecDeque::new(),
            journal: HashMap::new(),
            next: 0,
            next_prekey: 1,
            noted: 0,
            peer_lost_session: false,
            we_lost_session: false,
            counts: HashMap::new(),
        })
    }

    pub(super) fn choose(&mut self) -> Action {
        let polls = self.rng.below(12);
        match self.rng.below(64) {
            0..=11 => Action::Send { gate_fails: false },
            12 => Action::Send { gate_fails: true },
            13..=22 => Action::GroupSend { gate_fails: false },
            23 => Action::GroupSend { gate_fails: true },
            24 | 25 => Action::CancelSend { polls },
            26 | 27 => Action::CancelGroupSend { polls },
            28 => Action::SendDuringFlush,
            29..=32 => Action::Deliver,
            33..=36 => Action::DeliverGroup,
            37..=39 => Action::PeerSends { group: false },
            40 | 41 => Action::PeerSends { group: true },
            42..=46 => Action::Receive,
            47 | 48 => Action::CancelReceive { polls },
            49 => Action::Flush,
            50 => Action::FlushFails,
            51 | 52 => Action::CleanReload,
            53 => Action::LossyClear,
            54 => Action::Crash,
            55 => Action::CrashWhileFlushing,
            56 => Action::ForgetSession,
            57 => Action::ForgetSenderKey,
            58 => Action::PeerForgetsSession,
            59 => Action::PeerForgetsSenderKey,
            60 | 61 => Action::Note,
            _ => Action::Trouble {
                percent: self.rng.below(3) * 15,
            },
        }
    }

    pub(super) async fn act(&mut self, action: Action) -> Checked<()> {
        let done = self.step(action).await;
        let Err(why) = done else { return Ok(()) };
        // A broken promise is one whatever failed. Anything else needs a reason.
        // A commit that failed, even an abandoned one, is the end of its process.
        let excused = self.process.faults.injected() > 0;
        let Some(failure) = why.strip_prefix(FAILED) else {
            return Err(why);
        };
        ensure!(excused, "failed for no reason: {failure}");
        self.count("excused");
        self.crash().await
    }

    async fn step(&mut self, action: Action) -> Checked<()> {
        match action {
            Action::Send { gate_fails } => self.send(gate_fails).await,
            Action::GroupSend { gate_fails } => self.group_send(gate_fails).await,
            Action::CancelSend { polls } => self.cancel_send(polls).await,
            Action::CancelGroupSend { polls } => self.cancel_group_send(polls).await,
            Action::SendDuringFlush => self.send_during_flush().await,
            Action::Deliver => self.deliver().await,
            Action::DeliverGroup => self.deliver_group().await,
            Action::PeerSends { group } => self.peer_sends(group).await,
            Action::Receive => self.receive().await,
            Action::CancelReceive { polls } => self.cancel_receive(polls).await,
            Action::Flush => self.flush().await,
            Action::FlushFails => self.flush_fails().await,
            Action::CleanReload => self.clean_reload().await,
            Action::LossyClear => {
                self.process.signal.cache.clear().await;
                Ok(())
            }
            Action::Crash => self.crash().await,
            Action::CrashWhileFlushing => self.crash_while_flushing().await,
            Action::ForgetSession | Action::PeerForgetsSession if !self.forgetful => Ok(()),
            Action::ForgetSession => {
                self.process.signal.cache.delete_session(&self.them).await;
                self.we_lost_session = true;
                Ok(())
            }
            Action::ForgetSenderKey => self.forget_sender_key().await,
            Action::PeerForgetsSession => {
                self.peer.cache.delete_session(&self.us).await;
                self.peer_lost_session = true;
                Ok(())
            }
            Action::PeerForgetsSenderKey => self.peer_forgets_sender_key().await,
            Action::Note => self.note().await,
            Action::Trouble { percent } => {
                let seed = self.rng.next();
                self.process.faults.heal();
                if percent > 0 {
                    self.process.faults.random(seed, percent);
                }
                Ok(())
            }
        }
    }

    /// The process dies, and another opens the shard. Whatever was noted is there.
    pub(super) async fn crash(&mut self) -> Checked<()> {
        self.count("crashes");
        self.process.faults.crash();
        self.process = Process::start(&self.disk, Some(&self.device)).await?;
        let noted = self
            .process
            .session
            .get_meta("note")
            .await
            .map_err(failed)?;
        let found = noted.map_or(0, |note| u64::from_be_bytes(note.try_into().unwrap()));
        ensure!(
            found >= self.noted,
            "note {} was acknowledged, {found} is there",
            self.noted
        );
        Ok(())
    }

    async fn note(&mut self) -> Checked<()> {
        let n = self.noted + 1;
        let note = n.to_be_bytes();
        let put = self.process.session.put_meta("note", &note, true);
        put.await.map_err(failed)?;
        self.noted = n;
        Ok(())
    }

    /// The end: everything on its way arrives.
    pub(super) async fn finish(&mut self) -> Checked<()> {
        self.process.faults.heal();
        self.crash().await?;
        while !self.inbound.is_empty() {
            self.receive().await?;
        }
        while !self.wire.is_empty() {
            self.deliver().await?;
        }
        while !self.group_wire.is_empty() {
            self.deliver_group().await?;
        }
        let mut seqs: Vec<u64> = self.journal.values().map(|seq| seq.0).collect();
        seqs.sort_unstable();
        let gapless = (1..=seqs.len() as u64).eq(seqs.iter().copied());
        ensure!(gapless, "sequence numbers: {seqs:?}");
        Ok(())
    }

    pub(super) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub(super) fn summary(&self) -> String {
        let mut counts: Vec<_> = self.counts.iter().collect();
        counts.sort();
        format!("{counts:?}")
    }

    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// A prekey of ours that nobody has used yet, as the server hands them out.
    pub(super) fn take_prekey(&mut self) -> (u32, wacore::libsignal::protocol::PublicKey) {
        let id = self.next_prekey;
        assert!(id <= PREKEYS, "out of prekeys");
        self.next_prekey += 1;
        (id, prekey(id, self.seed).1)
    }
}

/// Marks an error that a fault may excuse.
const FAILED: &str = "failed: ";

pub(super) fn failed(error: impl std::fmt::Debug) -> String {
    format!("{FAILED}{error:?}")
}
