//! Accepts connections and takes each through handshake, pairing or login.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::addr::Addr;
use crate::error::Error;
use crate::pairing::PendingPairing;
use crate::wire::handshake::Socket;
use crate::wire::noise::Established;
use crate::wire::parting;
use crate::wire::payload::{self, Purpose};
use crate::wire::session::{End, Session};
use crate::world::conns::{ConnId, Outgoing, Role};
use crate::world::ending::{Ending, Stage};
use crate::world::hub::Hub;
use crate::world::login::Login;

/// A client that closes its socket and dials again may do both at once. Only a socket that it
/// leaves open for longer is a second live socket.
const OLD_SOCKET_GRACE: Duration = Duration::from_millis(150);
const OLD_SOCKET_POLL: Duration = Duration::from_millis(10);
/// A task that takes longer to look at its socket is stuck in writing to it.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// After an accept error, for example no file descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Accepts until cancelled.
pub(crate) async fn listen(
    listener: TcpListener,
    hub: Arc<Hub>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (hub, stop) = (Arc::clone(&hub), stop.clone());
                tasks.spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = Box::pin(serve(stream, peer, hub)) => {}
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "accept");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, hub: Arc<Hub>) {
    hub.with(|world| {
        let from = json!({"from": peer.ip()});
        world.seen.add("dial", None, from);
    });
    if let Some(ending) = hub.with(|world| world.trouble_at(Stage::Accepted, None)) {
        return parting::part(stream, &ending).await;
    }
    let (socket, established) = match shake_hands(stream, &hub).await {
        Ok(Some(done)) => done,
        Ok(None) => return,
        Err(error) => return failed(&hub, &error),
    };
    let purpose = match payload::parse(&established.payload, &established.client_static) {
        Ok(purpose) => purpose,
        Err(error) => return failed(&hub, &error),
    };
    let (tx, rx) = mpsc::unbounded_channel();
    let mut session = Session::new(socket, established.read, established.write, rx);
    let pattern = established.pattern;
    let conn = match purpose {
        Purpose::Pair(registration) => {
            let pending = Box::new(PendingPairing::new(*registration));
            let conn = hub.open(Role::Pairing(pending), tx);
            hub.with(|world| {
                world
                    .seen
                    .add("handshake", None, json!({"conn": conn, "pattern": pattern}));
                session.silent = world.config.silent;
                world.offer_pairing(conn);
            });
            conn
        }
        Purpose::Login { phone, device } => {
            let addr = Addr::new(phone, device);
            let conn = hub.open(Role::Leaving, tx);
            hub.with(|world| {
                let details = json!({"conn": conn, "pattern": pattern});
                world.seen.add("handshake", Some(&addr), details);
            });
            session.silent =
                login(&hub, conn, &addr, &established.client_static).await == Login::Silent;
            conn
        }
    };
    let end = live(&hub, &mut session, conn).await;
    hub.with(|world| world.closed(conn, &end));
    session.part().await;
}

fn failed(hub: &Hub, error: &Error) {
    tracing::debug!(%error, "handshake");
    let details = json!({"error": error.to_string()});
    hub.with(|world| world.seen.add("handshake-failed", None, details));
}

/// Websocket upgrade and Noise handshake. `None` when trouble was ordered for it.
async fn shake_hands(stream: TcpStream, hub: &Hub) -> Result<Option<(Socket, Established)>, Error> {
    let mut socket = Socket::upgrade(stream).await?;
    if let Some(ending) = hub.with(|world| world.trouble_at(Stage::Upgraded, None)) {
        part(socket, &ending).await;
        return Ok(None);
    }
    socket.piece_bytes = hub.with(|world| world.config.frame_piece_bytes);
    let trouble = hub.with(|world| world.trouble_at(Stage::Hello, None));
    let after = match &trouble {
        Some(Ending::GarbledHello) => {
            socket.garbled_hello().await?;
            socket.ignore().await;
            return Ok(None);
        }
        Some(Ending::BadCertificate) => {
            let server = hub.identity.with_bad_certificate()?;
            socket.hello(&server).await?
        }
        _ => socket.hello(&hub.identity).await?,
    };
    match trouble {
        None => {}
        Some(Ending::BadCertificate) => {
            socket.ignore().await;
            return Ok(None);
        }
        Some(ending) => {
            part(socket, &ending).await;
            return Ok(None);
        }
    }
    let established = socket.finish(after).await?;
    Ok(Some((socket, established)))
}

/// Parts from a client that speaks websocket, and no more.
async fn part(mut socket: Socket, ending: &Ending) {
    match ending {
        Ending::Silence => socket.ignore().await,
        Ending::Close => socket.close().await,
        ending => parting::part(socket.ws.into_inner(), ending).await,
    }
}

async fn live(hub: &Arc<Hub>, session: &mut Session, conn: ConnId) -> String {
    let ended = match session.early(hub, conn) {
        Ok(()) => session.run(hub, conn).await,
        Err(error) => Err(error),
    };
    match ended {
        Ok(end) => end.name().to_owned(),
        // The peer going away in mid-write is an ordinary end.
        Err(Error::WebSocket(_)) => End::ClientLost.name().to_owned(),
        Err(error) => error.to_string(),
    }
}

async fn login(hub: &Arc<Hub>, conn: ConnId, addr: &Addr, noise: &[u8]) -> Login {
    let delay = hub.with(|world| world.config.login_delay_ms);
    if delay > 0 {
        tokio::time::sleep(Duration::from_millis(delay)).await;
    }
    let deadline = tokio::time::Instant::now() + OLD_SOCKET_GRACE;
    let mut replace = false;
    loop {
        let login = hub.with(|world| world.login(conn, addr, noise, replace));
        if login != Login::OldSocket {
            return login;
        }
        if tokio::time::Instant::now() >= deadline {
            replace = still_there(hub, addr).await;
        }
        tokio::time::sleep(OLD_SOCKET_POLL).await;
    }
}

/// Whether the client has left the live socket of `addr` open. Its task may be late to see the
/// end, so it is asked to look.
async fn still_there(hub: &Hub, addr: &Addr) -> bool {
    let (tx, answer) = oneshot::channel();
    hub.with(|world| {
        if let Some(old) = world.conn_of(addr) {
            world.tell(old, Outgoing::Probe(tx));
        }
    });
    match tokio::time::timeout(PROBE_TIMEOUT, answer).await {
        Ok(answer) => answer.is_ok(),
        // It is stuck in writing to a client that does not read: the socket is open.
        Err(_) => true,
    }
}
