//! The suite for [`Keys`].

use async_trait::async_trait;
use pombal_domain::InstanceId;

use crate::keys::{DATA_KEY_BYTES, DataKey, Error, Keys};

/// Makes key services.
#[async_trait]
pub trait Factory: Sync {
    /// A service with a master key of its own.
    async fn make(&self) -> Box<dyn Keys>;

    /// Whether wrapped keys that were changed, or wrapped by another master key, are noticed.
    /// Emulators of KMS don't encrypt in earnest.
    fn notices_changes(&self) -> bool {
        true
    }
}

super::suite! {
    Factory, super::tests::Embedded;
    cases: what_was_wrapped_opens a_row_key_is_wrapped_along every_key_is_fresh a_wrapped_key_is_bound_to_its_instance
        changed_bytes_do_not_open another_master_key_does_not_open;
}

mod cases {
    use super::*;

    pub(super) async fn what_was_wrapped_opens(factory: &impl Factory) {
        let keys = factory.make().await;
        let instance = InstanceId::random();
        let (key, wrapped) = keys.generate(instance).await.unwrap();
        for _ in 0..2 {
            let opened = keys.unwrap(instance, &wrapped).await.unwrap();
            assert_eq!(opened.expose(), key.expose());
        }
        let bare = key.expose().as_slice();
        assert!(
            !wrapped.windows(bare.len()).any(|part| part == bare),
            "wrapped key shows the key"
        );
    }

    pub(super) async fn a_row_key_is_wrapped_along(factory: &impl Factory) {
        let keys = factory.make().await;
        let instance = InstanceId::random();
        let key = DataKey::random().unwrap();
        assert_eq!(key.row_key(), None);
        let wrapped = keys.wrap(instance, &key).await.unwrap();
        assert_eq!(
            keys.unwrap(instance, &wrapped).await.unwrap().row_key(),
            None
        );

        let key = key.with_row_key([7; DATA_KEY_BYTES]);
        let wrapped = keys.wrap(instance, &key).await.unwrap();
        let opened = keys.unwrap(instance, &wrapped).await.unwrap();
        assert_eq!(opened.expose(), key.expose());
        assert_eq!(opened.row_key(), Some(&[7; DATA_KEY_BYTES]));
        assert!(
            !wrapped.windows(8).any(|part| part == [7; 8]),
            "wrapped key shows the row key"
        );
    }

    pub(super) async fn every_key_is_fresh(factory: &impl Factory) {
        let keys = factory.make().await;
        let instance = InstanceId::random();
        let (one, wrapped_one) = keys.generate(instance).await.unwrap();
        let (two, wrapped_two) = keys.generate(instance).await.unwrap();
        assert_ne!(one.expose(), two.expose());
        assert_ne!(wrapped_one, wrapped_two);
    }

    pub(super) async fn a_wrapped_key_is_bound_to_its_instance(factory: &impl Factory) {
        let keys = factory.make().await;
        let (_, wrapped) = keys.generate(InstanceId::random()).await.unwrap();
        let opened = keys.unwrap(InstanceId::random(), &wrapped).await;
        assert!(matches!(opened, Err(Error::Unwrap(_))), "{opened:?}");
    }

    pub(super) async fn changed_bytes_do_not_open(factory: &impl Factory) {
        if !factory.notices_changes() {
            return;
        }
        let keys = factory.make().await;
        let instance = InstanceId::random();
        let (_, wrapped) = keys.generate(instance).await.unwrap();
        let mut damaged: Vec<Vec<u8>> = vec![
            Vec::new(),
            wrapped[1..].to_vec(),
            wrapped[..wrapped.len() - 1].to_vec(),
            [wrapped.as_slice(), &[0]].concat(),
        ];
        for place in [0, wrapped.len() / 2, wrapped.len() - 1] {
            let mut bytes = wrapped.clone();
            bytes[place] ^= 1;
            damaged.push(bytes);
        }
        for bytes in damaged {
            let opened = keys.unwrap(instance, &bytes).await;
            assert!(matches!(opened, Err(Error::Unwrap(_))), "{opened:?}");
        }
    }

    pub(super) async fn another_master_key_does_not_open(factory: &impl Factory) {
        if !factory.notices_changes() {
            return;
        }
        let (keys, others) = (factory.make().await, factory.make().await);
        let instance = InstanceId::random();
        let (_, wrapped) = keys.generate(instance).await.unwrap();
        let opened = others.unwrap(instance, &wrapped).await;
        assert!(matches!(opened, Err(Error::Unwrap(_))), "{opened:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::file::FileKeys;

    pub(super) struct Embedded;

    #[async_trait]
    impl Factory for Embedded {
        async fn make(&self) -> Box<dyn Keys> {
            let dir = tempfile::tempdir().unwrap();
            Box::new(FileKeys::open(dir.path().join("master.key")).unwrap())
        }
    }
}
