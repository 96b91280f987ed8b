//! The Runtime API: a function asks for the next event and posts what came of it.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex as StdMutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc, oneshot};
use uuid::Uuid;

type Answer = Result<Value, Value>;

struct Invocation {
    id: String,
    event: Vec<u8>,
    deadline_ms: u128,
}

/// The events of one function, and who waits for their answers.
pub(crate) struct RuntimeApi {
    send: mpsc::UnboundedSender<Invocation>,
    next: Mutex<mpsc::UnboundedReceiver<Invocation>>,
    waiting: StdMutex<HashMap<String, oneshot::Sender<Answer>>>,
}

impl RuntimeApi {
    /// Serves on a free port, for as long as the process lives.
    pub(crate) async fn serve() -> (Arc<Self>, SocketAddr) {
        let (send, next) = mpsc::unbounded_channel();
        let api = Arc::new(Self {
            send,
            next: Mutex::new(next),
            waiting: StdMutex::default(),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next_event))
            .route(
                "/2018-06-01/runtime/invocation/{id}/response",
                post(response),
            )
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&api));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (api, address)
    }

    /// Hands in an event and waits for what comes of it.
    pub(crate) async fn invoke(&self, event: &Value, deadline: Duration) -> Answer {
        let id = Uuid::new_v4().to_string();
        let (answer, answered) = oneshot::channel();
        self.waiting.lock().unwrap().insert(id.clone(), answer);
        let end = SystemTime::now() + deadline;
        let invocation = Invocation {
            id,
            event: event.to_string().into_bytes(),
            deadline_ms: end.duration_since(UNIX_EPOCH).unwrap().as_millis(),
        };
        assert!(self.send.send(invocation).is_ok(), "nobody takes events");
        answered.await.unwrap()
    }

    fn answer(&self, id: &str, answer: Answer) -> StatusCode {
        // Nobody waits for the answer to an event whose test has gone on.
        if let Some(waiting) = self.waiting.lock().unwrap().remove(id) {
            let _ = waiting.send(answer);
        }
        StatusCode::ACCEPTED
    }
}

async fn next_event(State(api): State<Arc<RuntimeApi>>) -> Response {
    let next = api.next.lock().await.recv().await;
    let Some(next) = next else {
        return StatusCode::GONE.into_response();
    };
    let headers = [
        ("lambda-runtime-aws-request-id", next.id),
        ("lambda-runtime-deadline-ms", next.deadline_ms.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:function".to_owned(),
        ),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, next.event).into_response()
}

async fn response(
    State(api): State<Arc<RuntimeApi>>,
    Path(id): Path<String>,
    body: Bytes,
) -> StatusCode {
    let answer = serde_json::from_slice(&body).unwrap_or(Value::Null);
    api.answer(&id, Ok(answer))
}

async fn error(
    State(api): State<Arc<RuntimeApi>>,
    Path(id): Path<String>,
    // It comes without a content type.
    error: Bytes,
) -> StatusCode {
    let error = serde_json::from_slice(&error).unwrap_or(Value::Null);
    api.answer(&id, Err(error))
}
