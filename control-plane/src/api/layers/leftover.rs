//! What is left of a request's body when the answer is there.
//!
//! A connection that is closed while the other side still writes is reset, and the answer is lost
//! with it: who sends a large file under a wrong key would see a broken connection and no 401.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::EXPECT;
use axum::middleware::Next;
use axum::response::Response;
use futures::{Stream, StreamExt};
use tokio::time::timeout;

/// How much is read and dropped.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// How long that may take.
const TIME: Duration = Duration::from_secs(10);

/// Reads what the handler has left, then answers.
pub(in crate::api) async fn leftover(req: Request, next: Next) -> Response {
    if req.body().is_end_stream() {
        return next.run(req).await;
    }
    // Who asks first sends nothing until somebody reads.
    let waits = req.headers().contains_key(EXPECT);
    let (parts, body) = req.into_parts();
    let body = Shared(Arc::new(Mutex::new(Reading {
        body: body.into_data_stream(),
        begun: !waits,
        ended: false,
    })));
    let req = Request::from_parts(parts, Body::from_stream(body.clone()));
    let response = next.run(req).await;
    if body.is_underway() {
        // Whoever is slower than that gets the answer if he can.
        let _ = timeout(TIME, body.discard()).await;
    }
    response
}

/// A body that the handler reads, and who waits for the handler afterwards.
#[derive(Clone)]
struct Shared(Arc<Mutex<Reading>>);

struct Reading {
    body: BodyDataStream,
    /// The sender sends.
    begun: bool,
    /// All has been read, or nothing more will come.
    ended: bool,
}

impl Shared {
    fn is_underway(&self) -> bool {
        let reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reading.begun && !reading.ended
    }

    async fn discard(mut self) {
        let mut left = MAX_BYTES;
        while let Some(Ok(chunk)) = self.next().await {
            match left.checked_sub(chunk.len()) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    }
}

impl Stream for Shared {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reading.begun = true;
        if reading.ended {
            return Poll::Ready(None);
        }
        let polled = reading.body.poll_next_unpin(cx);
        reading.ended = matches!(polled, Poll::Ready(None | Some(Err(_))));
        polled
    }
}
