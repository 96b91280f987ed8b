//! The ways in which clients write a proxy: flat or under its name, and inline at creation.

use pombal_domain::time::UnixMs;
use pombal_domain::{InstanceId, ProxyConfig, ProxyProtocol, ProxyServer};
use pombal_store::DataKey;
use pombal_store::proxy::{MAX_CREDENTIAL_BYTES, host_name, seal_password};
use serde_json::{Map, Value};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::api::error::ApiError;
use crate::api::fields::Fields;

/// Longest name of a host in characters (RFC 1035 § 2.3.4).
const MAX_HOST_CHARS: usize = 253;

/// A password in the clear.
pub(in crate::api) type Password = Zeroizing<String>;

/// Where the fields are: their names in `set`, or at creation.
struct Names {
    host: &'static str,
    port: &'static str,
    protocol: &'static str,
    username: &'static str,
    password: &'static str,
}

const IN_SET: Names = Names {
    host: "host",
    port: "port",
    protocol: "protocol",
    username: "username",
    password: "password",
};

const IN_CREATE: Names = Names {
    host: "proxyHost",
    port: "proxyPort",
    protocol: "proxyProtocol",
    username: "proxyUsername",
    password: "proxyPassword",
};

/// A proxy as a client wants it; what is left out is `None`.
pub(in crate::api) struct ProxyInput {
    enabled: bool,
    address: Option<Address>,
    username: Option<String>,
    password: Option<Password>,
}

#[derive(PartialEq, Eq)]
struct Address {
    protocol: ProxyProtocol,
    host: String,
    port: u16,
}

/// A proxy as it is to be from now on. Its password is in the clear.
pub(in crate::api) struct Wanted {
    enabled: bool,
    server: Option<ProxyServer>,
    password: Option<Password>,
}

impl ProxyInput {
    /// Reads the body of `set`. What a proxy that is off is said to be need not make sense:
    /// `enabled: false` alone switches it off.
    pub(super) fn from_set(
        body: &Map<String, Value>,
        old: Option<&ProxyConfig>,
    ) -> Result<Self, ApiError> {
        let object = match body.get("proxy") {
            Some(Value::Object(nested)) => nested,
            _ => body,
        };
        let mut fields = Fields::root(object);
        let enabled = fields.bool("enabled");
        fields.require("enabled");
        if enabled == Some(false) {
            let mut about = Fields::root(object);
            let input = Self::read(&mut about, &IN_SET, false);
            fields.finish()?;
            return Ok(input);
        }
        let input = Self::read(&mut fields, &IN_SET, true);
        let address = [IN_SET.host, IN_SET.port, IN_SET.protocol];
        let is_named = address.iter().any(|name| object.contains_key(*name));
        if !is_named && old.is_none_or(|old| old.server.is_none()) {
            for name in address {
                fields.require(name);
            }
        }
        fields.finish()?;
        Ok(input)
    }

    /// Reads the proxy out of the body of `create`. `None`: there is none, as with the empty
    /// host that dashboards send.
    pub(in crate::api) fn from_create(body: &Map<String, Value>) -> (Option<Self>, Vec<String>) {
        let mut fields = Fields::root(body);
        match body.get(IN_CREATE.host) {
            None => return (None, Vec::new()),
            Some(Value::String(host)) if host.trim().is_empty() => return (None, Vec::new()),
            Some(_) => {}
        }
        let input = Self::read(&mut fields, &IN_CREATE, true);
        (Some(input), fields.into_violations())
    }

    fn read(fields: &mut Fields<'_>, names: &Names, enabled: bool) -> Self {
        let (host, port) = (host(fields, names.host), port(fields, names.port));
        let protocol = protocol(fields, names.protocol);
        let address = match (protocol, host, port) {
            (Some(protocol), Some(host), Some(port)) => Some(Address {
                protocol,
                host,
                port,
            }),
            (None, None, None) => None,
            // Half an address is no change of the old one.
            (protocol, host, port) => {
                let there = [
                    (names.host, host.is_some()),
                    (names.port, port.is_some()),
                    (names.protocol, protocol.is_some()),
                ];
                for (name, _) in there.into_iter().filter(|(_, is_there)| !is_there) {
                    fields.require(name);
                }
                None
            }
        };
        Self {
            enabled,
            address,
            username: credential(fields, names.username),
            password: credential(fields, names.password).map(Zeroizing::new),
        }
    }

