//! The lock around the world. Nothing leaves before it is durable.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::UnboundedSender;

use crate::time;
use crate::wire::noise::ServerIdentity;
use crate::world::World;
use crate::world::conns::{Conn, ConnId, Outgoing, Role};

/// Shared by all tasks.
pub(crate) struct Hub {
    world: Mutex<World>,
    pub(crate) identity: ServerIdentity,
}

impl Hub {
    /// Wraps a world.
    pub(crate) fn new(world: World, identity: ServerIdentity) -> Self {
        Self {
            world: Mutex::new(world),
            identity,
        }
    }

    /// Changes or reads the world. Then commits, and only then lets the sockets know.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut World) -> R) -> R {
        let mut world = self.lock();
        let skew = world.config.clock_skew_secs;
        time::skewed(skew, || {
            let result = work(&mut world);
            world.finish();
            result
        })
    }

    /// Registers a socket.
    pub(crate) fn open(&self, role: Role, tx: UnboundedSender<Outgoing>) -> ConnId {
        self.with(|world| {
            world.next_conn += 1;
            let id = world.next_conn;
            let conn = Conn {
                role,
                tx,
                latest_iqs: VecDeque::new(),
            };
            world.conns.insert(id, conn);
            id
        })
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    fn finish(&mut self) {
        let out = std::mem::take(&mut self.out);
        if let Err(error) = self.store.commit() {
            // Nobody may believe what is not durable: the clients must ask again.
            tracing::error!(%error, "state not written; closing the sockets concerned");
            for (conn, _) in out {
                self.deliver(conn, Outgoing::Drop);
            }
            return;
        }
        for (conn, what) in out {
            self.deliver(conn, what);
        }
    }

    fn deliver(&self, conn: ConnId, what: Outgoing) {
        if let Some(conn) = self.conns.get(&conn) {
            // A closed channel is a socket on its way out.
            let _ = conn.tx.send(what);
        }
    }
}
