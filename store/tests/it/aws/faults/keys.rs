//! Data keys on a bad day.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bad_aws::{Service, Told, seeds};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pombal_domain::InstanceId;
use pombal_store::conformance::aws;
use pombal_store::keys::kms::{KmsKeys, KmsOptions};
use pombal_store::keys::{Error, Keys};
use tracing_subscriber::fmt::MakeWriter;

use super::{all_happened, bad, mix};

/// Everything that is logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn record() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(tracing::Level::TRACE)
            .with_writer(log.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Keys open to what they were, or the service fails; nothing else.
async fn keys_open_or_the_service_fails(seed: u64) {
    let (log, _guard) = Log::record();
    let (proxy, clients) = bad(seed).await;
    let nothing_kept = KmsOptions {
        kept: 0,
        kept_for: Duration::ZERO,
    };
    let master = aws::connect()
        .await
        .kms()
        .create_key()
        .send()
        .await
        .unwrap();
    let master = master.key_metadata.unwrap().key_id;
    let keys = KmsKeys::new(clients.kms(), &master, nothing_kept);
    let faults = mix(&proxy, Service::Kms, 8);
    let (mut opened, mut secrets) = (0, Vec::new());
    for _ in 0..40 {
        let instance = InstanceId::random();
        let (key, wrapped) = match keys.generate(instance).await {
            Ok(made) => made,
            Err(Error::Service(_)) => continue,
            Err(other) => panic!("{other:?}"),
        };
        match keys.unwrap(instance, &wrapped).await {
            Ok(again) => assert_eq!(again.expose(), key.expose()),
            Err(Error::Service(_)) => continue,
            Err(other) => panic!("{other:?}"),
        }
        opened += 1;
        secrets.push(*key.expose());
    }
    assert!(opened > 20, "only {opened} of 40");
    all_happened(&faults);
    assert!(proxy.log().of(Service::Kms).most_tries() <= 4);

    let text = log.text();
    assert!(text.contains("GenerateDataKey"), "nothing was recorded");
    for secret in secrets {
        let debug = format!("{secret:?}");
        let forms = [STANDARD.encode(secret), hex::encode(secret), debug];
        for form in forms {
            let form = form.trim_matches(['[', ']']);
            let found = text.lines().find(|line| line.contains(form));
            let found = found.map(|line| line.replace(form, "<the key>"));
            assert_eq!(found, None, "a key in the log");
        }
    }
}

#[tokio::test]
async fn no_key_is_wrong_or_logged_on_a_bad_day() {
    for seed in seeds(0x6B6579) {
        let _told = Told(seed);
        keys_open_or_the_service_fails(seed).await;
    }
}
