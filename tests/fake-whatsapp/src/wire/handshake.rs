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
/// How long a closing client may take to answer the close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Length of a server hello that is noise.
const GARBLED_BYTES: usize = 300;
/// Frames have a three-byte length (`wacore-noise/src/framing.rs`).
const MAX_MESSAGE: usize = 1 << 24;

/// A websocket with its frame splitter.
pub(crate) struct Socket {
    pub(crate) ws: WebSocketStream<TcpStream>,
    pub(crate) frames: Frames,
    /// Frames are sent in pieces of so many bytes; whole when zero.
    pub(crate) piece_bytes: usize,
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
            piece_bytes: 0,
        })
    }

    /// Takes the client hello, and answers it as `server`. The client hello may have everything
    /// that the handshake needs.
    pub(crate) async fn hello(&mut self, server: &ServerIdentity) -> Result<AfterHello, Error> {
        timed(async {
            let hello = self.handshake_frame().await?;
            let prologue = self.frames.header().ok_or(Error::Wire("no WA header"))?;
            let (reply, after) = answer_hello(server, &prologue, &hello)?;
            self.write_frame(&reply).await?;
            Ok(after)
        })
        .await?
    }

    /// Takes the client hello, and answers it with noise.
    pub(crate) async fn garbled_hello(&mut self) -> Result<(), Error> {
        timed(async {
            self.handshake_frame().await?;
            self.write_frame(&rand::random::<[u8; GARBLED_BYTES]>())
                .await
        })
        .await?
    }

    /// Finishes the handshake.
    pub(crate) async fn finish(&mut self, after: AfterHello) -> Result<Established, Error> {
        match after {
            AfterHello::Done(established) => Ok(*established),
            AfterHello::WaitFinish(wait) => {
                timed(async { wait.finish(&self.handshake_frame().await?) }).await?
            }
        }
    }

    /// Reads and answers nothing until the client ends the connection.
    pub(crate) async fn ignore(&mut self) {
        while self
            .ws
            .next()
            .await
            .is_some_and(|message| message.is_ok_and(|message| !message.is_close()))
        {}
    }

    /// Closes with a close frame, then takes what the client still sends.
    pub(crate) async fn close(&mut self) {
        let close = async {
            self.ws.close().await?;
            while let Some(Ok(_)) = self.ws.next().await {}
            Ok::<_, tokio_websockets::Error>(())
        };
        // A client that does not answer loses its TCP connection anyway.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, close).await;
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

    /// Sends one frame, as one websocket message or in pieces.
    pub(crate) async fn write_frame(&mut self, frame: &[u8]) -> Result<(), Error> {
        let framed = wacore_noise::framing::encode_frame(frame, None)
            .map_err(|_| Error::Wire("frame too large"))?;
        if self.piece_bytes == 0 {
            return self.write_raw(framed).await;
        }
        for piece in framed.chunks(self.piece_bytes) {
            self.write_raw(piece.to_vec()).await?;
        }
        Ok(())
    }

    /// Sends bytes as they are.
    pub(crate) async fn write_raw(&mut self, bytes: Vec<u8>) -> Result<(), Error> {
        Ok(self
            .ws
            .feed(Message::binary(bytes))
            .await
            .and(self.ws.flush().await)?)
    }
}

async fn timed<T>(future: impl Future<Output = T>) -> Result<T, Error> {
    tokio::time::timeout(HANDSHAKE_TIMEOUT, future)
        .await
        .map_err(|_| Error::Wire("handshake timed out"))
}
