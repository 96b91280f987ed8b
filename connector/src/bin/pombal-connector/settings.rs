//! What the environment and the command line say.

use std::error::Error;
use std::time::Duration;

use pombal_connector::config::{self, PairingConfig, ProxyConfig, SessionConfig};
use pombal_connector::{ConnectorOptions, Endpoint};
use pombal_store::env::BadVariable;

use crate::cli::ServeArgs;

/// How long a drain waits for commands in flight. The longest of them, a text that waits for
/// its ack, takes 20 s; what is left then is given back to the queue.
const DRAIN: Duration = Duration::from_secs(30);

/// How the connector runs.
///
/// # Errors
/// For a variable that can't be used; the message names it.
pub(crate) fn connector_options(args: &ServeArgs) -> Result<ConnectorOptions, Box<dyn Error>> {
    let pairing = PairingConfig::from_env()?;
    let defaults = ConnectorOptions::new(endpoint(args)?);
    let session = SessionConfig::from_env(defaults.commit_interval)?;
    let proxies = ProxyConfig::from_env()?;
    Ok(ConnectorOptions {
        qr_limit: pairing.qr_limit,
        qr_color: pairing.qr_color,
        device_name: pairing.device_name,
        logins_per_second: session.logins_per_second,
        fleet_logins_per_second: session.fleet_logins_per_second,
        commit_interval: session.commit_interval,
        drain_timeout: DRAIN,
        proxy: proxies.default,
        proxy_reach: proxies.reach,
        lease: Some(config::lease_from_env()?),
        ..defaults
    })
}

fn endpoint(args: &ServeArgs) -> Result<Endpoint, BadVariable> {
    let found = match &args.whatsapp_url {
        Some(url) => Endpoint::parse(url),
        None => Endpoint::whatsapp(),
    };
    found.map_err(|error| BadVariable::new("POMBAL_WHATSAPP_URL", error.to_string()))
}
