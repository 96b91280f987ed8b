//! `pombal session export`.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use pombal_control_plane::api::token;
use pombal_domain::time::UnixMs;
use pombal_domain::{Desired, Instance, InstanceName, Integration};
use pombal_sessions::{Archive, Card, Passphrase, PortableProxy};
use pombal_store::{Keys, proxy};
use tokio::fs::{File, OpenOptions};

use super::passphrase;
use super::storage::Storage;
use crate::cli::{ExportArgs, ServeArgs};
use crate::data_dir::DataDir;

/// Writes the file, reads it back, and only then marks the instance as moved.
#[expect(clippy::print_stdout, reason = "for people at a terminal")]
pub(super) async fn run(args: ExportArgs, serve: &ServeArgs) -> Result<(), Box<dyn Error>> {
    let name: InstanceName = args.instance.parse()?;
    let storage = Storage::open(DataDir::open_existing(&serve.data_dir)?).await?;
    let row = storage
        .registry
        .instance(&name)
        .await?
        .ok_or_else(|| format!("there is no instance {name}"))?;
    if row.integration == Integration::Business {
        let text = format!("{name} speaks through the Cloud API: it has no session to move");
        return Err(text.into());
    }
    match row.desired {
        Desired::Connected | Desired::Disconnected => {}
        Desired::LoggedOut => return Err(format!("{name} is logged out").into()),
        Desired::Moved => return Err(format!("{name} was moved away already").into()),
    }
    if row.transit.arriving.is_some() {
        let text = format!(
            "{name} is on its way to shard {}: start the server once",
            row.shard
        );
        return Err(text.into());
    }
    let passphrase = passphrase::of_new(args.passphrase_file.as_deref())?;
    let rows = export(&storage, &row, &passphrase, &args.out).await?;
    verify(&args.out, &passphrase, rows).await?;
    let out = args.out.display();
    if args.moves {
        storage.registry.mark_moved(&row).await?;
        println!("{name} is in {out} ({rows} rows). It will not connect here any more.");
    } else {
        println!("{name} is in {out} ({rows} rows).");
        println!(
            "This is a copy. Only one of the two may ever connect: WhatsApp ends the older \
             connection, and both would give out the same message keys. Delete {name} here \
             before you import the file, or export it with --move."
        );
    }
    Ok(())
}

/// Writes the file, durably. What is left of a file after a failure opens nowhere; it is
/// removed all the same.
async fn export(
    storage: &Storage,
    row: &Instance,
    passphrase: &Passphrase,
    out: &Path,
) -> Result<u64, Box<dyn Error>> {
    let token = token::open(&storage.keys, row).await?;
    let key = storage.keys.unwrap(row.id, &row.data_key).await?;
    let proxy = portable(row, &storage.keys).await?;
    let card = card(row, token.expose(), proxy);
    let (db, session) = storage.session(row, key).await?;
    let file = create(out)
        .await
        .map_err(|error| format!("{}: {error}", out.display()))?;
    let written = async {
        let (file, rows) = session.export(card, passphrase, file).await?;
        file.sync_all().await?;
        sync_directory(out).await?;
        Ok::<_, Box<dyn Error>>(rows)
    };
    let written = written.await;
    if written.is_err() {
        // The first error is the one to tell.
        let _ = tokio::fs::remove_file(out).await;
    }
    db.close().await?;
    written
}

/// The proxy with its password, which can't be opened elsewhere.
async fn portable(
    row: &Instance,
    keys: &dyn Keys,
) -> Result<Option<PortableProxy>, Box<dyn Error>> {
    let Some(mut config) = row.proxy.clone() else {
        return Ok(None);
    };
    let password = match &mut config.server {
        Some(server) => {
            let password = proxy::password(row, server, keys).await?;
            server.password_sealed = None;
            password.map(|password| password.to_string())
        }
        None => None,
    };
    Ok(Some(PortableProxy { config, password }))
}

fn card(row: &Instance, token: &str, proxy: Option<PortableProxy>) -> Card {
    Card {
        id: row.id,
        name: row.name.clone(),
        integration: row.integration,
        number: row.number.clone(),
        token: token.to_owned(),
        desired: row.desired,
        pairing: row.pairing.clone(),
        generation: row.generation,
        settings: row.settings.clone(),
        proxy,
        webhook: row.webhook.clone(),
        websocket: row.websocket.clone(),
        sqs: row.sqs.clone(),
        observed: row.observed.clone(),
        created_at: row.created_at,
        exported_at: UnixMs::now(),
        exported_by: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// A new file for its owner only.
async fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .await
}

async fn sync_directory(of: &Path) -> io::Result<()> {
    let directory = match of.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    File::open(directory).await?.sync_all().await
}

/// Opens the file as an import would.
async fn verify(path: &Path, passphrase: &Passphrase, rows: u64) -> Result<(), Box<dyn Error>> {
    let mut archive = Archive::open(File::open(path).await?, passphrase).await?;
    if archive.verify().await? != rows {
        return Err("the file does not hold what was written".into());
    }
    Ok(())
}
