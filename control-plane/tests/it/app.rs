//! The API on storage of its own, and a client for it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use pombal_control_plane::api::{ApiOptions, ApiState, router};
use pombal_domain::{Instance, InstanceName, ShardId};
use pombal_store::egress::EgressOptions;
use pombal_store::keys::file::FileKeys;
use pombal_store::queue::QueueOptions;
use pombal_store::queue::large::Bodies;
use pombal_store::queue::sqlite::QueueFile;
use pombal_store::{Egress, Keys, Queue, Registry, registry};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

pub(crate) const GLOBAL_KEY: &str = "global-key-of-the-tests";
/// Longer than any test may wait.
pub(crate) const LONG: Duration = Duration::from_secs(20);
/// Long enough for a fake connector, short enough to run out in a test.
pub(crate) const SHORT: Duration = Duration::from_millis(150);

/// The stores below the control plane.
pub(crate) struct Stores {
    pub(crate) registry: Registry,
    pub(crate) queues: QueueFile,
    pub(crate) keys: Arc<dyn Keys>,
    pub(crate) bodies: Bodies,
    dir: TempDir,
}

impl Stores {
    /// Where everything is.
    pub(crate) fn directory(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            registry: registry::embedded::open(dir.path().join("registry.db"))
                .await
                .unwrap(),
            queues: QueueFile::open(dir.path().join("queues.db")).unwrap(),
            keys: Arc::new(FileKeys::open(dir.path().join("master.key")).unwrap()),
            bodies: Bodies::in_directory(dir.path().join("bodies")).unwrap(),
            dir,
        }
    }

    pub(crate) fn fifo(&self, name: &str) -> Arc<dyn Queue> {
        self.queue(name, true)
    }

    pub(crate) fn queue(&self, name: &str, fifo: bool) -> Arc<dyn Queue> {
        let options = QueueOptions {
            fifo,
            visibility: Duration::from_secs(30),
            max_receives: None,
        };
        self.queues.queue(name, options).unwrap()
    }

    pub(crate) async fn row(&self, name: &str) -> Instance {
        let name = InstanceName::parse(name).unwrap();
        self.registry.instance(&name).await.unwrap().unwrap()
    }
}

pub(crate) fn egress(allow_private: bool) -> Egress {
    Egress::new(EgressOptions {
        allow_private,
        connect_timeout: Duration::from_secs(2),
        user_agent: "test".into(),
    })
    .unwrap()
}

/// The API, with one shard unless asked for more.
pub(crate) struct TestApp {
    pub(crate) stores: Stores,
    pub(crate) commands: Arc<dyn Queue>,
    router: Router,
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With waits that run out quickly: for tests in which nobody answers.
    pub(crate) async fn start_alone() -> Self {
        Self::start_with(|options| {
            options.connect_wait = SHORT;
            options.send_wait = SHORT;
            options.logout_wait = SHORT;
            options.delete_wait = SHORT;
        })
        .await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut ApiOptions)) -> Self {
        Self::start_on(|_, options| change(options)).await
    }

    /// With what has to be made of the stores.
    pub(crate) async fn start_on(change: impl FnOnce(&Stores, &mut ApiOptions)) -> Self {
        let stores = Stores::open().await;
        Self::on(stores, change)
    }

    /// On stores that the test has opened.
    pub(crate) fn on(stores: Stores, change: impl FnOnce(&Stores, &mut ApiOptions)) -> Self {
        let mut options = ApiOptions::new(GLOBAL_KEY, "http://gateway.test");
        options.shards = 1;
        options.connect_wait = LONG;
        options.send_wait = LONG;
        options.logout_wait = LONG;
        options.delete_wait = LONG;
        change(&stores, &mut options);
        let queues =
            (0..options.shards).map(|n| (ShardId(n), stores.fifo(&format!("commands-{n}"))));
        let queues: BTreeMap<_, _> = queues.collect();
        let commands = Arc::clone(&queues[&ShardId(0)]);
        let state = ApiState::new(
            stores.registry.clone(),
            queues,
            Arc::clone(&stores.keys),
            egress(false),
            options,
        )
        .unwrap();
        Self {
            stores,
            commands,
            router: router(state),
        }
    }

    /// The router, for who serves it on a socket.
    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> Call<'_> {
        Call {
            app: self,
            request: Request::builder().method(method).uri(path),
            body: None,
            chunked: false,
        }
    }

    pub(crate) fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> Call<'_> {
        self.call(Method::POST, path)
    }

    pub(crate) fn put(&self, path: &str) -> Call<'_> {
        self.call(Method::PUT, path)
    }

    pub(crate) fn delete(&self, path: &str) -> Call<'_> {
        self.call(Method::DELETE, path)
    }

    /// Creates an instance and returns its token.
    pub(crate) async fn create(&self, name: &str) -> String {
        let body = json!({ "instanceName": name, "integration": "WHATSAPP-BAILEYS" });
        let answer = self.post("/instance/create").global().json(&body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.body["hash"].as_str().unwrap().to_owned()
    }
}

pub(crate) struct Call<'a> {
    app: &'a TestApp,
    request: axum::http::request::Builder,
    body: Option<Vec<u8>>,
    chunked: bool,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The body if it is JSON, else `null`.
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) bytes: Bytes,
}

impl Call<'_> {
    pub(crate) fn global(self) -> Self {
        self.key(GLOBAL_KEY)
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("apikey", key)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// With what a server knows of the request beside its text.
    pub(crate) fn extension(mut self, value: impl Clone + Send + Sync + 'static) -> Self {
        self.request = self.request.extension(value);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sends the body in pieces, without saying how long it is.
    pub(crate) fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    pub(crate) async fn json(self, body: &Value) -> Answer {
        self.header("content-type", "application/json")
            .body(body.to_string())
            .send()
            .await
    }

    pub(crate) async fn send(self) -> Answer {
        let body = self.body.unwrap_or_default();
        let body = if self.chunked {
            let pieces: Vec<_> = body.chunks(1 << 16).map(Bytes::copy_from_slice).collect();
            let pieces = pieces.into_iter().map(Ok::<_, std::io::Error>);
            Body::from_stream(futures::stream::iter(pieces))
        } else {
            Body::from(body)
        };
        let request = self.request.body(body).unwrap();
        let response = self.app.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
            bytes,
        }
    }
}

impl Answer {
    /// A header as text; empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// Checks the envelope of an error.
    #[track_caller]
    pub(crate) fn assert_error(&self, status: u16, reason: &str, message: &Value) {
        let wanted =
            json!({ "status": status, "error": reason, "response": { "message": message } });
        assert_eq!((self.status.as_u16(), &self.body), (status, &wanted));
    }

    #[track_caller]
    pub(crate) fn assert_bad_request(&self, message: &Value) {
        self.assert_error(400, "Bad Request", message);
    }

    #[track_caller]
    pub(crate) fn assert_unauthorized(&self) {
        self.assert_error(401, "Unauthorized", &json!("Unauthorized"));
    }

    #[track_caller]
    pub(crate) fn assert_ok(&self, status: u16, body: &Value) {
        assert_eq!((self.status.as_u16(), &self.body), (status, body));
    }
}
