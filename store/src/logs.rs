//! Logs: JSON lines on standard error, the same for every binary.

use std::error::Error;

use pombal_domain::Chain;
use tracing_subscriber::EnvFilter;

/// What is logged unless `RUST_LOG` says otherwise. The client and the storage engine are
/// loud about things that are routine here; we log what follows from them ourselves.
const DEFAULT: &str = "warn,pombal=info,pombal_connector=info,pombal_control_plane=info,\
    pombal_sessions=info,pombal_store=info,fake_whatsapp=warn,slatedb=error,whatsapp_rust=error,\
    Client=error,wacore=error";
/// Never logged, whatever is asked for: its errors show identities and key material.
const SILENCED: &str = "wacore_libsignal";

/// Sends logs of all crates to standard error.
pub fn init() {
    let wanted = std::env::var("RUST_LOG").unwrap_or_else(|_| DEFAULT.to_owned());
    let filter = EnvFilter::new(format!("{wanted},{SILENCED}=off"));
    // Libraries that use `log` end up in the same place. Fails only if done twice.
    let _ = tracing_log::LogTracer::init();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_writer(std::io::stderr)
        .with_env_filter(filter)
        .finish();
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Says why the process ends, with everything behind it.
pub fn fatal(error: &(dyn Error + 'static)) {
    tracing::error!(error = %Chain(error), "pombal stops");
}
