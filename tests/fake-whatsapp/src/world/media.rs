//! The media host's fixed state: its secret, and its epoch.

use super::World;
use super::load::json;
use crate::error::Error;
use crate::keys::Key32;
use crate::media::MediaHost;
use crate::store::{Bucket, Store};

const SECRET_KEY: &str = "media-secret";
const EPOCH_KEY: &str = "media-epoch";

/// The host as it was. Draws its secret on the first start.
pub(super) fn media_host(store: &mut Store) -> Result<MediaHost, Error> {
    let (mut secret, mut epoch) = (None, 0);
    for row in store.rows(Bucket::Server)? {
        match row.key.as_str() {
            SECRET_KEY => secret = Some(json(&row)?),
            EPOCH_KEY => epoch = json(&row)?,
            _ => {}
        }
    }
    let secret = match secret {
        Some(secret) => secret,
        None => {
            let secret = Key32(rand::random());
            store.put(Bucket::Server, SECRET_KEY.to_owned(), &secret);
            store.commit()?;
            secret
        }
    };
    MediaHost::new(store.dir(), secret, epoch)
}

impl World {
    /// Makes all tokens for the media host invalid that were handed out.
    pub(crate) fn expire_media_auth(&mut self) {
        let epoch = self.media.expire_auth();
        self.store.put(Bucket::Server, EPOCH_KEY.to_owned(), &epoch);
    }
}
