//! From the queue to the socket. A stanza leaves the queue when the client acknowledges it.

use serde_json::json;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node, OwnedNodeRef};

use crate::addr::Addr;
use crate::store::Bucket;
use crate::world::World;
use crate::world::accounts::queue_key;
use crate::world::conns::{ConnId, Outgoing, Role};
use crate::world::queue::Queued;

/// What the client gets before it asks for more
/// (`whatsapp-rust/src/client/offline_resume.rs`).
const PRIMER: usize = 5;

impl World {
    /// Queues a stanza for a companion, and sends it when the companion listens.
    pub(crate) fn deliver_to(
        &mut self,
        addr: &Addr,
        class: &str,
        id: &str,
        from: &Jid,
        node: &Node,
    ) {
        let Ok(stanza) = wacore_binary::marshal(node) else {
            tracing::error!(class, id, "stanza not encodable");
            return;
        };
        self.remember_delivery(addr, class, id);
        let active = self.active_conn(addr);
        let Some(device) = self.device_mut(addr) else {
            return;
        };
        let item = Queued {
            class: class.to_owned(),
            id: id.to_owned(),
            from: from.to_string(),
            stanza: stanza.clone(),
        };
        let backlog = device.queue.unsent_from;
        let n = device.queue.push(item.clone());
        // While a backlog is being pulled, new stanzas wait behind it.
        let live = active.filter(|_| backlog == 0);
        self.store.put(Bucket::Queue, queue_key(addr, n), &item);
        if let Some(conn) = live {
            self.tell(conn, Outgoing::Stanza(stanza));
        }
    }

    /// The client has a stanza for good.
    pub(crate) fn acknowledged(&mut self, addr: &Addr, class: &str, id: &str, from: Option<&str>) {
        let Some(device) = self.device_mut(addr) else {
            return;
        };
        if let Some(n) = device.queue.acknowledge(class, id, from) {
            self.store.delete(Bucket::Queue, queue_key(addr, n));
        }
    }

    /// The client went active: send what waits, then say how much that was. Without the end
    /// marker the client waits for a minute.
    pub(crate) fn go_active(&mut self, conn: ConnId, addr: &Addr) {
        match self.conns.get_mut(&conn).map(|conn| &mut conn.role) {
            Some(Role::Device { active, .. }) if !*active => *active = true,
            _ => return,
        }
        let waiting = self.device(addr).map_or(0, |device| device.queue.len());
        self.seen
            .add("offline", Some(addr), json!({"count": waiting}));
        if waiting > 0 {
            self.send(conn, &self.preview(addr, waiting));
        }
        let batch = self.config.offline_batch;
        if let Some(device) = self.device_mut(addr) {
            device.queue.unsent_from = 1;
        }
        self.send_backlog(conn, addr, if batch == 0 { usize::MAX } else { PRIMER });
    }

    /// Sends up to `limit` waiting stanzas, and the end marker after the last.
    pub(crate) fn send_backlog(&mut self, conn: ConnId, addr: &Addr, limit: usize) {
        let Some(device) = self.device_mut(addr) else {
            return;
        };
        let start = device.queue.unsent_from;
        if start == 0 {
            return;
        }
        let batch: Vec<_> = device
            .queue
            .from(start)
            .take(limit)
            .map(|(n, item)| (n, item.stanza.clone()))
            .collect();
        let rest = device.queue.from(start).nth(batch.len()).is_some();
        let total = device.queue.len();
        let next = batch.last().map_or(start, |(n, _)| n + 1);
        device.queue.unsent_from = if rest { next } else { 0 };
        for (_, stanza) in batch {
            match with_offline_mark(stanza) {
                Some(stanza) => self.tell(conn, Outgoing::Stanza(stanza)),
                None => tracing::error!(%addr, "queued stanza unreadable"),
            }
        }
        if !rest {
            let offline = NodeBuilder::new("offline")
                .attr("count", total.to_string())
                .build();
            let end = NodeBuilder::new("ib")
                .attr("from", wacore_binary::SERVER_JID)
                .children([offline])
                .build();
            self.send(conn, &end);
            self.first_sync(addr);
        }
    }

    fn preview(&self, addr: &Addr, waiting: usize) -> Node {
        let count = |class: &str| {
            self.device(addr)
                .map_or(0, |device| {
                    device
                        .queue
                        .from(0)
                        .filter(|(_, item)| item.class == class)
                        .count()
                })
                .to_string()
        };
        let preview = NodeBuilder::new("offline_preview")
            .attr("count", waiting.to_string())
            .attr("message", count("message"))
            .attr("receipt", count("receipt"))
            .attr("notification", count("notification"))
            .attr("appdata", "0")
            .build();
        NodeBuilder::new("ib")
            .attr("from", wacore_binary::SERVER_JID)
            .children([preview])
            .build()
    }

    fn active_conn(&self, addr: &Addr) -> Option<ConnId> {
        let conn = self.conn_of(addr)?;
        match &self.conns.get(&conn)?.role {
            Role::Device { active: true, .. } => Some(conn),
            _ => None,
        }
    }
}

/// Marks a stanza as redelivered.
fn with_offline_mark(stanza: Vec<u8>) -> Option<Vec<u8>> {
    let bytes = wacore_binary::util::unpack(&stanza).ok()?.into_owned();
    let mut node = OwnedNodeRef::new(bytes).ok()?.to_owned_node();
    node.attrs.insert("offline", "1");
    wacore_binary::marshal(&node).ok()
}
