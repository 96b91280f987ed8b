//! The live sockets.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use wacore_binary::Node;

use crate::addr::Addr;
use crate::pairing::PendingPairing;
use crate::world::World;
use crate::world::checks::ACKNOWLEDGED;

/// Number of a socket.
pub(crate) type ConnId = u64;

/// Something for a socket's task to do. Done in order.
pub(crate) enum Outgoing {
    /// Send this marshalled stanza.
    Stanza(Vec<u8>),
    /// Close with a websocket close frame.
    Close,
    /// End TCP without a close frame.
    Drop,
    /// Reset TCP.
    Reset,
    /// Send something that is no stanza.
    Garbage(Garbage),
    /// Answer if the client has not ended the connection.
    Probe(oneshot::Sender<()>),
    /// Hold back what follows for this long.
    Pause(Duration),
    /// Stop or resume answering.
    Silence(bool),
}

/// What a broken server might send.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Garbage {
    /// A frame that does not decrypt.
    Frame,
    /// A frame that decrypts to no stanza.
    Stanza,
    /// The beginning of a frame as large as frames can be.
    Oversized,
}

/// What a socket is for.
pub(crate) enum Role {
    /// Waits to be linked.
    Pairing(Box<PendingPairing>),
    /// A logged-in device.
    Device {
        /// Which one.
        addr: Addr,
        /// It asked for its stanzas.
        active: bool,
    },
    /// Told to go away.
    Leaving,
}

/// A live socket.
pub(crate) struct Conn {
    pub(crate) role: Role,
    pub(crate) tx: UnboundedSender<Outgoing>,
    /// Ids of the newest requests.
    pub(crate) latest_iqs: VecDeque<String>,
}

impl World {
    /// Sends a stanza on a socket, after the commit.
    pub(crate) fn send(&mut self, conn: ConnId, node: &Node) {
        if ACKNOWLEDGED.contains(&node.tag.as_ref())
            && let Some(id) = node.attrs.get("id").map(|id| id.as_str().into_owned())
            && let Some(addr) = self.addr_of(conn)
        {
            self.remember_delivery(&addr, &node.tag, &id);
        }
        match wacore_binary::marshal(node) {
            Ok(bytes) => self.out.push((conn, Outgoing::Stanza(bytes))),
            Err(error) => tracing::error!(%error, "stanza not encodable"),
        }
    }

    /// Does something else with a socket, after the commit.
    pub(crate) fn tell(&mut self, conn: ConnId, what: Outgoing) {
        self.out.push((conn, what));
    }

    /// The socket of a device.
    pub(crate) fn conn_of(&self, addr: &Addr) -> Option<ConnId> {
        self.live.get(addr).copied()
    }

    /// The device that is logged in on a socket.
    pub(crate) fn addr_of(&self, conn: ConnId) -> Option<Addr> {
        match &self.conns.get(&conn)?.role {
            Role::Device { addr, .. } => Some(addr.clone()),
            _ => None,
        }
    }

    /// The socket is gone.
    pub(crate) fn closed(&mut self, conn: ConnId, why: &str) {
        let addr = self.addr_of(conn);
        if let Some(addr) = &addr
            && self.live.get(addr) == Some(&conn)
        {
            self.live.remove(addr);
            self.device_left(addr);
        }
        if self.conns.remove(&conn).is_some() {
            self.seen
                .add("close", addr.as_ref(), json!({"conn": conn, "why": why}));
        }
    }

    /// Sends a last stanza and closes.
    pub(crate) fn dismiss(&mut self, conn: ConnId, node: &Node) {
        self.send(conn, node);
        self.tell(conn, Outgoing::Close);
        self.forget_role(conn);
    }

    /// Ends the login of a socket whose task has yet to close it.
    pub(crate) fn forget_role(&mut self, conn: ConnId) {
        if let Some(addr) = self.addr_of(conn)
            && self.live.get(&addr) == Some(&conn)
        {
            self.live.remove(&addr);
            self.device_left(&addr);
        }
        if let Some(conn) = self.conns.get_mut(&conn) {
            conn.role = Role::Leaving;
        }
    }
}
