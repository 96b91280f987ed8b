//! What the log tells, and what it must not tell.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use pombal_domain::Desired;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::app::{GLOBAL_KEY, TestApp};
use crate::connector::{open, project};
use crate::delivery::rig::{Rig, event, eventually};
use crate::receiver::{Behave, TestReceiver};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Records everything on this thread until the guard is dropped.
    fn record() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(log.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// The lines that we wrote, with their spans.
    fn ours(&self) -> String {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let ours = |line: &&str| line.contains(r#""target":"pombal_"#);
        text.lines().filter(ours).collect::<Vec<_>>().join("\n")
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

#[tokio::test]
async fn a_request_is_one_line_without_secrets() {
    let (log, _guard) = Log::record();
    let app = TestApp::start_alone().await;
    let body = json!({ "instanceName": "b1", "token": "TOKEN-77", "number": "5511999990001" });
    app.post("/instance/create").global().json(&body).await;
    let row = app.stores.row("b1").await;
    let registry = &app.stores.registry;
    let row = registry
        .set_desired(&row.name, row.id, Desired::Connected, None)
        .await
        .unwrap();
    project(registry, &row, open(&row)).await;
    let body = json!({ "number": "5511999990002", "text": "text-of-the-message" });
    app.post("/Message/sendtext/b1/?number=5511999990003")
        .key("TOKEN-77")
        .json(&body)
        .await;
    app.post("/message/sendText/b1")
        .key("wrong-key")
        .json(&body)
        .await;
    app.get("/instance/connect/b1?number=5511999990003")
        .key("TOKEN-77")
        .send()
        .await;
    let shown = log.ours();
    for secret in [
        GLOBAL_KEY,
        "TOKEN-77",
        "wrong-key",
        "551199999000",
        "text-of-the-message",
    ] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    let line = r#""message":"request""#;
    assert_eq!(
        shown.lines().filter(|l| l.contains(line)).count(),
        4,
        "{shown}"
    );
    for wanted in [
        r#""http.route":"/message/sendText/{name}""#,
        r#""http.method":"POST""#,
        r#""http.status":201"#,
        r#""http.status":401"#,
        r#""duration_ms":"#,
    ] {
        assert!(shown.contains(wanted), "{wanted} not in {shown}");
    }
}

#[tokio::test]
async fn a_delivery_tells_neither_url_nor_headers_nor_data() {
    let (log, _guard) = Log::record();
    let rig = Rig::new().await;
    let receiver = TestReceiver::start(|_, _| Behave::Answer(500)).await;
    let url = format!("{}?secret=in-the-url", receiver.url);
    let headers = BTreeMap::from([("x-key".to_owned(), "in-the-header".to_owned())]);
    let row = rig
        .instance_with("b1", &url, |webhook| webhook.headers = Some(headers))
        .await;
    // Nobody listens on port 1.
    let nobody = rig
        .instance("b2", "http://127.0.0.1:1/?secret=in-the-url")
        .await;
    for row in [&row, &nobody] {
        let mut event = event(row, 1);
        event.data = json!("in-the-data");
        rig.publish(&event).await;
    }
    let service = rig.start_with(|options| options.expose_keys = true);
    eventually("both are dead", || service.counts().dead == 2).await;
    service.stop().await;
    let shown = log.ours();
    for secret in ["in-the-url", "in-the-header", "in-the-data", "T-1"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert!(shown.contains("the endpoint answered 500"), "{shown}");
    assert!(shown.contains("can't connect"), "{shown}");
    assert!(shown.contains("event given up"), "{shown}");
}
