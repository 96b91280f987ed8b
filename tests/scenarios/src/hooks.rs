//! A webhook endpoint that remembers what it got.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;

/// One webhook, as it arrived.
#[derive(Debug, Clone)]
pub struct Hook {
    /// The path segment it was posted to.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Value,
    /// When it arrived.
    pub at: Instant,
}

impl Hook {
    /// The event's name.
    #[must_use]
    pub fn event(&self) -> &str {
        self.body["event"].as_str().unwrap_or_default()
    }
}

/// The endpoint. Each instance of a scenario posts to a path of its own.
#[derive(Clone)]
pub struct HookServer {
    url: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    hooks: Mutex<Vec<Hook>>,
    /// Paths that never answer.
    hanging: Mutex<Vec<String>>,
    /// Paths that answer 500.
    failing: Mutex<Vec<String>>,
    /// The paths of requests that were answered 500.
    refused: Mutex<Vec<String>>,
}

impl HookServer {
    /// Starts it on a free port.
    ///
    /// # Panics
    /// When there is none.
    pub async fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let app = Router::new()
            .route("/{path}", post(take))
            .with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, shared }
    }

    /// The URL for `path`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.url)
    }

    /// What arrived on `path`, in order.
    #[must_use]
    pub fn hooks(&self, path: &str) -> Vec<Hook> {
        let hooks = self.shared.hooks.lock().unwrap();
        hooks
            .iter()
            .filter(|hook| hook.path == path)
            .cloned()
            .collect()
    }

    /// The bodies of one event that arrived on `path`, in order.
    #[must_use]
    pub fn of(&self, path: &str, event: &str) -> Vec<Value> {
        let hooks = self.hooks(path).into_iter();
        hooks
            .filter(|hook| hook.event() == event)
            .map(|hook| hook.body)
            .collect()
    }

    /// How many requests on `path` were answered 500.
    #[must_use]
    pub fn refused(&self, path: &str) -> usize {
        self.shared
            .refused
            .lock()
            .unwrap()
            .iter()
            .filter(|other| *other == path)
            .count()
    }

    /// Never answer on `path` any more.
    pub fn hang(&self, path: &str) {
        self.shared.hanging.lock().unwrap().push(path.to_owned());
    }

    /// Answer 500 on `path`, or stop doing so.
    pub fn fail(&self, path: &str, on: bool) {
        let mut failing = self.shared.failing.lock().unwrap();
        failing.retain(|other| other != path);
        if on {
            failing.push(path.to_owned());
        }
    }
}

async fn take(
    State(shared): State<Arc<Shared>>,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: String,
) -> StatusCode {
    if shared.hanging.lock().unwrap().contains(&path) {
        std::future::pending::<()>().await;
    }
    if shared.failing.lock().unwrap().contains(&path) {
        shared.refused.lock().unwrap().push(path);
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    let body = serde_json::from_str(&body).unwrap_or(Value::Null);
    shared.hooks.lock().unwrap().push(Hook {
        path,
        headers,
        body,
        at: Instant::now(),
    });
    StatusCode::OK
}
