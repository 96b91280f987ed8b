//! Trusted-contact tokens: who wrote to somebody lets them see a little more.
//!
//! Shapes: `wacore/src/iq/tctoken.rs` and
//! `whatsapp-rust/src/handlers/notification/privacy_business.rs`.

use serde::{Deserialize, Serialize};
use serde_json::json;
use wacore_binary::builder::NodeBuilder;

use crate::addr::Addr;
use crate::error::Error;
use crate::keys::b64;
use crate::nodes::{notification, server_id};
use crate::store::Bucket;
use crate::time::now_secs;
use crate::world::World;

const TOKEN_BYTES: usize = 20;
/// A token counts for this many weeks (`tctoken_duration` and `tctoken_num_buckets` of
/// `wacore/src/iq/abprops.rs`).
const WEEKS: u64 = 4;
const WEEK_SECS: u64 = 604_800;

/// A token that one account issued to another.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Token {
    #[serde(with = "b64")]
    pub(crate) bytes: Vec<u8>,
    /// The time that the issuer gave, in seconds since 1970.
    pub(crate) t: u64,
}

impl World {
    /// `issuer` trusts `receiver` from `t` on: the receiver's companions get a token.
    pub(crate) fn issue_token(&mut self, issuer: &Addr, receiver: &str, t: u64) {
        if issuer.phone == receiver || self.has_blocked(receiver, &issuer.phone) {
            return;
        }
        let token = Token {
            bytes: rand::random::<[u8; TOKEN_BYTES]>().to_vec(),
            t,
        };
        let key = token_key(&issuer.phone, receiver);
        self.store.put(Bucket::Token, key.clone(), &token);
        self.tokens.insert(key, token.clone());
        self.seen.add(
            "token-issued",
            Some(issuer),
            json!({"to": receiver, "t": t}),
        );
        self.announce_token(&issuer.phone, receiver, token);
    }

    /// A simulated phone trusts somebody: phones do so when they write first.
    pub(crate) fn phone_trusts(&mut self, phone: &str, to: &str) -> Result<(), Error> {
        self.account(phone)?;
        self.account(to)?;
        self.issue_token(&Addr::phone(phone), to, now_secs());
        Ok(())
    }

    /// Whether `issuer` gave `holder` this token, not too long ago.
    pub(crate) fn token_is_valid(&self, issuer: &str, holder: &str, bytes: &[u8]) -> bool {
        self.tokens
            .get(&token_key(issuer, holder))
            .is_some_and(|token| token.bytes == bytes && token.t + WEEKS * WEEK_SECS > now_secs())
    }

    fn announce_token(&mut self, issuer: &str, receiver: &str, token: Token) {
        let Ok(account) = self.account(issuer) else {
            return;
        };
        let (from, lid) = (account.jid(0), account.lid(0));
        let content = NodeBuilder::new("tokens")
            .children([NodeBuilder::new("token")
                .attr("type", "trusted_contact")
                .attr("t", token.t.to_string())
                .bytes(token.bytes)
                .build()])
            .build();
        for companion in self.companions(receiver) {
            let id = server_id();
            let node = notification(&from, "privacy_token", &id)
                .attr("sender_lid", &lid)
                .children([content.clone()])
                .build();
            self.deliver_to(&companion, "notification", &id, &from, &node);
        }
    }
}

fn token_key(issuer: &str, holder: &str) -> String {
    format!("{issuer}/{holder}")
}
