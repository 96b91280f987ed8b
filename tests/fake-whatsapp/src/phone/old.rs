//! Chats that a phone had before anybody linked a device, made up for tests.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::nodes::message_id;
use crate::store::Bucket;
use crate::time::now_ms;
use crate::world::World;
use crate::world::accounts::checked_number;

/// Numbers of people that are made up.
const FIRST_NUMBER: u64 = 5_521_900_000_001;
/// Time between two old messages of a chat.
const STEP_MS: u64 = 60_000;
/// The newest of them is this old.
const AGE_MS: u64 = 24 * 3600 * 1000;

/// A message from before.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct OldMessage {
    /// Phone number of the other side.
    pub(crate) chat: String,
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) at_ms: u64,
    pub(crate) from_me: bool,
}

impl World {
    /// Gives a phone `chats` chats with `messages` old messages each, on top of those it has.
    /// Makes the account, and those of the other sides.
    pub(crate) fn seed_history(
        &mut self,
        phone: &str,
        chats: usize,
        messages: usize,
    ) -> Result<(), Error> {
        let phone = checked_number(phone)?;
        self.ensure_account(&phone, "")?;
        let mut number = FIRST_NUMBER;
        for n in 0..chats {
            while self.accounts.contains_key(&number.to_string()) {
                number += 1;
            }
            let chat = number.to_string();
            self.ensure_account(&chat, &format!("Friend {}", n + 1))?;
            for m in 0..messages {
                self.add_old_message(&phone, &chat, m, messages)?;
            }
        }
        Ok(())
    }

    fn add_old_message(
        &mut self,
        phone: &str,
        chat: &str,
        n: usize,
        of: usize,
    ) -> Result<(), Error> {
        let age = AGE_MS + STEP_MS * (of - n) as u64;
        let message = OldMessage {
            chat: chat.to_owned(),
            id: message_id(),
            text: format!("old {}", n + 1),
            at_ms: now_ms().saturating_sub(age),
            from_me: n % 2 == 1,
        };
        // A client may send a receipt for any of them.
        let sender = if message.from_me { phone } else { chat };
        self.remember_id(sender, &message.id);
        let account = self.account_mut(phone)?;
        let key = format!("{phone}/{:010}", account.old_messages.len());
        account.old_messages.push(message.clone());
        self.store.put(Bucket::OldMessage, key, &message);
        Ok(())
    }
}
