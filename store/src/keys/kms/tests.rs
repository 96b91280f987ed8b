//! Answers that the emulator does not give.

use serde_json::json;

use super::*;
use crate::aws::scripted::Scripted;

async fn unwrapped(code: &str) -> Error {
    let kind = format!("com.amazonaws.kms#{code}");
    let service = Scripted::new([(400, json!({ "__type": kind, "message": "" }))]);
    let keys = KmsKeys::new(
        Client::new(&service.config()),
        "alias/pombal",
        KmsOptions::default(),
    );
    let instance = InstanceId::random();
    let error = keys.unwrap(instance, b"wrapped").await.unwrap_err();
    let asked = &service.asked()[0];
    assert_eq!(asked["KeyId"], "alias/pombal");
    assert_eq!(asked["EncryptionContext"], json!({ CONTEXT: instance }));
    error
}

#[tokio::test]
async fn a_key_that_does_not_open_is_told_from_a_service_that_fails() {
    for code in ["InvalidCiphertextException", "IncorrectKeyException"] {
        let error = unwrapped(code).await;
        assert!(matches!(error, Error::Unwrap(_)), "{error:?}");
    }
    for code in [
        "DisabledException",
        "AccessDeniedException",
        "KMSInternalException",
    ] {
        let error = unwrapped(code).await;
        assert!(matches!(error, Error::Service(_)), "{error:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_a_wrapped_key_is_not_sent() {
    let service = Scripted::new([]);
    let keys = KmsKeys::new(
        Client::new(&service.config()),
        "alias/pombal",
        KmsOptions::default(),
    );
    for bytes in [vec![], vec![0; MAX_WRAPPED_BYTES + 1]] {
        let error = keys.unwrap(InstanceId::random(), &bytes).await.unwrap_err();
        assert!(matches!(error, Error::Unwrap(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_data_key_of_another_length_is_refused() {
    let short = json!({ "Plaintext": "AAAA", "CiphertextBlob": "AAAA", "KeyId": "k" });
    let service = Scripted::new([(200, short)]);
    let keys = KmsKeys::new(Client::new(&service.config()), "k", KmsOptions::default());
    let error = keys.generate(InstanceId::random()).await.unwrap_err();
    assert!(matches!(error, Error::Service(_)), "{error:?}");
}
