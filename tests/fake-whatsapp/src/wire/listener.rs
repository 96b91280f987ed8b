//! Accepts connections and takes each through handshake, pairing or login.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::addr::Addr;
use crate::error::Error;
use crate::pairing::PendingPairing;
use crate::wire::handshake::Socket;
use crate::wire::payload::{self, Purpose};
use crate::wire::session::{End, Session};
use crate::world::conns::{ConnId, Role};
use crate::world::hub::Hub;
use crate::world::login::Login;

/// A client that lost its socket may dial again before the server has noticed the end of the
/// first one. Only a socket that outlives this is a second live socket.
const OLD_SOCKET_GRACE: Duration = Duration::from_millis(150);
const OLD_SOCKET_POLL: Duration = Duration::from_millis(10);
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
            Ok((stream, _)) => {
                let (hub, stop) = (Arc::clone(&hub), stop.clone());
                tasks.spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = Box::pin(serve(stream, hub)) => {}
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

async fn serve(stream: TcpStream, hub: Arc<Hub>) {
    hub.with(|world| world.seen.add("dial", None, json!({})));
    let failed = |error: Error| {
        tracing::debug!(%error, "handshake");
        let details = json!({"error": error.to_string()});
        hub.with(|world| world.seen.add("handshake-failed", None, details));
    };
    let mut socket = match Socket::upgrade(stream).await {
        Ok(socket) => socket,
        Err(error) => return failed(error),
    };
    let established = match socket.handshake(&hub.identity).await {
        Ok(established) => established,
        Err(error) => return failed(error),
    };
    let purpose = match payload::parse(&established.payload, &established.client_static) {
        Ok(purpose) => purpose,
        Err(error) => return failed(error),
    };
    let pattern = established.pattern;
    let (tx, rx) = mpsc::unbounded_channel();
    let mut session = Session {
        socket,
        read: established.read,
        write: established.write,
        rx,
        received: 0,
        sent: 0,
        silent: false,
    };
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
}

async fn live(hub: &Arc<Hub>, session: &mut Session, conn: ConnId) -> String {
    // Frames may have arrived together with the client finish.
    let ended = match session.drain(hub, conn) {
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
    loop {
        let replace = tokio::time::Instant::now() >= deadline;
        let login = hub.with(|world| world.login(conn, addr, noise, replace));
        if login != Login::OldSocket {
            return login;
        }
        tokio::time::sleep(OLD_SOCKET_POLL).await;
    }
}
