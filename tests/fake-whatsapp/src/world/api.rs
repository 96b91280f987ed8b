//! What the control port can ask and order.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::addr::Addr;
use crate::config::Config;
use crate::error::Error;
use crate::store::Bucket;
use crate::world::World;
use crate::world::accounts::checked_number;
use crate::world::conns::Outgoing;
use crate::world::ending::{Ending, Trouble};
use crate::world::login::Refusal;

/// A linked device.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceInfo {
    /// Phone number of the account.
    pub phone: String,
    /// Number of the device; never used again.
    pub device: u16,
    /// JID of the device.
    pub jid: String,
    /// LID of the device.
    pub lid: String,
    /// Name of the account.
    pub name: String,
    /// Logged in now.
    pub connected: bool,
    /// Logins since it was linked.
    pub logins: u64,
    /// Stanzas that it has not acknowledged.
    pub queued: usize,
}

/// A simulated phone.
#[derive(Clone, Debug, Serialize)]
pub struct ContactInfo {
    /// Phone number.
    pub phone: String,
    /// Name.
    pub name: String,
    /// Answers each text with the same text.
    pub echo: bool,
    /// How many companions are linked.
    pub companions: usize,
    /// Messages in the inbox.
    pub messages: usize,
}

/// How to cut a live connection: [`Ending`] in its most common forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DropHow {
    /// A websocket close frame.
    Close,
    /// TCP ends without a close frame.
    Eof,
    /// A stream error, then a close frame.
    StreamError,
}

/// What WhatsApp sends when a server goes down.
const SERVICE_UNAVAILABLE: u16 = 503;

impl World {
    /// All linked devices.
    pub(crate) fn devices(&self) -> Vec<DeviceInfo> {
        let mut devices = Vec::new();
        for (phone, account) in &self.accounts {
            for (n, device) in &account.devices {
                devices.push(DeviceInfo {
                    phone: phone.clone(),
                    device: *n,
                    jid: account.jid(*n).to_string(),
                    lid: account.lid(*n).to_string(),
                    name: account.row.name.clone(),
                    connected: self.live.contains_key(&Addr::new(phone.as_str(), *n)),
                    logins: device.row.logins,
                    queued: device.queue.len(),
                });
            }
        }
        devices
    }

    /// All simulated phones.
    pub(crate) fn contacts(&self) -> Vec<ContactInfo> {
        self.accounts
            .values()
            .map(|account| ContactInfo {
                phone: account.row.phone.clone(),
                name: account.row.name.clone(),
                echo: account.row.echo,
                companions: account.devices.len(),
                messages: account.inbox.len(),
            })
            .collect()
    }

    /// Makes a simulated contact, or changes its echo.
    pub(crate) fn add_contact(&mut self, phone: &str, name: &str, echo: bool) -> Result<(), Error> {
        let phone = checked_number(phone)?;
        self.ensure_account(&phone, name)?;
        self.account_mut(&phone)?.row.echo = echo;
        self.save_account(&phone);
        Ok(())
    }

    /// Cuts the live sockets of an account.
    pub(crate) fn drop_sockets(
        &mut self,
        phone: &str,
        how: DropHow,
        code: Option<u16>,
    ) -> Result<usize, Error> {
        let ending = match how {
            DropHow::Close => Ending::Close,
            DropHow::Eof => Ending::Eof,
            DropHow::StreamError => Ending::StreamError {
                code: code.unwrap_or(SERVICE_UNAVAILABLE),
            },
        };
        self.end(Some(phone), &ending)
    }

    /// The phone unlinks its companions.
    pub(crate) fn logout(&mut self, phone: &str) -> Result<usize, Error> {
        let companions = self.unlink_all(phone)?;
        for addr in &companions {
            self.seen
                .add("unlinked", Some(addr), json!({"by": "phone"}));
        }
        Ok(companions.len())
    }

    /// Adds a rule for connections to come.
    pub(crate) fn order(&mut self, rule: Trouble) -> Result<(), Error> {
        rule.check()?;
        self.add_trouble(rule);
        Ok(())
    }

    /// Adds a rule that refuses logins.
    pub(crate) fn refuse(&mut self, rule: Refusal) {
        self.add_trouble(rule.into());
    }

    fn add_trouble(&mut self, rule: Trouble) {
        if rule.times != Some(0) {
            self.troubles.push(rule);
            self.save_troubles();
        }
    }

    /// Removes the rules for connections to come.
    pub(crate) fn clear_troubles(&mut self) {
        self.troubles.clear();
        self.save_troubles();
    }

    /// Makes a number look as if it were not on WhatsApp.
    pub(crate) fn set_absent(&mut self, phone: &str) -> Result<(), Error> {
        let phone = checked_number(phone)?;
        self.store.put_bytes(Bucket::Absent, phone.clone(), b"");
        self.absent.insert(phone);
        Ok(())
    }

    /// Stops or resumes answering an account.
    pub(crate) fn silence(&mut self, phone: &str, on: bool) -> Result<(), Error> {
        let phone = checked_number(phone)?;
        if on {
            self.silenced.insert(phone.clone());
        } else {
            self.silenced.remove(&phone);
        }
        self.apply_silence();
        Ok(())
    }

    /// Changes the knobs.
    pub(crate) fn set_config(&mut self, config: Config) {
        self.config = config;
        self.apply_silence();
    }

    fn apply_silence(&mut self) {
        let conns: Vec<_> = self
            .live
            .iter()
            .map(|(addr, conn)| (addr.phone.clone(), *conn))
            .collect();
        for (phone, conn) in conns {
            let silent = self.is_silent(&phone);
            self.tell(conn, Outgoing::Silence(silent));
        }
    }
}
