//! What the called account's companions say about a call.
//!
//! Shapes: `wacore/src/stanza/call.rs` (`build_reject`, `build_preaccept`, `build_accept`,
//! `build_terminate`, `build_offer_ack_receipt`).

use serde_json::json;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};

use crate::addr::Addr;
use crate::nodes::{attr, children, jid_attr};
use crate::time::now_secs;
use crate::world::World;
use crate::world::calls::{Call, CallState, EndReason};
use crate::world::conns::ConnId;

/// The stanza has no action or no call.
const MALFORMED: u16 = 400;
/// Companions of this server do not place calls.
const NOT_ALLOWED: u16 = 403;
/// The device cannot take calls: others go on ringing.
const BUSY: &str = "busy";

impl World {
    /// A companion's `<call>`.
    pub(crate) fn call(&mut self, conn: ConnId, from: &Addr, node: &NodeRef<'_>) {
        let Some(action) = children(node).first() else {
            return self.send(conn, &call_ack(node, "unknown", Some(MALFORMED)));
        };
        let call_id = attr(action, "call-id").unwrap_or_default();
        let kind = action.tag.to_string();
        let details = json!({"id": call_id, "action": kind});
        self.seen.add("call-action", Some(from), details);
        if kind == "offer" {
            return self.send(conn, &call_ack(node, &kind, Some(NOT_ALLOWED)));
        }
        self.send(conn, &call_ack(node, &kind, None));
        let Some(call) = self.checked_call(from, &call_id, action) else {
            return;
        };
        match kind.as_str() {
            "preaccept" => self.note_call(call, from.device, |device| device.preaccepted = true),
            "accept" => self.accept_call(call, from),
            "reject" => self.reject_call(call, from, attr(action, "reason").as_deref()),
            "terminate" => self.hang_up(call, from),
            _ => {}
        }
    }

    /// `<receipt><offer/></receipt>`: a companion rings.
    pub(crate) fn call_receipt(&mut self, from: &Addr, offer: &NodeRef<'_>) {
        let call_id = attr(offer, "call-id").unwrap_or_default();
        if let Some(call) = self.checked_call(from, &call_id, offer) {
            self.note_call(call, from.device, |device| device.received = true);
        }
    }

    /// The call that an action names. A companion only speaks of calls that rang it.
    fn checked_call(&mut self, from: &Addr, id: &str, action: &NodeRef<'_>) -> Option<Call> {
        let known = self
            .calls
            .get(id)
            .filter(|call| call.to == from.phone && call.devices.contains_key(&from.device))
            .cloned();
        let Some(call) = known else {
            let detail = format!(
                "{from} sent a {} for call {id:?}, which never rang it",
                action.tag
            );
            self.break_rule("call-unknown", detail);
            return None;
        };
        let creator = jid_attr(action, "call-creator").map(|jid| jid.to_string());
        if creator.as_deref() != Some(call.creator.as_str()) {
            let detail = format!(
                "{from} sent a {} for call {id} of {} as if of {creator:?}",
                action.tag, call.creator
            );
            self.break_rule("call-creator-wrong", detail);
            return None;
        }
        Some(call)
    }

    fn note_call(
        &mut self,
        mut call: Call,
        device: u16,
        note: impl FnOnce(&mut crate::world::calls::CallDevice),
    ) {
        note(call.devices.entry(device).or_default());
        self.keep_call(call);
    }

    fn accept_call(&mut self, mut call: Call, from: &Addr) {
        call.devices.entry(from.device).or_default().accepted = true;
        if call.state == CallState::Ringing {
            call.state = CallState::Accepted;
            self.dismiss_others(&call, from.device, EndReason::AcceptedElsewhere);
        }
        self.keep_call(call);
    }

    fn reject_call(&mut self, mut call: Call, from: &Addr, reason: Option<&str>) {
        call.devices.entry(from.device).or_default().rejected = true;
        if call.state == CallState::Ringing && reason != Some(BUSY) {
            call.state = CallState::Rejected;
            self.dismiss_others(&call, from.device, EndReason::RejectedElsewhere);
        }
        self.keep_call(call);
    }

    fn hang_up(&mut self, mut call: Call, from: &Addr) {
        if call.state == CallState::Accepted {
            call.state = CallState::Ended;
        }
        self.note_call(call, from.device, |_| {});
    }

    /// The caller's phone tells the other rung devices that the call is taken or declined.
    fn dismiss_others(&mut self, call: &Call, but: u16, reason: EndReason) {
        for device in call.devices.keys().filter(|device| **device != but) {
            self.stop_ringing(call, *device, Some(reason));
        }
    }
}

fn call_ack(node: &NodeRef<'_>, kind: &str, error: Option<u16>) -> Node {
    let to = jid_attr(node, "to").unwrap_or_default();
    let mut ack = NodeBuilder::new("ack")
        .attr("class", "call")
        .attr("id", attr(node, "id").unwrap_or_default())
        .attr("from", to)
        .attr("type", kind)
        .attr("t", now_secs().to_string());
    if let Some(error) = error {
        ack = ack.attr("error", error.to_string());
    }
    ack.build()
}
