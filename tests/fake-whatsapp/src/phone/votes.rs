//! Votes in polls: sealed with the secret of the poll (`wacore/src/poll.rs`).

use wacore::poll::{
    PollVoteAddressing, PollVoteCiphertext, compute_option_hash, decrypt_poll_vote_with_fallback,
    encrypt_poll_vote_with_secret,
};

use super::chat::group_of;
use super::held::{Arrival, InboxItem};
use super::kinds::{Kind, Reading, SealedVote};
use crate::error::Error;
use crate::groups::Addressing;
use crate::keys::Key32;
use crate::world::World;

impl World {
    /// The options that someone chose. `None` when it is not a vote that this phone can open.
    pub(super) fn open_vote(
        &self,
        phone: &str,
        arrival: &Arrival<'_>,
        reading: &Reading,
    ) -> Option<Vec<String>> {
        let vote = reading.vote.as_ref()?;
        let id = reading.target.as_deref()?;
        let (poll, secret) = self.poll(phone, arrival.chat, id)?;
        let creator = self.accounts.get(poll.sender(phone))?;
        let voter = self.accounts.get(arrival.sender)?;
        let names = |lid: bool| {
            let name = |account: &crate::world::account::Account| {
                if lid { account.lid(0) } else { account.jid(0) }.to_string()
            };
            (name(creator), name(voter))
        };
        let (lids, numbers) = (names(true), names(false));
        let hashes = decrypt_poll_vote_with_fallback(
            PollVoteCiphertext {
                enc_payload: &vote.payload,
                enc_iv: &vote.iv,
            },
            &secret.0,
            id,
            PollVoteAddressing {
                poll_creator_jid: &lids.0,
                voter_jid: &lids.1,
            },
            Some(PollVoteAddressing {
                poll_creator_jid: &numbers.0,
                voter_jid: &numbers.1,
            }),
        );
        match hashes {
            Ok(hashes) => Some(named(&poll.options, &hashes)),
            Err(error) => {
                tracing::warn!(%error, phone, id, "a vote that does not open");
                None
            }
        }
    }

    /// Seals a vote. In a group with LIDs the LIDs are in the seal, elsewhere the phone numbers.
    pub(super) fn seal_vote(
        &self,
        phone: &str,
        chat: &str,
        id: &str,
        options: &[String],
    ) -> Result<SealedVote, Error> {
        let (poll, secret) = self
            .poll(phone, chat, id)
            .ok_or_else(|| Error::missing(format!("no poll {id}")))?;
        if let Some(unknown) = options.iter().find(|option| !poll.options.contains(option)) {
            return Err(Error::BadRequest(format!("{unknown:?} is not an option")));
        }
        let creator = self.account(poll.sender(phone))?;
        let voter = self.account(phone)?;
        let lids = group_of(chat)
            .and_then(|jid| self.group(&jid))
            .is_some_and(|group| group.addressing == Addressing::Lid);
        let (creator, voter) = if lids {
            (creator.lid(0), voter.lid(0))
        } else {
            (creator.jid(0), voter.jid(0))
        };
        let hashes: Vec<_> = options
            .iter()
            .map(|option| compute_option_hash(option).to_vec())
            .collect();
        let (payload, iv) = encrypt_poll_vote_with_secret(
            &hashes,
            &secret.0,
            id,
            &creator.to_string(),
            &voter.to_string(),
        )
        .map_err(|error| Error::BadRequest(error.to_string()))?;
        Ok(SealedVote {
            payload,
            iv: iv.to_vec(),
        })
    }

    fn poll(&self, phone: &str, chat: &str, id: &str) -> Option<(&InboxItem, &Key32)> {
        let index = self.index_of(phone, chat, Some(id))?;
        let account = self.accounts.get(phone)?;
        let poll = account.inbox.get(index)?;
        let secret = account.secrets.get(&format!("{chat}/{id}"))?;
        (poll.kind == Kind::Poll).then_some((poll, secret))
    }
}

/// The options that have these hashes.
fn named(options: &[String], hashes: &[Vec<u8>]) -> Vec<String> {
    let chosen = |option: &&String| {
        let hash = compute_option_hash(option);
        hashes.iter().any(|known| known.as_slice() == hash)
    };
    options.iter().filter(chosen).cloned().collect()
}
