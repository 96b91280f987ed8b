//! Linking a new device: by QR code or by pairing code.

pub(crate) mod adv;
pub(crate) mod code;
pub(crate) mod link;
pub(crate) mod qr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use serde_json::json;
use wacore_binary::builder::NodeBuilder;

use crate::nodes::{iq_set, server_id};
use crate::time::now_ms;
use crate::wire::payload::Registration;
use crate::world::World;
use crate::world::conns::{ConnId, Role};

/// WhatsApp sends six references; the client shows one after the other
/// (`whatsapp-rust/src/pair.rs`).
const REFS: usize = 6;

/// A socket that waits to be linked.
pub(crate) struct PendingPairing {
    pub(crate) refs: Vec<String>,
    pub(crate) registration: Registration,
    since_ms: u64,
    /// The QR text that the client shows, if somebody said it.
    pub(crate) announced: Option<String>,
    /// What people call the client, if somebody said it.
    pub(crate) label: Option<String>,
    pub(crate) code: Option<code::CodeFlow>,
    pub(crate) link: Option<link::Linking>,
}

impl PendingPairing {
    /// Draws new references.
    pub(crate) fn new(registration: Registration) -> Self {
        let refs = (0..REFS)
            .map(|_| format!("2@{}", BASE64_STANDARD.encode(rand::random::<[u8; 32]>())))
            .collect();
        Self {
            refs,
            registration,
            since_ms: now_ms(),
            announced: None,
            label: None,
            code: None,
            link: None,
        }
    }
}

/// A socket that waits to be scanned.
#[derive(Clone, Debug, Serialize)]
pub struct Pairing {
    /// The first reference. The QR text starts with it, or with one of five others.
    pub qr_prefix: String,
    /// The QR text, if it was announced.
    pub qr: Option<String>,
    /// What people call the client, if it was announced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// How long it has waited.
    pub waiting_ms: u64,
    /// The operating system that the device states.
    pub device: String,
    /// The phone number for which it asked a pairing code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_for: Option<String>,
}

impl World {
    /// Sends the references to a new socket.
    pub(crate) fn offer_pairing(&mut self, conn: ConnId) {
        let Some(pending) = self.pending(conn) else {
            return;
        };
        let refs: Vec<_> = pending
            .refs
            .iter()
            .map(|text| NodeBuilder::new("ref").bytes(text.as_bytes()).build())
            .collect();
        let node = NodeBuilder::new("pair-device").children(refs).build();
        self.send(conn, &iq_set(&server_id(), "md", node));
        self.seen
            .add("pair", None, json!({"conn": conn, "step": "offered"}));
    }

    /// Sockets that wait to be linked.
    pub(crate) fn pairings(&self) -> Vec<Pairing> {
        let now = now_ms();
        let mut waiting: Vec<_> = self
            .conns
            .iter()
            .filter_map(|(id, conn)| match &conn.role {
                Role::Pairing(pending) if pending.link.is_none() => Some((id, pending)),
                _ => None,
            })
            .collect();
        waiting.sort_by_key(|(id, _)| **id);
        waiting
            .into_iter()
            .map(|(_, pending)| Pairing {
                qr_prefix: pending.refs.first().cloned().unwrap_or_default(),
                qr: pending.announced.clone(),
                label: pending.label.clone(),
                waiting_ms: now.saturating_sub(pending.since_ms),
                device: pending.registration.os.clone(),
                code_for: pending.code.as_ref().map(|code| code.phone.clone()),
            })
            .collect()
    }

    /// The waiting pairing of a socket.
    pub(crate) fn pending(&mut self, conn: ConnId) -> Option<&mut PendingPairing> {
        match &mut self.conns.get_mut(&conn)?.role {
            Role::Pairing(pending) => Some(pending),
            _ => None,
        }
    }
}
