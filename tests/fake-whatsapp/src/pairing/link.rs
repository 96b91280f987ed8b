//! The last step of every pairing: `pair-success`, `pair-device-sign`, restart.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use tokio::sync::oneshot;
use wacore_binary::NodeRef;
use wacore_binary::builder::NodeBuilder;

use crate::addr::Addr;
use crate::error::Error;
use crate::nodes::{attr, iq_set, server_id, stream_error};
use crate::pairing::adv::Statement;
use crate::time::now_secs;
use crate::world::World;
use crate::world::conns::{ConnId, Outgoing};
use crate::world::device::{Device, DeviceRow};

/// At once would race with the client: its handler of `pair-success` still runs, the first
/// login is dropped, and it heals only with the second.
const RESTART_PAUSE: Duration = Duration::from_millis(300);
/// Restart required (`whatsapp-rust/src/client/node_io.rs`, `handle_stream_error`).
const RESTART_REQUIRED: u16 = 515;

/// A device that was linked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Linked {
    /// Phone number of the account.
    pub phone: String,
    /// JID of the new device.
    pub jid: String,
    /// LID of the new device.
    pub lid: String,
    /// Name of the account.
    pub name: String,
}

/// Resolves once the client accepted.
pub(crate) type LinkWaiter = oneshot::Receiver<Result<Linked, Error>>;

/// A link that waits for the client's signature.
pub(crate) struct Linking {
    iq_id: String,
    addr: Addr,
    statement: Statement,
    pub(crate) done: oneshot::Sender<Result<Linked, Error>>,
}

impl World {
    /// The phone accepted: tell the client.
    pub(crate) fn start_link(
        &mut self,
        conn: ConnId,
        phone: Option<&str>,
        name: Option<&str>,
        adv_secret: &[u8],
    ) -> Result<LinkWaiter, Error> {
        let (done, waiter) = oneshot::channel();
        self.start_link_to(conn, phone, name, adv_secret, done)?;
        Ok(waiter)
    }

    /// The same, for a caller that already waits.
    pub(crate) fn start_link_to(
        &mut self,
        conn: ConnId,
        phone: Option<&str>,
        name: Option<&str>,
        adv_secret: &[u8],
        done: oneshot::Sender<Result<Linked, Error>>,
    ) -> Result<(), Error> {
        let phone = self.account_for_link(phone, name)?;
        let identity = self
            .pending(conn)
            .map(|pending| pending.registration.identity)
            .ok_or_else(|| Error::missing("the socket is gone"))?;
        let account = self.account_mut(&phone)?;
        let device = account.row.next_device;
        account.row.next_device += 1;
        let statement = Statement::sign(
            &account.row.keys.identity,
            account.row.adv_raw_id,
            u32::from(device),
            &identity,
        )?;
        let success = NodeBuilder::new("pair-success")
            .children([
                NodeBuilder::new("device-identity")
                    .bytes(statement.seal(adv_secret)?)
                    .build(),
                NodeBuilder::new("device")
                    .attr("jid", account.jid(device))
                    .attr("lid", account.lid(device))
                    .build(),
                NodeBuilder::new("platform").attr("name", "android").build(),
            ])
            .build();
        self.save_account(&phone);
        let iq_id = server_id();
        self.send(conn, &iq_set(&iq_id, "md", success));
        if let Some(pending) = self.pending(conn) {
            let addr = Addr::new(phone, device);
            pending.link = Some(Linking {
                iq_id,
                addr,
                statement,
                done,
            });
        }
        Ok(())
    }

    /// The client's answer to `pair-success`. `false` when it answers something else.
    pub(crate) fn finish_link(&mut self, conn: ConnId, node: &NodeRef<'_>) -> bool {
        let id = attr(node, "id");
        let Some(pending) = self.pending(conn) else {
            return false;
        };
        if pending
            .link
            .as_ref()
            .is_none_or(|link| Some(&link.iq_id) != id.as_ref())
        {
            return false;
        }
        let Some(link) = pending.link.take() else {
            return false;
        };
        let registration = pending.registration.clone();
        let returned = node
            .get_optional_child_by_tag(&["pair-device-sign", "device-identity"])
            .and_then(NodeRef::content_bytes);
        let adv_identity = match returned {
            Some(bytes) => link.statement.accept(bytes, &registration.identity),
            None => Err(Error::Pairing("the client refused pair-success".to_owned())),
        };
        match adv_identity {
            Ok(adv_identity) => {
                let row = DeviceRow {
                    noise: registration.noise,
                    identity: registration.identity,
                    registration_id: registration.registration_id,
                    signed_prekey: registration.signed_prekey,
                    adv_identity,
                    key_index: u32::from(link.addr.device),
                    os: registration.os,
                    full_history: registration.full_history,
                    logins: 0,
                    paired_at: now_secs(),
                };
                let linked = self.link(&link.addr, row);
                self.tell(conn, Outgoing::Pause(RESTART_PAUSE));
                self.dismiss(conn, &stream_error(RESTART_REQUIRED));
                // The caller may have stopped waiting; the device is linked all the same.
                let _ = link.done.send(linked);
            }
            Err(error) => {
                self.tell(conn, Outgoing::Close);
                let _ = link.done.send(Err(error));
            }
        }
        true
    }

    fn link(&mut self, addr: &Addr, row: DeviceRow) -> Result<Linked, Error> {
        let account = self.account_mut(&addr.phone)?;
        account.devices.insert(addr.device, Device::new(row));
        let linked = Linked {
            phone: addr.phone.clone(),
            jid: account.jid(addr.device).to_string(),
            lid: account.lid(addr.device).to_string(),
            name: account.row.name.clone(),
        };
        self.save_device(addr);
        self.share_sync_key(addr);
        self.announce_device(addr, true);
        self.seen.add(
            "pair",
            Some(addr),
            json!({"step": "linked", "jid": linked.jid}),
        );
        Ok(linked)
    }
}
