//! A stand-in for the owner of the shard: takes commands, writes states and replies.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pombal_domain::command::Command;
use pombal_domain::instance::Observed;
use pombal_domain::time::UnixMs;
use pombal_domain::{
    ConnectionState, ConnectorId, Epoch, Event, EventId, EventName, Instance, Op, Projection,
    QrCode, Reply, Rvn, Seq,
};
use pombal_store::Registry;
use pombal_store::registry::ConnectorBeat;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::app::TestApp;

/// What the owner does on a command. `Instance` is `None` when it was deleted.
pub(crate) type Script =
    dyn Fn(&Command, Option<&Instance>) -> (Option<Observed>, Option<Reply>) + Send + Sync;

/// Stops when dropped.
pub(crate) struct FakeConnector {
    seen: Arc<Mutex<Vec<Op>>>,
    task: JoinHandle<()>,
}

impl FakeConnector {
    pub(crate) fn start(
        app: &TestApp,
        script: impl Fn(&Command, Option<&Instance>) -> (Option<Observed>, Option<Reply>)
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let registry = app.stores.registry.clone();
        let queue = Arc::clone(&app.commands);
        let log = Arc::clone(&seen);
        let script: Box<Script> = Box::new(script);
        let task = tokio::spawn(async move {
            loop {
                for message in queue.receive(10, Duration::from_secs(5)).await.unwrap() {
                    let command: Command = serde_json::from_str(&message.body).unwrap();
                    assert_eq!(message.group, Some(command.group()));
                    log.lock().unwrap().push(command.op.clone());
                    run(&registry, &command, &script).await;
                    queue.ack(&[message.receipt]).await.unwrap();
                }
            }
        });
        Self { seen, task }
    }

    /// The commands so far.
    pub(crate) fn seen(&self) -> Vec<Op> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for FakeConnector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Puts the row of a connector into the fleet, as if one were alive. Returns who it is.
pub(crate) async fn join(registry: &Registry) -> ConnectorId {
    let id = ConnectorId::random();
    join_as(registry, id).await;
    id
}

/// As [`join`], for one whose id is known.
pub(crate) async fn join_as(registry: &Registry, id: ConnectorId) {
    let now = UnixMs::now();
    let beat = ConnectorBeat {
        id,
        rvn: Rvn::random(),
        beat: 0,
        accepting: true,
        instances: 0,
        open: 0,
        started_at: now,
        renewed_at: now,
    };
    registry.renew_connector(&beat).await.unwrap();
}

async fn run(registry: &Registry, command: &Command, script: &Script) {
    let row = registry.instance(&command.name).await.unwrap();
    let row = row.filter(|row| row.id == command.instance);
    let (observed, reply) = script(command, row.as_ref());
    if let (Some(observed), Some(row)) = (observed, row) {
        project(registry, &row, observed).await;
    }
    if let (Some(reply), true) = (reply, command.reply) {
        registry
            .put_reply(command.id, &reply, Duration::from_secs(60))
            .await
            .unwrap();
    }
}

/// Writes a state on the row as an event would.
pub(crate) async fn project(registry: &Registry, row: &Instance, observed: Observed) {
    let event = Event {
        id: EventId::random(),
        instance: row.id,
        name: row.name.clone(),
        seq: Seq(row.seq.0 + 1),
        epoch: Epoch(1),
        at: UnixMs::now(),
        event: EventName::ConnectionUpdate,
        data: Value::Null,
        sender: None,
        farewell: None,
        only_to: None,
        projection: Some(Projection(Box::new(observed))),
    };
    assert!(registry.project(&event).await.unwrap());
}

/// A state that answers the row's current wish.
pub(crate) fn in_state(row: &Instance, state: ConnectionState) -> Observed {
    Observed {
        state,
        generation: row.generation,
        ..Observed::never()
    }
}

/// Logged in.
pub(crate) fn open(row: &Instance) -> Observed {
    let mut observed = in_state(row, ConnectionState::Open);
    observed.owner_jid = Some("5511999990001@s.whatsapp.net".into());
    observed.profile_name = Some("Ana".into());
    observed
}

/// Waits to be paired.
pub(crate) fn with_code(row: &Instance, pairing_code: Option<&str>) -> Observed {
    let mut observed = in_state(row, ConnectionState::Connecting);
    observed.qr = Some(QrCode {
        code: Some("2@ref,a,b,c".into()),
        base64: Some("data:image/png;base64,AAAA".into()),
        pairing_code: pairing_code.map(str::to_owned),
        count: 1,
        expires_at: UnixMs::now().plus(Duration::from_secs(60)),
    });
    observed
}
