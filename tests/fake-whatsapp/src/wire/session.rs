//! The life of a socket after the handshake.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::BytesMut;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::unconstrained;
use tokio::time::{Instant, sleep_until};
use tokio_websockets::Message;
use wacore_binary::OwnedNodeRef;
use wacore_noise::NoiseCipher;

use crate::error::Error;
use crate::wire::handshake::Socket;
use crate::wire::parting;
use crate::world::conns::{ConnId, Garbage, Outgoing};
use crate::world::hub::Hub;

/// Bytes that are no frame and no stanza.
const GARBAGE_BYTES: usize = 64;
/// The length prefix of the largest frame (`wacore-noise/src/framing.rs`).
const LARGEST_FRAME: [u8; 3] = [0xFF; 3];

/// Why a socket ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The client closed the websocket.
    ClientClosed,
    /// The client's TCP ended without a close frame.
    ClientLost,
    /// The server closed.
    ServerClosed,
    /// The server let go without a word.
    Dropped,
    /// The server reset TCP.
    Reset,
}

impl End {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ClientClosed => "client closed",
            Self::ClientLost => "client lost",
            Self::ServerClosed => "server closed",
            Self::Dropped => "dropped",
            Self::Reset => "reset",
        }
    }
}

/// An encrypted socket.
pub(crate) struct Session {
    socket: Socket,
    read: NoiseCipher,
    write: NoiseCipher,
    rx: UnboundedReceiver<Outgoing>,
    received: u32,
    sent: u32,
    /// Nothing is answered and nothing is sent. What the client sends waits.
    pub(crate) silent: bool,
    ended: Option<End>,
}

impl Session {
    /// A socket after its handshake.
    pub(crate) fn new(
        socket: Socket,
        read: NoiseCipher,
        write: NoiseCipher,
        rx: UnboundedReceiver<Outgoing>,
    ) -> Self {
        Self {
            socket,
            read,
            write,
            rx,
            received: 0,
            sent: 0,
            silent: false,
            ended: None,
        }
    }

    /// Handles what the client has sent before it was answered.
    pub(crate) fn early(&mut self, hub: &Arc<Hub>, conn: ConnId) -> Result<(), Error> {
        if self.silent {
            return Ok(());
        }
        while let Some(Some(Ok(message))) = unconstrained(self.socket.ws.next()).now_or_never() {
            if !message.is_binary() {
                break;
            }
            self.socket.frames.feed(message.as_payload())?;
        }
        while let Some(frame) = self.socket.frames.next() {
            let node = self.decrypt(frame)?;
            hub.with(|world| {
                if let Some(addr) = world.addr_of(conn) {
                    world.check_early(&addr, node.get());
                }
                world.stanza(conn, node.get());
            });
        }
        Ok(())
    }

    /// Runs until one side ends it.
    pub(crate) async fn run(&mut self, hub: &Arc<Hub>, conn: ConnId) -> Result<End, Error> {
        let ended = self.until_it_ends(hub, conn).await?;
        self.ended = Some(ended);
        Ok(ended)
    }

    /// Lets go of TCP as the end wants it.
    pub(crate) async fn part(mut self) {
        match self.ended {
            Some(End::ServerClosed) => self.socket.close().await,
            Some(End::Dropped) => parting::end(self.socket.ws.get_mut()).await,
            Some(End::Reset) => parting::reset(self.socket.ws.into_inner()),
            Some(End::ClientClosed | End::ClientLost) | None => {}
        }
    }

    async fn until_it_ends(&mut self, hub: &Arc<Hub>, conn: ConnId) -> Result<End, Error> {
        let mut held: VecDeque<Outgoing> = VecDeque::new();
        let mut resume_at: Option<Instant> = None;
        loop {
            while !self.silent && resume_at.is_none() {
                let Some(next) = held.pop_front() else { break };
                match next {
                    Outgoing::Stanza(stanza) => self.write_stanza(stanza).await?,
                    Outgoing::Close => return Ok(End::ServerClosed),
                    Outgoing::Pause(pause) => resume_at = Some(Instant::now() + pause),
                    Outgoing::Garbage(garbage) => self.write_garbage(garbage).await?,
                    Outgoing::Drop
                    | Outgoing::Reset
                    | Outgoing::Silence(_)
                    | Outgoing::Probe(_) => {}
                }
            }
            let wake = resume_at.unwrap_or_else(Instant::now);
            tokio::select! {
                biased;
                what = self.rx.recv() => match what {
                    None => return Ok(End::ServerClosed),
                    Some(Outgoing::Drop) => return Ok(End::Dropped),
                    Some(Outgoing::Reset) => return Ok(End::Reset),
                    Some(Outgoing::Silence(on)) => {
                        self.silent = on;
                        self.drain(hub, conn)?;
                    }
                    Some(Outgoing::Probe(answer)) => {
                        if let Some(end) = self.look(hub, conn)? {
                            return Ok(end);
                        }
                        // Who asked may have stopped waiting.
                        let _ = answer.send(());
                    }
                    Some(what) => held.push_back(what),
                },
                () = sleep_until(wake), if resume_at.is_some() => resume_at = None,
                message = self.socket.ws.next() => {
                    if let Some(end) = self.incoming(message, hub, conn)? {
                        return Ok(end);
                    }
                }
            }
        }
    }

    /// Takes all that has arrived. `Some` when the client has ended the connection.
    fn look(&mut self, hub: &Arc<Hub>, conn: ConnId) -> Result<Option<End>, Error> {
        while let Some(message) = unconstrained(self.socket.ws.next()).now_or_never() {
            if let Some(end) = self.incoming(message, hub, conn)? {
                return Ok(Some(end));
            }
        }
        Ok(None)
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

    /// Handles all whole frames that have arrived, unless the server is silent.
    fn drain(&mut self, hub: &Arc<Hub>, conn: ConnId) -> Result<(), Error> {
        while !self.silent
            && let Some(frame) = self.socket.frames.next()
        {
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

    async fn write_garbage(&mut self, garbage: Garbage) -> Result<(), Error> {
        let noise = rand::random::<[u8; GARBAGE_BYTES]>();
        match garbage {
            Garbage::Frame => self.socket.write_frame(&noise).await,
            // The first byte says that nothing is compressed, the second that no list follows.
            Garbage::Stanza => self.write_stanza([&[0, 0], &noise[..]].concat()).await,
            Garbage::Oversized => {
                let head = [&LARGEST_FRAME[..], &noise].concat();
                self.socket.write_raw(head).await
            }
        }
    }
}
