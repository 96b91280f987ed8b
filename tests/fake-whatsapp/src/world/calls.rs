//! Calls between two accounts: who rings, who answered, and how it ended.
//!
//! Stanzas: `wacore/src/stanza/call.rs`. No sound is carried.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node};

use crate::addr::Addr;
use crate::error::Error;
use crate::nodes::{call_id, server_id};
use crate::store::Bucket;
use crate::time::{now_ms, now_secs};
use crate::world::World;

/// Where a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallState {
    /// Nobody has answered.
    Ringing,
    /// A device of the called account took it.
    Accepted,
    /// A device of the called account declined it.
    Rejected,
    /// The caller hung up, or nobody answered in time.
    Ended,
}

/// Why the caller's phone ends a call (`TERMINATE_REASON_…` in `wacore/src/stanza/call.rs`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Nobody answered.
    Timeout,
    /// Another device of the called account took the call.
    AcceptedElsewhere,
    /// Another device of the called account declined.
    RejectedElsewhere,
}

impl EndReason {
    fn wire(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::AcceptedElsewhere => "accepted_elsewhere",
            Self::RejectedElsewhere => "rejected_elsewhere",
        }
    }
}

/// What one companion of the called account did, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallDevice {
    /// The stanza with the offer.
    pub(crate) stanza_id: String,
    /// It said that it rings.
    pub received: bool,
    /// It announced that it may answer.
    pub preaccepted: bool,
    /// It declined.
    pub rejected: bool,
    /// It took the call.
    pub accepted: bool,
}

/// A call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Call {
    /// The id that all its stanzas carry.
    pub id: String,
    /// Phone number of the caller.
    pub from: String,
    /// Phone number of the called account.
    pub to: String,
    /// With a picture.
    pub video: bool,
    /// Where it is.
    pub state: CallState,
    /// How the caller ended it.
    pub reason: Option<EndReason>,
    /// When it began, in milliseconds since 1970.
    pub at_ms: u64,
    /// The companions that were rung, by device number.
    pub devices: BTreeMap<u16, CallDevice>,
    /// The caller's JID in the stanzas.
    pub(crate) creator: String,
}

impl Call {
    /// The caller's JID, as the stanzas name it.
    pub(crate) fn creator(&self) -> Jid {
        self.creator
            .parse()
            .unwrap_or_else(|_| Jid::pn(self.from.as_str()))
    }
}

impl World {
    /// A person calls from a simulated phone. Returns the id of the call.
    pub(crate) fn phone_calls(
        &mut self,
        from: &str,
        to: &str,
        video: bool,
    ) -> Result<String, Error> {
        if from == to {
            return Err(Error::BadRequest("nobody calls himself".to_owned()));
        }
        let caller = self.account(from)?;
        let creator = if self.lid_migrated(from) {
            caller.lid(0)
        } else {
            caller.jid(0)
        };
        self.account(to)?;
        let call = Call {
            id: call_id(),
            from: from.to_owned(),
            to: to.to_owned(),
            video,
            state: CallState::Ringing,
            reason: None,
            at_ms: now_ms(),
            devices: BTreeMap::new(),
            creator: creator.to_string(),
        };
        let id = call.id.clone();
        self.seen.add(
            "call",
            Some(&Addr::phone(from)),
            json!({"id": id, "to": to, "video": video}),
        );
        self.keep_call(call);
        // The caller hears it ring, and never learns that nobody hears it.
        if self.has_blocked(to, from) || !self.exists(to) {
            return Ok(id);
        }
        for companion in self.companions(to) {
            self.ring(&id, &companion)?;
        }
        Ok(id)
    }

    /// The caller hangs up.
    pub(crate) fn end_call(&mut self, id: &str, reason: Option<EndReason>) -> Result<(), Error> {
        let mut call = self.call_of(id)?;
        if matches!(call.state, CallState::Ringing | CallState::Accepted) {
            call.state = CallState::Ended;
        }
        call.reason = reason;
        self.keep_call(call.clone());
        for device in call.devices.keys() {
            self.stop_ringing(&call, *device, reason);
        }
        Ok(())
    }

    /// Tells one companion that a call is over. One that has not even collected the offer
    /// learns only that there was a call.
    pub(crate) fn stop_ringing(&mut self, call: &Call, device: u16, reason: Option<EndReason>) {
        let to = Addr::new(call.to.as_str(), device);
        let Some(rung) = call.devices.get(&device) else {
            return;
        };
        let notice = self.call_stanza(call, &rung.stanza_id, offer_notice(call));
        if self.replace_queued(&to, "call", &rung.stanza_id, &notice) {
            return;
        }
        let mut terminate = NodeBuilder::new("terminate")
            .attr("call-id", call.id.as_str())
            .attr("call-creator", call.creator());
        if let Some(reason) = reason {
            terminate = terminate.attr("reason", reason.wire());
        }
        let id = server_id();
        let node = self.call_stanza(call, &id, terminate.build());
        self.deliver_to(&to, "call", &id, &call.creator(), &node);
    }

    /// `<call>` from the caller around one action.
    pub(crate) fn call_stanza(&self, call: &Call, id: &str, action: Node) -> Node {
        let name = self
            .account(&call.from)
            .map(|account| account.row.name.clone())
            .unwrap_or_default();
        NodeBuilder::new("call")
            .attr("from", call.creator())
            .attr("id", id)
            .attr("t", now_secs().to_string())
            .attr("notify", name)
            .attr("platform", "android")
            .attr("version", "2.25.20.80")
            .children([action])
            .build()
    }

    /// A call that must exist.
    pub(crate) fn call_of(&self, id: &str) -> Result<Call, Error> {
        self.calls
            .get(id)
            .cloned()
            .ok_or_else(|| Error::missing(format!("no call {id}")))
    }

    /// All calls, oldest first.
    pub(crate) fn call_list(&self) -> Vec<Call> {
        let mut calls: Vec<_> = self.calls.values().cloned().collect();
        calls.sort_by_key(|call| call.at_ms);
        calls
    }

    /// Writes a call.
    pub(crate) fn keep_call(&mut self, call: Call) {
        self.store.put(Bucket::Call, call.id.clone(), &call);
        self.calls.insert(call.id.clone(), call);
    }
}

/// What is left of a call for a companion that was not there.
fn offer_notice(call: &Call) -> Node {
    let notice = NodeBuilder::new("offer_notice")
        .attr("call-id", call.id.as_str())
        .attr("call-creator", call.creator());
    if call.video {
        notice.attr("media", "video").build()
    } else {
        notice.attr("media", "audio").build()
    }
}
