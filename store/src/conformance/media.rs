//! The suite for [`Media`].

use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use pombal_domain::InstanceId;
use pombal_domain::time::UnixMs;
use url::Url;

use crate::media::{Error, MAX_CONTENT_TYPE_BYTES, MAX_LINK, Media, MediaKey};

/// Makes places for media.
#[async_trait]
pub trait Factory: Sync {
    /// Where media are.
    type Place: Place;

    /// A place without media.
    async fn make(&self) -> Self::Place;
}

/// Where media are.
#[async_trait]
pub trait Place: Send + Sync {
    /// The thing under test.
    fn media(&self) -> &dyn Media;

    /// What somebody who has nothing but the link gets: content type and bytes.
    async fn follow(&self, link: Url) -> Option<(String, Bytes)>;

    /// Whether a medium's address without a signature is refused. Emulators of S3 don't ask
    /// who reads.
    fn refuses_strangers(&self) -> bool {
        true
    }
}

super::suite! {
    Factory, super::tests::Embedded;
    cases: what_was_put_comes_back what_is_not_there_is_none a_later_one_replaces_an_earlier
        what_was_deleted_is_gone instances_are_apart instances_are_listed
        what_is_young_is_left a_link_shows_its_medium
        a_link_expires a_changed_link_opens_nothing what_is_not_allowed_is_refused;
}

/// Long enough for anything that must happen.
const PATIENCE: Duration = Duration::from_secs(30);

fn key(name: &str) -> MediaKey {
    MediaKey::new(InstanceId::random(), name).unwrap()
}

async fn read(media: &dyn Media, key: &MediaKey) -> Option<(String, Bytes)> {
    let stored = media.get(key).await.unwrap()?;
    let parts: Vec<Bytes> = stored.body.try_collect().await.unwrap();
    let bytes = Bytes::from(parts.concat());
    assert_eq!(stored.size_bytes, bytes.len() as u64);
    Some((stored.content_type, bytes))
}

mod cases {
    use super::*;

    pub(super) async fn what_was_put_comes_back(factory: &impl Factory) {
        let place = factory.make().await;
        let longest = "x".repeat(MAX_CONTENT_TYPE_BYTES);
        let large = Bytes::from((0..9_000_000_u32).map(|n| n as u8).collect::<Vec<_>>());
        for (name, kind, bytes) in [
            (
                "photo.jpeg",
                "image/jpeg",
                Bytes::from_static(b"\xFF\xD8\0\r\n"),
            ),
            ("empty", "text/plain; charset=utf-8", Bytes::new()),
            ("kind", longest.as_str(), Bytes::from_static(b"x")),
            ("large.mp4", "video/mp4", large),
        ] {
            let key = key(name);
            place.media().put(&key, kind, bytes.clone()).await.unwrap();
            let (found, content) = read(place.media(), &key).await.unwrap();
            assert_eq!(found, kind);
            assert!(content == bytes, "{name} came back changed");
        }
    }

    pub(super) async fn what_is_not_there_is_none(factory: &impl Factory) {
        let place = factory.make().await;
        assert!(place.media().get(&key("a")).await.unwrap().is_none());
        place.media().delete(&key("a")).await.unwrap();
        let nobody = InstanceId::random();
        assert_eq!(place.media().delete_all(nobody).await.unwrap(), 0);
    }

    pub(super) async fn a_later_one_replaces_an_earlier(factory: &impl Factory) {
        let place = factory.make().await;
        let key = key("a");
        for (kind, bytes) in [("image/png", "first, and longer"), ("text/css", "second")] {
            place.media().put(&key, kind, bytes.into()).await.unwrap();
            let found = read(place.media(), &key).await.unwrap();
            assert_eq!(found, (kind.to_owned(), Bytes::from(bytes)));
        }
    }

    pub(super) async fn what_was_deleted_is_gone(factory: &impl Factory) {
        let place = factory.make().await;
        let (media, gone, kept) = (place.media(), key("a"), key("a"));
        for key in [&gone, &kept] {
            media.put(key, "text/plain", "x".into()).await.unwrap();
        }
        let link = media.link(&gone, PATIENCE * 10).await.unwrap();
        for _ in 0..2 {
            media.delete(&gone).await.unwrap();
        }
        assert!(read(media, &gone).await.is_none());
        assert!(place.follow(link).await.is_none());
        assert!(read(media, &kept).await.is_some());
    }

    pub(super) async fn instances_are_apart(factory: &impl Factory) {
        let place = factory.make().await;
        let (media, one, two) = (place.media(), InstanceId::random(), InstanceId::random());
        let keys = |instance| ["a", "b", "c.d"].map(|name| MediaKey::new(instance, name).unwrap());
        for key in keys(one).iter().chain(&keys(two)) {
            let body = Bytes::from(key.to_string());
            media.put(key, "text/plain", body).await.unwrap();
        }
        assert_eq!(media.delete_all(one).await.unwrap(), 3);
        for key in keys(one) {
            assert!(read(media, &key).await.is_none());
        }
        for key in keys(two) {
            assert_eq!(read(media, &key).await.unwrap().1, key.to_string());
        }
    }

    pub(super) async fn instances_are_listed(factory: &impl Factory) {
        let place = factory.make().await;
        let media = place.media();
        assert_eq!(media.instances().await.unwrap(), []);
        let (one, two) = (InstanceId::random(), InstanceId::random());
        for (instance, name) in [(one, "a"), (one, "b"), (two, "a")] {
            let key = MediaKey::new(instance, name).unwrap();
            media.put(&key, "text/plain", "x".into()).await.unwrap();
        }
        let mut found = media.instances().await.unwrap();
        found.sort_by_key(|instance| *instance != one);
        assert_eq!(found, [one, two]);
        media.delete_all(one).await.unwrap();
        assert_eq!(media.instances().await.unwrap(), [two]);
    }

