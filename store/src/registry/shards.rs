//! Shards: what lives there.

use pombal_domain::time::UnixMs;
use pombal_domain::{Instance, InstanceId, Remains, ShardId, Tombstone};

use super::listing::readable;
use super::row::{Item, Row, key, number, shard_place, text};
use super::{Error, Registry, pages};

/// When a tombstone was put.
const SINCE: &str = "since";
/// The attempt that has handed an instance over.
pub(super) const LEFT_BY: &str = "left_by";

/// What the shard's owner finds there.
#[derive(Debug, Clone, Default)]
pub struct ShardContent {
    /// Instances that live on the shard.
    pub instances: Vec<Instance>,
    /// Deleted instances whose rows are still to be wiped.
    pub tombstones: Vec<Tombstone>,
    /// What instances have left that live on other shards now.
    pub remains: Vec<Remains>,
}

/// A tombstone, and since when it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grave {
    /// The tombstone.
    pub tombstone: Tombstone,
    /// When it was put; the epoch where an earlier version did not note it.
    pub since: UnixMs,
}

impl Registry {
    /// The tombstones of one shard, and nothing else. On AWS this may miss one of the last
    /// moments.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Storage`].
    pub async fn graves(&self, shard: ShardId) -> Result<Vec<Grave>, Error> {
        let items = pages::items(self.of_shard(shard, Some("TOMBSTONE#"))).await?;
        let grave = |item: &Item| {
            Ok(Grave {
                tombstone: read_tombstone(item)?,
                since: UnixMs(Row(item).optional(SINCE, Row::number)?.unwrap_or_default()),
            })
        };
        items.iter().map(grave).collect()
    }

    /// Instances, tombstones and remains of one shard, all of them. On AWS this may miss a change of
    /// the last moments. A row that can't be read is logged and left out.
    ///
    /// # Errors
    /// [`Error::Damaged`] for a damaged tombstone or remains, [`Error::Storage`].
    pub async fn shard_content(&self, shard: ShardId) -> Result<ShardContent, Error> {
        let mut content = ShardContent::default();
        for item in pages::items(self.of_shard(shard, None)).await? {
            let row = Row(&item);
            let sort = row.text("shard_sort")?;
            if sort.starts_with("TOMBSTONE#") {
                content.tombstones.push(read_tombstone(&item)?);
            } else if sort.starts_with("REMAINS#") {
                content.remains.push(read_remains(&item)?);
            } else {
                content.instances.extend(readable(&item));
            }
        }
        Ok(content)
    }

    /// Forgets a deleted instance, once its rows are wiped. Forgetting twice is no error.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn remove_tombstone(&self, tombstone: &Tombstone) -> Result<(), Error> {
        self.client
            .delete_item()
            .table_name(&*self.table)
            .set_key(Some(tombstone_key(tombstone.id)))
            .send()
            .await
            .map_err(Error::storage)?;
        Ok(())
    }
}

pub(super) fn tombstone_key(id: InstanceId) -> Item {
    key(format!("TOMBSTONE#{id}"), "TOMBSTONE")
}

pub(super) fn remains_key(id: InstanceId, shard: ShardId) -> Item {
    key(format!("TOMBSTONE#{id}"), &format!("SHARD#{shard}"))
}

pub(super) fn remains_item(remains: &Remains) -> Item {
    let mut item = remains_key(remains.id, remains.shard);
    item.extend(shard_place("REMAINS", remains.shard, remains.id));
    item.insert("instance".to_owned(), text(remains.id.to_string()));
    item.insert("name".to_owned(), text(remains.name.as_str()));
    item.insert(LEFT_BY.to_owned(), text(remains.left_by.to_string()));
    item.insert(SINCE.to_owned(), number(UnixMs::now().0));
    item
}

pub(super) fn read_remains(item: &Item) -> Result<Remains, Error> {
    let row = Row(item);
    Ok(Remains {
        id: row.parse("instance")?,
        name: row.parse("name")?,
        shard: ShardId(row.number("shard")?),
        left_by: row.parse(LEFT_BY)?,
    })
}

pub(super) fn tombstone_item(tombstone: &Tombstone) -> Item {
    let mut item = tombstone_key(tombstone.id);
    item.extend(shard_place("TOMBSTONE", tombstone.shard, tombstone.id));
    item.insert("instance".to_owned(), text(tombstone.id.to_string()));
    item.insert("name".to_owned(), text(tombstone.name.as_str()));
    item.insert(SINCE.to_owned(), number(UnixMs::now().0));
    item
}

pub(super) fn read_tombstone(item: &Item) -> Result<Tombstone, Error> {
    let row = Row(item);
    Ok(Tombstone {
        id: row.parse("instance")?,
        name: row.parse("name")?,
        shard: ShardId(row.number("shard")?),
    })
}
