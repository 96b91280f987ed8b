//! What examples are sent into: an instance `b1` that is open, and a connector that does what it
//! is told; and an instance `shop` of Meta's Cloud API, with a Graph API behind it.

use std::time::Duration;

use axum::http::StatusCode;
use fake_graph::{FakeGraph, Number};
use pombal_control_plane::business::BusinessConfig;
use pombal_control_plane::config::MetricsConfig;
use pombal_domain::{ConnectorId, Desired, InstanceName, Op, Reply, ShardId};
use pombal_store::media::local::LocalMedia;
use serde_json::json;

use crate::app::{SHORT, TestApp};
use crate::business::rig;
use crate::connector::{self, FakeConnector};

/// The linked device of the examples.
pub(super) const DEVICE: &str = "b1";
/// The instance of the Cloud API of the examples, and its number and account there.
pub(super) const SHOP: &str = "shop";
const NUMBER: &str = "106540352242922";
const ACCOUNT: &str = "102290129340398";
const TOKEN: &str = "EAAG-token-of-the-shop";
/// What the document says that Meta was told.
const VERIFY_TOKEN: &str = "verify-token-of-the-examples";
/// The connector of the examples.
const CONNECTOR: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
/// The deployment has a second one, to move to.
const SHARD: ShardId = ShardId(0);

/// The API, and who answers commands.
pub(super) struct World {
    pub(super) app: TestApp,
    graph: FakeGraph,
    _connector: FakeConnector,
    _dir: tempfile::TempDir,
}

impl World {
    pub(super) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let media = LocalMedia::open(dir.path(), "http://gateway.test", &[7; 32]).unwrap();
        let graph = FakeGraph::start().await;
        graph.add_number(Number {
            id: NUMBER.into(),
            account: ACCOUNT.into(),
            token: TOKEN.into(),
        });
        let app = TestApp::start_on(|stores, options| {
            let events = stores.fifo("events");
            let change = |config: &mut BusinessConfig| {
                config.verify_token = Some(VERIFY_TOKEN.into());
            };
            let cloud = rig::channel(stores, &graph, events, media.clone(), change);
            options.cloud = Some(cloud);
            options.shards = 2;
            options.connect_wait = Duration::from_secs(1);
            options.send_wait = SHORT;
            options.logout_wait = SHORT;
            options.delete_wait = SHORT;
            options.media = Some(media);
            options.metrics = Some(MetricsConfig::default());
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
            graph,
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
            self.app.create(DEVICE).await;
            let row = self.app.stores.row(DEVICE).await;
            if row.shard == SHARD {
                break;
            }
            registry.delete_instance(&row).await.unwrap();
        }
        let row = self.app.stores.row(DEVICE).await;
        let row = registry
            .set_desired(&row.name, row.id, Desired::Connected, None)
            .await
            .unwrap();
        connector::project(registry, &row, connector::open(&row)).await;
        self.prepare_shop().await;
    }

    async fn prepare_shop(&self) {
        let body = json!({
            "instanceName": SHOP, "integration": "WHATSAPP-BUSINESS", "token": TOKEN,
            "number": NUMBER, "businessId": ACCOUNT,
        });
        let answer = self.app.post("/instance/create").global().json(&body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        let template = json!({
            "id": "1", "name": "greeting", "language": "pt_BR", "category": "UTILITY",
            "status": "APPROVED", "components": [{ "type": "BODY", "text": "Oi!" }],
        });
        self.graph.set_templates(ACCOUNT, vec![template]);
    }
}
