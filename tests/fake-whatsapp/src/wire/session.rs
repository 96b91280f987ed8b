//! The life of a socket after the handshake.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use futures::StreamExt as _;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until};
use tokio_websockets::Message;
use wacore_binary::OwnedNodeRef;
use wacore_noise::NoiseCipher;

use crate::error::Error;
use crate::wire::handshake::Socket;
use crate::world::conns::{ConnId, Outgoing};
use crate::world::hub::Hub;

/// How long a closing client may take to answer the close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a socket ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// The client closed the websocket.
    ClientClosed,
    /// The client's TCP ended without a close frame.
    ClientLost,
    /// The server closed.
    ServerClosed,
    /// The server let go without a word.
    Dropped,
}

impl End {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ClientClosed => "client closed",
            Self::ClientLost => "client lost",
            Self::ServerClosed => "server closed",
            Self::Dropped => "dropped",
        }
    }
}

/// An encrypted socket.
pub(crate) struct Session {
    pub(crate) socket: Socket,
    pub(crate) read: NoiseCipher,
    pub(crate) write: NoiseCipher,
    pub(crate) rx: UnboundedReceiver<Outgoing>,
    pub(crate) received: u32,
    pub(crate) sent: u32,
    /// Nothing is read and nothing is sent.
    pub(crate) silent: bool,
}

impl Session {
    /// Runs until one side ends it.
    pub(crate) async fn run(&mut self, hub: &Arc<Hub>, conn: ConnId) -> Result<End, Error> {
        let mut held: VecDeque<Outgoing> = VecDeque::new();
        let mut resume_at: Option<Instant> = None;
        loop {
            while !self.silent && resume_at.is_none() {
                let Some(next) = held.pop_front() else { break };
                match next {
                    Outgoing::Stanza(stanza) => self.write_stanza(stanza).await?,
                    Outgoing::Close => return self.close().await,
                    Outgoing::Pause(pause) => resume_at = Some(Instant::now() + pause),
                    Outgoing::Drop | Outgoing::Silence(_) => {}
                }
            }
            let wake = resume_at.unwrap_or_else(Instant::now);
            tokio::select! {
                biased;
                what = self.rx.recv() => match what {
                    None => return Ok(End::ServerClosed),
                    Some(Outgoing::Drop) => return Ok(End::Dropped),
                    Some(Outgoing::Silence(on)) => self.silent = on,
                    Some(what) => held.push_back(what),
                },
                () = sleep_until(wake), if resume_at.is_some() => resume_at = None,
                message = self.socket.ws.next(), if !self.silent => {
                    if let Some(end) = self.incoming(message, hub, conn)? {
                        return Ok(end);
                    }
                }
            }
        }
    }

    fn incoming(
        &mut self,
        message: Option<Result<Message, tokio_websockets::Error>>,
        hub: &Arc<Hub>,
        conn: ConnId,
    ) -> Result<Option<End>, Error> {
        let message = match message {
            None | Some(Err(_)) => return Ok(Some(End::ClientLost)),
            Some(Ok(message)) => message,
        };
        if message.is_close() {
            return Ok(Some(End::ClientClosed));
        }
        if message.is_binary() {
            self.socket.frames.feed(message.as_payload())?;
            self.drain(hub, conn)?;
        }
        Ok(None)
    }

    /// Handles all whole frames that have arrived.
    pub(crate) fn drain(&mut self, hub: &Arc<Hub>, conn: ConnId) -> Result<(), Error> {
        while let Some(frame) = self.socket.frames.next() {
            let node = self.decrypt(frame)?;
            hub.with(|world| world.stanza(conn, node.get()));
        }
        Ok(())
    }

    fn decrypt(&mut self, mut frame: BytesMut) -> Result<OwnedNodeRef, Error> {
        self.read
            .decrypt_in_place_with_counter(self.received, &mut frame)
            .map_err(|_| Error::Wire("frame does not decrypt"))?;
        self.received = self
            .received
            .checked_add(1)
            .ok_or(Error::Wire("counter exhausted"))?;
        let bytes = wacore_binary::util::unpack_bytes(frame)?;
        Ok(OwnedNodeRef::new(bytes)?)
    }

    async fn write_stanza(&mut self, mut stanza: Vec<u8>) -> Result<(), Error> {
        self.write
            .encrypt_in_place_with_counter(self.sent, &mut stanza)
            .map_err(|_| Error::Wire("frame does not encrypt"))?;
        self.sent = self
            .sent
            .checked_add(1)
            .ok_or(Error::Wire("counter exhausted"))?;
        self.socket.write_frame(&stanza).await
    }

    async fn close(&mut self) -> Result<End, Error> {
        use futures::SinkExt as _;
        let close = async {
            self.socket.ws.close().await?;
            while let Some(Ok(_)) = self.socket.ws.next().await {}
            Ok::<_, tokio_websockets::Error>(())
        };
        // A client that does not answer loses its TCP connection anyway.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, close).await;
        Ok(End::ServerClosed)
    }
}
