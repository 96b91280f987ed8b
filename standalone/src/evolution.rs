//! Evolution API's variables, for who brings an environment from there.

mod page;
mod retries;

use std::env as process;
use std::net::{Ipv4Addr, SocketAddr};

use pombal_store::env::{self, BadVariable};

use page::Fate;
pub(crate) use retries::retries;

/// The original's port, and ours.
const DEFAULT_PORT: u16 = 8080;

/// Warns of variables that are set and have no effect here, and refuses one that asks for what
/// can't be had.
///
/// # Errors
/// When the process should serve HTTPS by itself: behind its back, keys would travel in the
/// clear.
pub(crate) fn check() -> Result<(), BadVariable> {
    if env::text("SERVER_TYPE")?.is_some_and(|kind| kind != "http") {
        let problem = "HTTPS ends at a proxy in front of this server: unset it, or say http";
        return Err(BadVariable::new("SERVER_TYPE", problem));
    }
    let set = process::vars_os().filter_map(|(name, value)| {
        let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
        has_no_effect(&name, &value).then_some(name)
    });
    let mut idle: Vec<String> = set.collect();
    idle.sort_unstable();
    if !idle.is_empty() {
        let variables = idle.join(", ");
        tracing::warn!(
            variables,
            "set, and without effect here: docs/MIGRATING.md says why"
        );
    }
    Ok(())
}

/// Whether somebody who sets this may expect what does not come.
fn has_no_effect(name: &str, value: &str) -> bool {
    let asks = !matches!(value.trim(), "" | "false");
    asks && page::fate(name).is_some_and(|fate| fate != Fate::Honoured)
}

/// Where to listen: as told, or on `SERVER_PORT` of this machine.
///
/// # Errors
/// When the two contradict each other, or `SERVER_PORT` is no port.
pub(crate) fn listen(told: Option<SocketAddr>) -> Result<SocketAddr, BadVariable> {
    let port = env::parse("SERVER_PORT", 0)?;
    resolve(told, (port != 0).then_some(port))
}

fn resolve(told: Option<SocketAddr>, port: Option<u16>) -> Result<SocketAddr, BadVariable> {
    match (told, port) {
        (Some(told), Some(port)) if told.port() != port => {
            let problem = format!("is {port}, but the address to listen on is {told}");
            Err(BadVariable::new("SERVER_PORT", problem))
        }
        (Some(told), _) => Ok(told),
        (None, port) => {
            let port = port.unwrap_or(DEFAULT_PORT);
            Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_and_a_port_must_agree() {
        let told: SocketAddr = "0.0.0.0:9000".parse().unwrap();
        assert_eq!(resolve(Some(told), None).unwrap(), told);
        assert_eq!(resolve(Some(told), Some(9000)).unwrap(), told);
        let refused = resolve(Some(told), Some(8080)).unwrap_err();
        assert_eq!(refused.variable(), "SERVER_PORT");
        let local = |port: Option<u16>| resolve(None, port).unwrap().to_string();
        assert_eq!(local(None), "127.0.0.1:8080");
        assert_eq!(local(Some(9000)), "127.0.0.1:9000");
    }

    #[test]
    fn what_asks_for_nothing_is_nothing_to_warn_of() {
        assert!(has_no_effect("RABBITMQ_ENABLED", "true"));
        assert!(!has_no_effect("RABBITMQ_ENABLED", "false"));
        assert!(!has_no_effect("RABBITMQ_URI", ""));
        assert!(!has_no_effect("QRCODE_LIMIT", "7"));
        assert!(!has_no_effect("PATH", "/bin"));
    }
}
