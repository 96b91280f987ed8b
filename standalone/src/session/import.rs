//! `pombal session import`.
//!
//! Nothing changes before the whole file is proved. From then on, in this order: what is in
//! the way is deleted, a tombstone announces the instance, the rows are written under a fresh
//! data key, and one transaction puts the instance's row in the tombstone's place. A process
//! that dies in between leaves a tombstone: no row, so nothing dials, and the next server
//! wipes what was written.

use std::error::Error;

use pombal_control_plane::api::token;
use pombal_control_plane::{Secret, token_hash};
use pombal_domain::{
    ConnectionState, Desired, Epoch, Instance, InstanceName, Observed, ProxyConfig, Seq, ShardId,
    Tombstone, Transit,
};
use pombal_sessions::{Archive, Card};
use pombal_store::{DataKey, Keys, proxy};
use tokio::fs::File;

use super::passphrase;
use super::storage::{Storage, fresh_key};
use crate::api_key;
use crate::cli::{ImportArgs, ServeArgs};
use crate::data_dir::DataDir;

/// Takes in an instance.
#[expect(clippy::print_stdout, reason = "for people at a terminal")]
pub(super) async fn run(args: ImportArgs, serve: &ServeArgs) -> Result<(), Box<dyn Error>> {
    let file = File::open(&args.file)
        .await
        .map_err(|error| format!("{}: {error}", args.file.display()))?;
    let passphrase = passphrase::of_existing(args.passphrase_file.as_deref())?;
    let mut archive = Archive::open(file, &passphrase).await?;
    let rows = archive.verify().await?;
    let name: InstanceName = match &args.name {
        Some(name) => name.parse()?,
        None => archive.card().name.clone(),
    };

    let data = DataDir::open(&serve.data_dir)?;
    if let Some(key) = api_key::load(data.path())?
        && key.matches(archive.card().token.as_bytes())
    {
        return Err("the instance's token is the API key of this deployment".into());
    }
    let storage = Storage::open(data).await?;
    let shards = storage.shards(serve.shards).await?;
    if let Some(shard) = args.shard
        && !shards.contains(&ShardId(shard))
    {
        return Err(format!("no server runs shard {shard} here").into());
    }
    let in_the_way = in_the_way(&storage, archive.card(), &name).await?;
    if let Some(old) = in_the_way.first()
        && !args.replace
    {
        let why = if old.id == archive.card().id {
            "this very instance is here already"
        } else {
            "another instance has this name"
        };
        return Err(format!("{why}: {}. --replace deletes it", old.name).into());
    }
    for old in &in_the_way {
        storage.registry.delete_instance(old).await?;
    }
    let itself = in_the_way.iter().find(|row| row.id == archive.card().id);
    let shard = match (args.shard.map(ShardId), itself) {
        (Some(shard), _) => shard,
        (None, Some(itself)) => itself.shard,
        (None, None) => shards[rand::random_range(0..shards.len())],
    };
    arrive(&storage, &mut archive, name.clone(), shard).await?;
    println!("{name} is here, with {rows} rows, on shard {shard}.");
    println!("Never import this file again: its message keys will have been used.");
    Ok(())
}

/// The instances that can't be there together with the one that comes.
async fn in_the_way(
    storage: &Storage,
    card: &Card,
    name: &InstanceName,
) -> Result<Vec<Instance>, Box<dyn Error>> {
    let registry = &storage.registry;
    let itself = registry.instance_by_id(card.id).await?;
    let namesake = registry.instance(name).await?;
    let mut found: Vec<Instance> = itself.into_iter().collect();
    found.extend(namesake.filter(|row| row.id != card.id));
    let hash = token_hash(card.token.as_bytes());
    let twin = registry.instance_by_token(&hash).await?;
    if let Some(twin) = twin.filter(|twin| found.iter().all(|row| row.id != twin.id)) {
        // Its name is another, so nobody asked for it to go.
        return Err(format!("the instance {} has the same token", twin.name).into());
    }
    Ok(found)
}

/// Writes the rows, then the instance's own row.
async fn arrive(
    storage: &Storage,
    archive: &mut Archive<File>,
    name: InstanceName,
    shard: ShardId,
) -> Result<(), Box<dyn Error>> {
    let id = archive.card().id;
    if let Some(before) = storage.registry.tombstone(id).await? {
        storage.bury(&before).await?;
    }
    let key = archive.adopt(fresh_key()?);
    let row = row(storage, archive.card(), name, shard, &key).await?;
    let tombstone = Tombstone {
        id,
        name: row.name.clone(),
        shard,
    };
    storage.registry.announce_arrival(&tombstone).await?;
    let (db, session) = storage.session(&row, key).await?;
    let imported = session.import(archive).await;
    db.close().await?;
    imported?;
    storage.registry.finish_arrival(&row).await?;
    Ok(())
}

async fn row(
    storage: &Storage,
    card: &Card,
    name: InstanceName,
    shard: ShardId,
    key: &DataKey,
) -> Result<Instance, Box<dyn Error>> {
    let token = Secret::new(card.token.as_str());
    Ok(Instance {
        id: card.id,
        name,
        integration: card.integration,
        business: None,
        shard,
        transit: Transit::default(),
        number: card.number.clone(),
        token_hash: token_hash(token.expose().as_bytes()),
        token_sealed: token::seal(key, card.id, &token)?,
        data_key: storage.keys.wrap(card.id, key).await?,
        desired: card.desired,
        pairing: card.pairing.clone(),
        // A new wish: the old one may have been settled, and an import asks for a connection.
        generation: card.generation + u64::from(card.desired == Desired::Connected),
        settings: card.settings.clone(),
        proxy: sealed(card, key)?,
        webhook: card.webhook.clone(),
        websocket: card.websocket.clone(),
        sqs: card.sqs.clone(),
        observed: Observed {
            state: ConnectionState::Close,
            qr: None,
            ..card.observed.clone()
        },
        // Epochs are this deployment's own, and the first event from here goes on top.
        epoch: Epoch::default(),
        seq: Seq::default(),
        created_at: card.created_at,
        updated_at: card.exported_at,
    })
}

/// The proxy with its password sealed again.
fn sealed(card: &Card, key: &DataKey) -> Result<Option<ProxyConfig>, Box<dyn Error>> {
    let Some(portable) = &card.proxy else {
        return Ok(None);
    };
    let mut config = portable.config.clone();
    if let (Some(server), Some(password)) = (&mut config.server, &portable.password) {
        let sealed = proxy::seal_password(key, card.id, password);
        server.password_sealed = Some(sealed.map_err(|_| "no randomness from the system")?);
    }
    Ok(Some(config))
}
