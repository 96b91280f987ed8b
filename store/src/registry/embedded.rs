//! The embedded adapter: the registry's table in a `SQLite` file, with no server and no port.
//!
//! `dynoxide-rs` is `DynamoDB` on `SQLite`. Its [`Database`] sits below the real SDK client, in
//! the place of the HTTP connector, so that there is one registry for AWS and for here. Its
//! writes are durable when they are answered: `SQLite` in WAL mode with `synchronous = FULL`.

mod connector;
mod dispatch;
mod scrub;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Config, Credentials, Region, StalledStreamProtectionConfig,
};
use dynoxide::Database;

use super::{Error, Registry};
use connector::InProcess;
use scrub::DbFile;

/// The table's name in the file.
const TABLE: &str = "pombal";

/// Opens the registry in the file at `path`, or makes it, drops rows whose time to live is
/// over, and finishes a deletion that broke off. One process at a time may have it open.
///
/// # Errors
/// [`Error::Storage`].
pub async fn open(path: impl AsRef<Path>) -> Result<Registry, Error> {
    let path = path
        .as_ref()
        .to_str()
        .ok_or_else(|| Error::storage("path is not UTF-8"))?;
    let path = path.to_owned();
    let file = path.clone();
    let db = tokio::task::spawn_blocking(move || Database::new(&file))
        .await
        .map_err(Error::storage)?
        .map_err(Error::storage)?;
    let registry = Registry {
        client: client(db.clone()),
        table: TABLE.into(),
        local: Some(Arc::new(DbFile::new(db, path))),
        due_begun: Arc::default(),
    };
    registry.create_table_if_missing().await?;
    registry.scrub().await?;
    registry.sweep().await?;
    Ok(registry)
}

/// An SDK client whose requests never leave the process and that asks nobody for credentials.
fn client(db: Database) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("local"))
        .endpoint_url("http://registry.invalid")
        .credentials_provider(Credentials::new("local", "local", None, None, "embedded"))
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(InProcess::new(db))
        .build();
    Client::from_conf(config)
}
