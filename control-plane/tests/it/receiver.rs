//! A webhook endpoint on loopback that answers as a test wants.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// One request that came in.
#[derive(Debug, Clone)]
pub(crate) struct Hit {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) at: Instant,
}

impl Hit {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn seq(&self) -> u64 {
        self.json()["seq"].as_u64().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// How the endpoint answers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Behave {
    Answer(u16),
    RetryAfter(u16, &'static str),
    After(Duration, u16),
    Hang,
}

type Script = dyn Fn(&Hit, usize) -> Behave + Send + Sync;

#[derive(Clone)]
struct Shared {
    hits: Arc<Mutex<Vec<Hit>>>,
    script: Arc<Script>,
}

/// Stops when dropped.
pub(crate) struct TestReceiver {
    pub(crate) url: String,
    hits: Arc<Mutex<Vec<Hit>>>,
    task: JoinHandle<()>,
}

impl TestReceiver {
    /// The script gets each request and how many came before it.
    pub(crate) async fn start(
        script: impl Fn(&Hit, usize) -> Behave + Send + Sync + 'static,
    ) -> Self {
        let hits = Arc::<Mutex<Vec<Hit>>>::default();
        let shared = Shared {
            hits: Arc::clone(&hits),
            script: Arc::new(script),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().fallback(take).with_state(shared);
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, hits, task }
    }

    pub(crate) async fn ok() -> Self {
        Self::start(|_, _| Behave::Answer(200)).await
    }

    pub(crate) fn hits(&self) -> Vec<Hit> {
        self.hits.lock().unwrap().clone()
    }

    pub(crate) fn seqs(&self) -> Vec<u64> {
        self.hits().iter().map(Hit::seq).collect()
    }
}

impl Drop for TestReceiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(State(shared): State<Shared>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let hit = Hit {
        path: uri.path().to_owned(),
        headers,
        text,
        at: Instant::now(),
    };
    let behave = {
        let mut hits = shared.hits.lock().unwrap();
        let behave = (shared.script)(&hit, hits.len());
        hits.push(hit);
        behave
    };
    let status = |status| StatusCode::from_u16(status).unwrap();
    match behave {
        Behave::Answer(code) => status(code).into_response(),
        Behave::RetryAfter(code, after) => (status(code), [("retry-after", after)]).into_response(),
        Behave::After(wait, code) => {
            tokio::time::sleep(wait).await;
            status(code).into_response()
        }
        Behave::Hang => std::future::pending().await,
    }
}
