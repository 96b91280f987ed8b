//! Reading a body up to a limit, and seeing the sender out who has sent more.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, EXPECT};
use bytes::BytesMut;
use futures::StreamExt;
use tokio::time::timeout;

use crate::api::error::ApiError;

/// How much of a body that is too large is read and dropped. A connection that is closed while
/// the other side still writes is reset, and the answer lost with it.
const MAX_DISCARDED_BYTES: usize = 64 * 1024 * 1024;
/// How long that may take.
const DISCARD_TIME: Duration = Duration::from_secs(10);

/// The whole body, of at most `limit` bytes.
///
/// # Errors
/// 413 when there is more; 400 when the sender breaks off.
pub(super) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let announced = headers.get(CONTENT_LENGTH);
    let announced = announced.and_then(|n| n.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|n| n > limit) {
        // Who asks first has not sent anything yet, and won't.
        if !headers.contains_key(EXPECT) {
            discard(body.into_data_stream()).await;
        }
        return Err(ApiError::too_large(limit));
    }
    let mut stream = body.into_data_stream();
    let mut bytes = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| ApiError::malformed("request aborted"))?;
        if bytes.len() + chunk.len() > limit {
            discard(stream).await;
            return Err(ApiError::too_large(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

async fn discard(mut stream: BodyDataStream) {
    let all = async {
        let mut left = MAX_DISCARDED_BYTES;
        while let Some(Ok(chunk)) = stream.next().await {
            match left.checked_sub(chunk.len()) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    };
    // Whoever is slower than that gets the answer if he can.
    let _ = timeout(DISCARD_TIME, all).await;
}
