//! Logins: who may, who may not, and what the client is told.

use serde::{Deserialize, Serialize};
use serde_json::json;
use wacore_binary::builder::NodeBuilder;

use crate::addr::Addr;
use crate::nodes::stream_conflict;
use crate::store::Bucket;
use crate::time::now_secs;
use crate::world::World;
use crate::world::conns::{ConnId, Role};
use crate::world::ending::{Ending, Stage, Trouble};

/// The device is not linked, or not any more
/// (`wacore/src/stanza/connect_failure.rs`).
const LOGGED_OUT: u16 = 401;

/// A rule that refuses logins: [`Trouble`] in its most common form.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refusal {
    /// Only this account, or everyone.
    pub phone: Option<String>,
    /// The `reason` of the failure.
    pub code: u16,
    /// How many logins are still refused; without end when absent.
    pub times: Option<u64>,
}

/// What became of a login.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Login {
    /// The device is in.
    Accepted,
    /// Its last socket is still there.
    OldSocket,
    /// It was told why not.
    Refused,
    /// The server says nothing.
    Silent,
}

impl World {
    /// A login with a finished handshake. `replace` ends an older socket.
    pub(crate) fn login(
        &mut self,
        conn: ConnId,
        addr: &Addr,
        noise: &[u8],
        replace: bool,
    ) -> Login {
        if self.is_silent(&addr.phone) {
            return Login::Silent;
        }
        let known = self
            .device(addr)
            .is_some_and(|device| device.row.noise.0 == noise);
        let refused = Ending::Failure {
            reason: LOGGED_OUT,
            code: None,
            expire: None,
        };
        let trouble = self.trouble_at(Stage::Login, Some(addr));
        if let Some(ending) = trouble.or((!known).then_some(refused)) {
            return self.turn_away(conn, addr, &ending);
        }
        if let Some(old) = self.conn_of(addr) {
            if !replace {
                return Login::OldSocket;
            }
            self.break_rule(
                "two-live-sockets",
                format!("{addr} logged in on socket {conn} while socket {old} was live"),
            );
            self.dismiss(old, &stream_conflict("replaced", None));
        }
        self.accept(conn, addr);
        Login::Accepted
    }

    fn turn_away(&mut self, conn: ConnId, addr: &Addr, ending: &Ending) -> Login {
        if let Ending::Failure { reason, .. } = ending {
            let details = json!({"conn": conn, "code": reason});
            self.seen.add("login-refused", Some(addr), details);
        }
        self.end_conn(conn, ending);
        match ending {
            Ending::Silence => Login::Silent,
            _ => Login::Refused,
        }
    }

    fn accept(&mut self, conn: ConnId, addr: &Addr) {
        if let Some(conn) = self.conns.get_mut(&conn) {
            conn.role = Role::Device {
                addr: addr.clone(),
                active: false,
            };
        }
        self.live.insert(addr.clone(), conn);
        let Some(device) = self.device_mut(addr) else {
            return;
        };
        device.row.logins += 1;
        device.queue.unsent_from = 0;
        let logins = device.row.logins;
        self.save_device(addr);
        self.seen
            .add("login", Some(addr), json!({"conn": conn, "logins": logins}));
        let Ok(account) = self.account(&addr.phone) else {
            return;
        };
        let success = NodeBuilder::new("success")
            .attr("t", now_secs().to_string())
            .attr("lid", account.lid(addr.device))
            .attr("creation", account.row.created.to_string())
            .attr("props", "27")
            .build();
        self.send(conn, &success);
        self.check_logins(addr);
        if let Some(ending) = self.trouble_at(Stage::Open, Some(addr)) {
            self.end_conn(conn, &ending);
        }
    }

    /// Whether the server answers this account.
    pub(crate) fn is_silent(&self, phone: &str) -> bool {
        self.config.silent || self.silenced.contains(phone)
    }

    /// Writes the rules for connections to come.
    pub(crate) fn save_troubles(&mut self) {
        self.store
            .put(Bucket::Trouble, "all".to_owned(), &self.troubles);
    }
}

impl From<Refusal> for Trouble {
    fn from(rule: Refusal) -> Self {
        Self {
            phone: rule.phone,
            stage: Stage::Login,
            ending: Ending::Failure {
                reason: rule.code,
                code: None,
                expire: None,
            },
            times: rule.times,
        }
    }
}
