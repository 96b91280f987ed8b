//! Where parcels lie between two shards: `<root>/moves/<shard>/<instance>.<attempt>`, by the
//! shard that they are for.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt};
use pombal_domain::time::UnixMs;
use pombal_domain::{InstanceId, MoveId, ShardId};

/// A parcel's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label {
    /// The shard that it is for.
    pub to: ShardId,
    /// Whose rows are in it.
    pub instance: InstanceId,
    /// The attempt to hand the instance over.
    pub attempt: MoveId,
}

/// The parcels of a deployment. A cheap clone.
#[derive(Debug, Clone)]
pub struct Depot {
    store: Arc<dyn ObjectStore>,
    root: String,
}

impl Depot {
    /// The parcels beside the session databases below `root`.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, root: &str) -> Self {
        let root = format!("{}/moves", root.trim_matches('/'));
        Self { store, root }
    }

    /// Puts a parcel, durably.
    ///
    /// # Errors
    /// When the object store fails. It may be there then.
    pub async fn put(&self, label: Label, parcel: Vec<u8>) -> Result<(), Error> {
        self.store.put(&self.path(label), parcel.into()).await?;
        Ok(())
    }

    /// A parcel; `None` when it is not there.
    ///
    /// # Errors
    /// When the object store fails.
    pub async fn get(&self, label: Label) -> Result<Option<Bytes>, Error> {
        match self.store.get(&self.path(label)).await {
            Ok(found) => Ok(Some(found.bytes().await?)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes a parcel. Fine when it is not there.
    ///
    /// # Errors
    /// When the object store fails.
    pub async fn remove(&self, label: Label) -> Result<(), Error> {
        match self.store.delete(&self.path(label)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Parcels for a shard that have been there for at least `age`, by the clock of the store.
    ///
    /// # Errors
    /// When the object store fails.
    pub async fn older(&self, to: ShardId, age: Duration) -> Result<Vec<Label>, Error> {
        let prefix = Path::from(format!("{}/{to}", self.root));
        let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let now = i64::try_from(UnixMs::now().0).unwrap_or(i64::MAX);
        let found: Vec<_> = self.store.list(Some(&prefix)).try_collect().await?;
        let old = found
            .iter()
            .filter(|object| object.last_modified.timestamp_millis().saturating_add(age) <= now);
        Ok(old
            .filter_map(|object| read(to, object.location.filename()?))
            .collect())
    }

    fn path(&self, label: Label) -> Path {
        let Label {
            to,
            instance,
            attempt,
        } = label;
        Path::from(format!("{}/{to}/{instance}.{attempt}", self.root))
    }
}

/// What the name of an object says; `None` when it is none of ours.
fn read(to: ShardId, name: &str) -> Option<Label> {
    let (instance, attempt) = name.split_once('.')?;
    Some(Label {
        to,
        instance: instance.parse().ok()?,
        attempt: attempt.parse().ok()?,
    })
}
