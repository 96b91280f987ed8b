//! Data keys of KMS.

use std::time::Duration;

use async_trait::async_trait;
use pombal_domain::InstanceId;
use pombal_store::Keys;
use pombal_store::conformance::aws;
use pombal_store::conformance::keys::{Factory, run_all};
use pombal_store::keys::kms::KmsOptions;

/// Nothing is kept, so that every unwrap asks KMS.
const NOTHING_KEPT: KmsOptions = KmsOptions {
    kept: 0,
    kept_for: Duration::ZERO,
};

struct Kms(KmsOptions);

#[async_trait]
impl Factory for Kms {
    async fn make(&self) -> Box<dyn Keys> {
        Box::new(aws::keys(&aws::connect().await, self.0).await)
    }

    fn notices_changes(&self) -> bool {
        false
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keys_conform() {
    run_all(&Kms(NOTHING_KEPT)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keys_conform_when_they_are_kept() {
    run_all(&Kms(KmsOptions::default())).await;
}

#[tokio::test]
async fn a_kept_key_is_not_asked_for_again() {
    let clients = aws::connect().await;
    let keys = aws::keys(&clients, KmsOptions::default()).await;
    let instance = InstanceId::random();
    let (key, wrapped) = keys.generate(instance).await.unwrap();
    for _ in 0..10 {
        let opened = keys.unwrap(instance, &wrapped).await.unwrap();
        assert_eq!(opened.expose(), key.expose());
    }
    let requests = clients.requests();
    assert_eq!(requests.of("kms", "GenerateDataKey"), 1);
    assert_eq!(requests.of("kms", "Decrypt"), 0);
    // Not by another instance's name, though.
    keys.unwrap(InstanceId::random(), &wrapped)
        .await
        .unwrap_err();
    assert_eq!(requests.of("kms", "Decrypt"), 1);
}