    pub(super) async fn what_is_young_is_left(factory: &impl Factory) {
        let place = factory.make().await;
        let (media, key) = (place.media(), key("a"));
        media.put(&key, "text/plain", "x".into()).await.unwrap();
        let hour = Duration::from_secs(3600);
        let (now, instance) = (UnixMs::now(), key.instance());
        let an_hour_ago = UnixMs(now.0 - 3_600_000);
        assert_eq!(media.delete_older(instance, an_hour_ago).await.unwrap(), 0);
        assert!(read(media, &key).await.is_some());
        let removed = media.delete_older(instance, now.plus(hour)).await.unwrap();
        assert_eq!(removed, 1);
        assert!(read(media, &key).await.is_none());
    }

    pub(super) async fn a_link_shows_its_medium(factory: &impl Factory) {
        let place = factory.make().await;
        let key = key("photo.jpeg");
        let put = place.media().put(&key, "image/jpeg", "bytes".into());
        put.await.unwrap();
        let link = place.media().link(&key, MAX_LINK).await.unwrap();
        assert!(link.path().ends_with(&key.to_string()), "{link}");
        for _ in 0..2 {
            let found = place.follow(link.clone()).await.unwrap();
            assert_eq!(found, ("image/jpeg".to_owned(), Bytes::from("bytes")));
        }
    }

    pub(super) async fn a_link_expires(factory: &impl Factory) {
        let place = factory.make().await;
        let key = key("a");
        place
            .media()
            .put(&key, "text/plain", "x".into())
            .await
            .unwrap();
        let link = place
            .media()
            .link(&key, Duration::from_secs(2))
            .await
            .unwrap();
        assert!(place.follow(link.clone()).await.is_some());
        let end = Instant::now() + PATIENCE;
        while place.follow(link.clone()).await.is_some() {
            assert!(Instant::now() < end, "the link does not expire");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        // The medium is still there.
        assert!(read(place.media(), &key).await.is_some());
    }

    pub(super) async fn a_changed_link_opens_nothing(factory: &impl Factory) {
        let place = factory.make().await;
        let (mine, other) = (key("a"), key("a"));
        for key in [&mine, &other] {
            place
                .media()
                .put(key, "text/plain", "x".into())
                .await
                .unwrap();
        }
        let link = place.media().link(&mine, PATIENCE * 10).await.unwrap();
        assert!(place.follow(link.clone()).await.is_some());
        let path = link.path().replace(&mine.to_string(), &other.to_string());
        let mut elsewhere = link.clone();
        elsewhere.set_path(&path);
        assert!(place.follow(elsewhere).await.is_none());
        let pairs: Vec<(String, String)> = link.query_pairs().into_owned().collect();
        for changed in 0..pairs.len() {
            let (name, value) = &pairs[changed];
            let is_guarded = ["expires", "signature"]
                .iter()
                .any(|guarded| name.to_lowercase().ends_with(guarded));
            if !is_guarded {
                continue;
            }
            let mut pairs = pairs.clone();
            // Another digit, at its end.
            let (kept, last) = value.split_at(value.len() - 1);
            pairs[changed].1 = format!("{kept}{}", if last == "1" { "2" } else { "1" });
            let mut forged = link.clone();
            forged.query_pairs_mut().clear().extend_pairs(&pairs);
            assert!(place.follow(forged).await.is_none(), "{name} changed");
        }
        let mut bare = link;
        bare.set_query(None);
        assert!(!place.refuses_strangers() || place.follow(bare).await.is_none());
    }

    pub(super) async fn what_is_not_allowed_is_refused(factory: &impl Factory) {
        let place = factory.make().await;
        let key = key("a");
        let long = "x".repeat(MAX_CONTENT_TYPE_BYTES + 1);
        for kind in ["", "text/plain\r\nx: y", "é", &long] {
            let put = place.media().put(&key, kind, Bytes::new()).await;
            assert!(matches!(put, Err(Error::Invalid(_))), "{put:?}");
        }
        assert!(place.media().get(&key).await.unwrap().is_none());
        for valid in [Duration::ZERO, MAX_LINK + Duration::from_secs(1)] {
            let link = place.media().link(&key, valid).await;
            assert!(matches!(link, Err(Error::Invalid(_))), "{link:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::local::LocalMedia;

    pub(super) struct Embedded;

    pub(super) struct Directory {
        media: LocalMedia,
        _dir: tempfile::TempDir,
    }

    #[async_trait]
    impl Factory for Embedded {
        type Place = Directory;

        async fn make(&self) -> Directory {
            let dir = tempfile::tempdir().unwrap();
            Directory {
                media: LocalMedia::open(dir.path(), "http://api.test/", &[7; 32]).unwrap(),
                _dir: dir,
            }
        }
    }

    #[async_trait]
    impl Place for Directory {
        fn media(&self) -> &dyn Media {
            &self.media
        }

        async fn follow(&self, link: Url) -> Option<(String, Bytes)> {
            let key: MediaKey = link.path().strip_prefix("/media/")?.parse().ok()?;
            let parameter = |name: &str| {
                let mut pairs = link.query_pairs();
                pairs
                    .find(|(found, _)| found == name)
                    .map(|(_, value)| value)
            };
            let expires = parameter("expires")?.parse().ok()?;
            let signature = parameter("signature")?;
            self.media.check_link(&key, expires, &signature).ok()?;
            let stored = self.media.get(&key).await.unwrap()?;
            let parts: Vec<Bytes> = stored.body.try_collect().await.unwrap();
            Some((stored.content_type, parts.concat().into()))
        }
    }
}
