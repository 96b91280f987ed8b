//! What examples are sent into: an instance `b1` that is open, and a connector that does what it
//! is told.

use std::time::Duration;

use pombal_domain::{ConnectorId, Desired, InstanceName, Op, Reply, ShardId};
use pombal_store::media::local::LocalMedia;

use crate::app::{SHORT, TestApp};
use crate::connector::{self, FakeConnector};

/// The instance of every example.
const NAME: &str = "b1";
/// The connector of the examples.
const CONNECTOR: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
/// The deployment has a second one, to move to.
const SHARD: ShardId = ShardId(0);

/// The API, and who answers commands.
pub(super) struct World {
    pub(super) app: TestApp,
    _connector: FakeConnector,
    _dir: tempfile::TempDir,
}

impl World {
    pub(super) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let media = LocalMedia::open(dir.path(), "http://gateway.test", &[7; 32]).unwrap();
        let app = TestApp::start_with(|options| {
            options.shards = 2;
            options.connect_wait = Duration::from_secs(1);
            options.send_wait = SHORT;
            options.logout_wait = SHORT;
            options.delete_wait = SHORT;
            options.media = Some(media);
        })
        .await;
        let id: ConnectorId = CONNECTOR.parse().unwrap();
        connector::join_as(&app.stores.registry, id).await;
        let connector = FakeConnector::start(&app, |command, row| {
            // Who asks for this waits for it. Other rows may be gone by now.
            let row = row.filter(|_| matches!(command.op, Op::Restart));
            (row.map(connector::open), Some(Reply::Done))
        });
        Self {
            app,
            _connector: connector,
            _dir: dir,
        }
    }

    /// Makes it as every example expects it, whatever the one before has done.
    pub(super) async fn prepare(&self) {
        let registry = &self.app.stores.registry;
        for row in registry
            .list_instances(None::<&InstanceName>, 100)
            .await
            .unwrap()
        {
            registry.delete_instance(&row).await.unwrap();
        }
        loop {
            self.app.create(NAME).await;
            let row = self.app.stores.row(NAME).await;
            if row.shard == SHARD {
                break;
            }
            registry.delete_instance(&row).await.unwrap();
        }
        let row = self.app.stores.row(NAME).await;
        let row = registry
            .set_desired(&row.name, row.id, Desired::Connected, None)
            .await
            .unwrap();
        connector::project(registry, &row, connector::open(&row)).await;
    }
}
