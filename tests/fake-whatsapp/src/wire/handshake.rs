//! From an accepted TCP connection to a finished Noise handshake.

use std::time::Duration;

use bytes::BytesMut;
use futures::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_websockets::{Limits, Message, ServerBuilder, WebSocketStream};

use crate::error::Error;
use crate::wire::frames::Frames;
use crate::wire::noise::{AfterHello, Established, ServerIdentity, answer_hello};

/// Where clients connect to.
pub(crate) const PATH: &str = "/ws/chat";
/// A client that says nothing for this long is gone. The client itself waits as long
/// (`whatsapp-rust/src/handshake.rs`).
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(20);
/// Frames have a three-byte length (`wacore-noise/src/framing.rs`).
const MAX_MESSAGE: usize = 1 << 24;

/// A websocket with its frame splitter.
pub(crate) struct Socket {
    pub(crate) ws: WebSocketStream<TcpStream>,
    pub(crate) frames: Frames,
}

impl Socket {
    /// Speaks the websocket upgrade.
    pub(crate) async fn upgrade(stream: TcpStream) -> Result<Self, Error> {
        stream.set_nodelay(true)?;
        let limits = Limits::default().max_payload_len(Some(MAX_MESSAGE));
        let server = ServerBuilder::new().limits(limits);
        let (request, ws) = timed(server.accept(stream)).await??;
        if request.uri().path() != PATH {
            return Err(Error::Wire("wrong path"));
        }
        Ok(Self {
            ws,
            frames: Frames::new(),
        })
    }

    /// Runs the responder.
    pub(crate) async fn handshake(
        &mut self,
        server: &ServerIdentity,
    ) -> Result<Established, Error> {
        timed(self.respond(server)).await?
    }

    async fn respond(&mut self, server: &ServerIdentity) -> Result<Established, Error> {
        let hello = self.handshake_frame().await?;
        let prologue = self.frames.header().ok_or(Error::Wire("no WA header"))?;
        let (reply, after) = answer_hello(server, &prologue, &hello)?;
        self.write_frame(&reply).await?;
        match after {
            AfterHello::Done(established) => Ok(*established),
            AfterHello::WaitFinish(wait) => wait.finish(&self.handshake_frame().await?),
        }
    }

    async fn handshake_frame(&mut self) -> Result<BytesMut, Error> {
        loop {
            if let Some(frame) = self.frames.next() {
                return Ok(frame);
            }
            let message = self
                .ws
                .next()
                .await
                .ok_or(Error::Wire("closed in the handshake"))??;
            if message.is_close() {
                return Err(Error::Wire("closed in the handshake"));
            }
            if message.is_binary() {
                self.frames.feed(message.as_payload())?;
                self.frames.check_handshake_size()?;
            }
        }
    }

    /// Sends one frame as one websocket message.
    pub(crate) async fn write_frame(&mut self, frame: &[u8]) -> Result<(), Error> {
        let framed = wacore_noise::framing::encode_frame(frame, None)
            .map_err(|_| Error::Wire("frame too large"))?;
        Ok(self
            .ws
            .feed(Message::binary(framed))
            .await
            .and(self.ws.flush().await)?)
    }
}

async fn timed<T>(future: impl Future<Output = T>) -> Result<T, Error> {
    tokio::time::timeout(HANDSHAKE_TIMEOUT, future)
        .await
        .map_err(|_| Error::Wire("handshake timed out"))
}
