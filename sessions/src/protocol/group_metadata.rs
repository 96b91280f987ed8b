//! Cached metadata of groups: blobs of the client, opaque here.

use crate::error::Error;
use crate::kind::Kind;
use crate::row_key::RowKey;
use crate::session::Session;

impl Session {
    fn group_blob_key(&self, group: &str) -> RowKey {
        self.keys().of(Kind::GroupMetadata, &[group.as_bytes()])
    }

    pub(super) async fn group_blob(&self, group: &str) -> Result<Option<Vec<u8>>, Error> {
        self.get(&self.group_blob_key(group)).await
    }

    pub(super) async fn put_group_blob(&self, group: &str, blob: &[u8]) -> Result<(), Error> {
        self.put_row(&self.group_blob_key(group), blob).await
    }

    pub(super) async fn delete_group_blob(&self, group: &str) -> Result<(), Error> {
        self.delete_row(&self.group_blob_key(group)).await
    }
}