    /// What is to be from now on. User and password belong to an address: they stay if it does,
    /// and no other proxy is told them. An empty text takes them away.
    pub(super) fn merge(self, old: Option<&ProxyConfig>, old_password: Option<Password>) -> Wanted {
        let old = old.and_then(|old| old.server.as_ref());
        let is_same = |new: &Address| {
            old.is_some_and(|old| {
                (old.protocol, &old.host, old.port) == (new.protocol, &new.host, new.port)
            })
        };
        let stays = self.address.as_ref().is_none_or(is_same);
        let (old_user, old_password) = if stays {
            (old.and_then(|old| old.username.clone()), old_password)
        } else {
            (None, None)
        };
        let server = match (self.address, old) {
            (Some(new), _) => Some((new.protocol, new.host, new.port)),
            (None, Some(old)) => Some((old.protocol, old.host.clone(), old.port)),
            (None, None) => None,
        };
        let username = self.username.or(old_user).filter(|name| !name.is_empty());
        let password = self.password.or(old_password);
        Wanted {
            enabled: self.enabled,
            server: server.map(|(protocol, host, port)| ProxyServer {
                protocol,
                host,
                port,
                username,
                password_sealed: None,
            }),
            password: password.filter(|password| !password.is_empty()),
        }
    }
}

impl Wanted {
    /// The server, if it is to be used.
    pub(super) fn active(&self) -> Option<(&ProxyServer, Option<&Password>)> {
        let server = self.server.as_ref().filter(|_| self.enabled)?;
        Some((server, self.password.as_ref()))
    }

    /// The password in the clear.
    pub(super) fn password(&self) -> Option<&str> {
        self.password.as_deref().map(String::as_str)
    }

    /// The row to store.
    ///
    /// # Errors
    /// When the system's random source fails.
    pub(in crate::api) fn store(
        &self,
        key: &DataKey,
        instance: InstanceId,
        old: Option<&ProxyConfig>,
        now: UnixMs,
    ) -> Result<ProxyConfig, ring::error::Unspecified> {
        let sealed = self
            .password()
            .map(|password| seal_password(key, instance, password))
            .transpose()?;
        Ok(ProxyConfig {
            id: old.map_or_else(Uuid::new_v4, |old| old.id),
            revision: old.map_or(1, |old| old.revision + 1),
            enabled: self.enabled,
            server: self.server.clone().map(|server| ProxyServer {
                password_sealed: sealed,
                ..server
            }),
            created_at: old.map_or(now, |old| old.created_at),
            updated_at: now,
        })
    }
}

fn host(fields: &mut Fields<'_>, name: &str) -> Option<String> {
    let text = fields.string(name, MAX_HOST_CHARS)?;
    if text.trim().is_empty() {
        fields.violate(format!("The \"{name}\" cannot be empty"));
        return None;
    }
    let host = host_name(&text);
    if host.is_none() {
        fields.violate(format!("{name} is not the name or address of a host"));
    }
    host
}

/// Texts, as the original wants them, or numbers.
fn port(fields: &mut Fields<'_>, name: &str) -> Option<u16> {
    let text = match fields.get(name)? {
        Value::Number(number) => number.to_string(),
        _ => fields.string(name, MAX_HOST_CHARS)?,
    };
    if text.trim().is_empty() {
        fields.violate(format!("The \"{name}\" cannot be empty"));
        return None;
    }
    let port = text.trim().parse().ok().filter(|port| *port != 0);
    if port.is_none() {
        fields.violate(format!("{name} is not a port from 1 to 65535"));
    }
    port
}

fn protocol(fields: &mut Fields<'_>, name: &str) -> Option<ProxyProtocol> {
    let text = fields.string(name, MAX_HOST_CHARS)?;
    if text.trim().is_empty() {
        fields.violate(format!("The \"{name}\" cannot be empty"));
        return None;
    }
    let protocol = text.parse().ok();
    if protocol.is_none() {
        let known = ProxyProtocol::ALL.map(ProxyProtocol::as_str).join(",");
        fields.violate(format!("{name} is not one of enum values: {known}"));
    }
    protocol
}

fn credential(fields: &mut Fields<'_>, name: &str) -> Option<String> {
    let text = fields.string(name, MAX_CREDENTIAL_BYTES)?;
    if text.len() > MAX_CREDENTIAL_BYTES {
        fields.violate(format!(
            "{name} does not meet maximum length of {MAX_CREDENTIAL_BYTES}"
        ));
        return None;
    }
    Some(text)
}
