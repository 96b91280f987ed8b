//! From the queue to the socket. A stanza leaves the queue when the client acknowledges it.

use serde_json::json;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node, OwnedNodeRef};

use crate::addr::Addr;
use crate::store::Bucket;
use crate::time::now_secs;
use crate::world::World;
use crate::world::accounts::queue_key;
use crate::world::conns::{ConnId, Outgoing, Role};
use crate::world::queue::Queued;

/// What the client gets before it asks for more
/// (`whatsapp-rust/src/client/offline_resume.rs`).
const PRIMER: usize = 5;
/// WhatsApp keeps what was not delivered for thirty days.
const MAX_AGE_SECS: u64 = 30 * 86_400;

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
            at: now_secs(),
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
        self.send_login_hints(conn, addr);
        self.expire_queue(addr);
        let waiting = self.device(addr).map_or(0, |device| device.queue.len());
        self.seen
            .add("offline", Some(addr), json!({"count": waiting}));
        if waiting > 0 {
            self.send(conn, &self.preview(addr, waiting));
        }
        let batch = self.config.offline_batch;
        if let Some(device) = self.device_mut(addr) {
            device.queue.unsent_from = 1;
            device.queue.drained = 0;
        }
        self.send_backlog(conn, addr, if batch == 0 { usize::MAX } else { PRIMER });
    }

    /// The client wants no stanzas for now: they wait.
    pub(crate) fn go_passive(&mut self, conn: ConnId) {
        if let Some(Role::Device { active, .. }) =
            self.conns.get_mut(&conn).map(|conn| &mut conn.role)
        {
            *active = false;
        }
    }

    /// The client asks for more of its backlog (`<ib><offline_batch count=…/>`). It gets no
    /// more than it asked for.
    pub(crate) fn offline_batch(&mut self, conn: ConnId, addr: &Addr, count: Option<usize>) {
        let most = self.config.offline_batch;
        self.seen
            .add("offline-batch", Some(addr), json!({"count": count}));
        if most > 0 {
            self.send_backlog(conn, addr, count.map_or(most, |count| count.min(most)));
        }
    }

    /// Puts another stanza in the place of one that a device has not seen. Returns whether
    /// there was one.
    pub(crate) fn replace_queued(&mut self, addr: &Addr, class: &str, id: &str, by: &Node) -> bool {
        if self.active_conn(addr).is_some() {
            return false;
        }
        let Ok(stanza) = wacore_binary::marshal(by) else {
            return false;
        };
        let Some(device) = self.device_mut(addr) else {
            return false;
        };
        let Some((n, item)) = device.queue.replace(class, id, &stanza) else {
            return false;
        };
        let item = item.clone();
        self.store.put(Bucket::Queue, queue_key(addr, n), &item);
        true
    }

    /// What a device did not collect in time is gone.
    fn expire_queue(&mut self, addr: &Addr) {
        let age = match self.config.queue_max_age_secs {
            0 => MAX_AGE_SECS,
            age => age,
        };
        let limit = now_secs().saturating_sub(age);
        let Some(device) = self.device_mut(addr) else {
            return;
        };
        let expired = device.queue.expire(limit);
        if expired.is_empty() {
            return;
        }
        for n in &expired {
            self.store.delete(Bucket::Queue, queue_key(addr, *n));
        }
        self.seen
            .add("expired", Some(addr), json!({"count": expired.len()}));
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
        device.queue.drained += batch.len();
        let total = device.queue.drained;
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
        let mut preview = NodeBuilder::new("offline_preview").attr("count", waiting.to_string());
        for class in ["message", "receipt", "notification", "call"] {
            let count = self
                .device(addr)
                .map_or(0, |device| device.queue.count(class));
            preview = preview.attr(class, count.to_string());
        }
        // Changes of app state come as notifications, and nobody here posts a status.
        let preview = preview.attr("appdata", "0").attr("status", "0").build();
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
