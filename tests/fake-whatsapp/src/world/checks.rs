//! What the server notices about a client's stanzas, beyond messages and keys.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use wacore_binary::NodeRef;

use crate::addr::Addr;
use crate::nodes::attr;
use crate::store::Bucket;
use crate::world::World;
use crate::world::conns::{ConnId, Role};

/// Ids of requests that are remembered per socket.
const REMEMBERED_IQS: usize = 64;
/// More logins of one device in a minute are a storm, unless the configuration says otherwise.
/// A client that backs off as `whatsapp-rust` does comes nowhere near it.
const MAX_LOGINS_PER_MINUTE: u32 = 60;
const MINUTE: Duration = Duration::from_secs(60);
/// Stanzas that clients acknowledge.
pub(crate) const ACKNOWLEDGED: [&str; 4] = ["message", "receipt", "notification", "call"];

/// The latest logins of a device, oldest first.
#[derive(Default)]
pub(crate) struct Logins(VecDeque<Instant>);

impl World {
    /// A device logged in.
    pub(crate) fn check_logins(&mut self, addr: &Addr) {
        let max = self
            .config
            .max_logins_per_minute
            .unwrap_or(MAX_LOGINS_PER_MINUTE) as usize;
        let Some(device) = self.device_mut(addr) else {
            return;
        };
        let latest = &mut device.latest_logins.0;
        let now = Instant::now();
        latest.push_back(now);
        while latest
            .front()
            .is_some_and(|first| now.duration_since(*first) > MINUTE)
        {
            latest.pop_front();
        }
        if latest.len() > max {
            // Told once per storm, not once per login.
            latest.clear();
            self.break_rule(
                "login-flood",
                format!("{addr} logged in more than {max} times in a minute"),
            );
        }
    }

    /// A stanza came before the login was answered.
    pub(crate) fn check_early(&mut self, addr: &Addr, node: &NodeRef<'_>) {
        // Keep-alives start with the handshake (`whatsapp-rust/src/keepalive.rs`).
        let keep_alive = node.tag == "iq" && attr(node, "xmlns").as_deref() == Some("w:p");
        if !keep_alive {
            let id = attr(node, "id").unwrap_or_default();
            self.break_rule(
                "stanza-before-success",
                format!(
                    "{addr} sent <{} id={id:?}> before its login was answered",
                    node.tag
                ),
            );
        }
    }

    /// A device asked for something.
    pub(crate) fn check_iq_id(&mut self, conn: ConnId, addr: &Addr, id: &str) {
        let Some(conn) = self.conns.get_mut(&conn) else {
            return;
        };
        let reused = conn.latest_iqs.iter().any(|known| known == id);
        conn.latest_iqs.push_back(id.to_owned());
        if conn.latest_iqs.len() > REMEMBERED_IQS {
            conn.latest_iqs.pop_front();
        }
        if reused {
            self.break_rule(
                "iq-id-reused",
                format!("{addr} used the id {id:?} for two requests on one connection"),
            );
        }
    }

    /// A device sent a message.
    pub(crate) fn check_active(&mut self, conn: ConnId, addr: &Addr, node: &NodeRef<'_>) {
        let passive = self
            .conns
            .get(&conn)
            .is_some_and(|conn| matches!(conn.role, Role::Device { active: false, .. }));
        if passive {
            let id = attr(node, "id").unwrap_or_default();
            self.break_rule(
                "message-before-active",
                format!("{addr} sent message {id} before it went active"),
            );
        }
    }

    /// A stanza goes to a device, for which it may be acknowledged.
    pub(crate) fn remember_delivery(&mut self, addr: &Addr, class: &str, id: &str) {
        if !ACKNOWLEDGED.contains(&class) {
            return;
        }
        let Some(device) = self.device_mut(addr) else {
            return;
        };
        let key = format!("{class}/{id}");
        if device.delivered.insert(key.clone()) {
            self.store
                .put_bytes(Bucket::Delivered, format!("{addr}/{key}"), b"");
        }
    }

    /// A device acknowledged a stanza.
    pub(crate) fn check_ack(&mut self, addr: &Addr, class: &str, id: &str) {
        if !self.was_delivered(addr, class, id) {
            self.break_rule(
                "ack-for-unknown",
                format!("{addr} acknowledged {class} {id}, which it never got"),
            );
        }
    }

    /// A device says that it got a message. A read receipt may also be about a message that was
    /// there before the device was linked, so it is none of this rule's business.
    pub(crate) fn check_delivery_receipt(
        &mut self,
        addr: &Addr,
        kind: Option<&str>,
        ids: &[String],
    ) {
        if kind.is_some_and(|kind| kind.starts_with("read") || kind.starts_with("played")) {
            return;
        }
        for id in ids {
            if !self.was_delivered(addr, "message", id) {
                let kind = kind.unwrap_or("delivery");
                self.break_rule(
                    "receipt-for-undelivered",
                    format!("{addr} sent a {kind} receipt for message {id}, which it never got"),
                );
            }
        }
    }

    fn was_delivered(&self, addr: &Addr, class: &str, id: &str) -> bool {
        self.device(addr)
            .is_some_and(|device| device.delivered.contains(&format!("{class}/{id}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::world::conns::Conn;
    use crate::world::load::load;
    use wacore_binary::builder::NodeBuilder;

    #[test]
    fn a_message_must_wait_until_the_device_is_active() {
        let (mut world, _) = load(Store::open(None).expect("store")).expect("world");
        let addr = Addr::new("5511000000001", 1);
        let (tx, _rx) = tokio::sync::mpsc::unbounded_channel();
        let role = Role::Device {
            addr: addr.clone(),
            active: false,
        };
        let conn = Conn {
            role,
            tx,
            latest_iqs: VecDeque::new(),
        };
        world.conns.insert(1, conn);
        let message = NodeBuilder::new("message").attr("id", "A").build();
        world.check_active(1, &addr, &message.as_node_ref());
        assert_eq!(world.seen.violations[0].kind, "message-before-active");
        world.conns.get_mut(&1).expect("conn").role = Role::Device {
            addr: addr.clone(),
            active: true,
        };
        world.check_active(1, &addr, &message.as_node_ref());
        assert_eq!(world.seen.violations.len(), 1);
    }
}
