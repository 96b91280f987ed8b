//! The API with a Graph API behind it, and what comes out at the events queue.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use fake_graph::{FakeGraph, Number, webhook};
use pombal_control_plane::business::{BusinessConfig, BusinessSeams, Cloud};
use pombal_domain::Event;
use pombal_store::Queue;
use pombal_store::media::local::LocalMedia;
use serde_json::{Value, json};

use crate::app::{Answer, Stores, TestApp};
use crate::flaky::Flaky;

pub(crate) const APP_SECRET: &str = "secret-of-the-meta-app";
pub(super) const VERIFY_TOKEN: &str = "verify-token-of-the-tests";

pub(super) struct Rig {
    pub(super) app: TestApp,
    pub(super) graph: FakeGraph,
    pub(super) media: LocalMedia,
    pub(super) events: Arc<Flaky>,
}

impl Rig {
    pub(super) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(super) async fn start_with(change: impl FnOnce(&mut BusinessConfig)) -> Self {
        let graph = FakeGraph::start().await;
        let stores = Stores::open().await;
        let events = Arc::new(Flaky::new(stores.fifo("events")));
        let directory = stores.directory().join("media");
        let media = LocalMedia::open(directory, "http://gateway.test", &[7; 32]).unwrap();
        let queue = Arc::clone(&events) as Arc<dyn Queue>;
        let cloud = channel(&stores, &graph, queue, media.clone(), change);
        let app = TestApp::on(stores, |_, options| options.cloud = Some(cloud));
        Self {
            app,
            graph,
            media,
            events,
        }
    }

    /// Creates an instance with a number of its own.
    pub(super) async fn instance(&self, name: &str, number: &str) -> Number {
        let number = Number {
            id: number.to_owned(),
            account: format!("9{number}"),
            token: format!("EAAG-token-of-{name}"),
        };
        self.graph.add_number(number.clone());
        let body = json!({
            "instanceName": name,
            "integration": "WHATSAPP-BUSINESS",
            "token": number.token,
            "number": number.id,
            "businessId": number.account,
        });
        let answer = self.app.post("/instance/create").global().json(&body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        number
    }

    /// Posts a webhook of Meta's, signed.
    pub(super) async fn meta(&self, webhook: &Value) -> Answer {
        let body = webhook.to_string();
        let signature = webhook::signature(APP_SECRET, &body);
        self.app
            .post("/webhook/meta")
            .header("x-hub-signature-256", &signature)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
    }

    /// Posts a webhook that is taken.
    pub(super) async fn told(&self, webhook: &Value) {
        let answer = self.meta(webhook).await;
        answer.assert_ok(200, &json!({ "status": "success" }));
    }

    /// Posts to an instance's route with its token.
    pub(super) async fn post(&self, number: &Number, path: &str, body: &Value) -> Answer {
        self.app.post(path).key(&number.token).json(body).await
    }

    /// Everything that is in the events queue now, in order.
    pub(super) async fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let batch = self.events.receive(10, Duration::ZERO).await.unwrap();
            if batch.is_empty() {
                return events;
            }
            let receipts: Vec<_> = batch.iter().map(|it| it.receipt.clone()).collect();
            let read = batch.iter().map(|it| serde_json::from_str(&it.body));
            events.extend(read.map(Result::<Event, _>::unwrap));
            self.events.ack(&receipts).await.unwrap();
        }
    }

    /// The `data` of the events of one kind.
    pub(super) async fn of(&self, event: &str) -> Vec<Value> {
        let events = self.events().await.into_iter();
        let events = events.filter(|it| it.event.dotted() == event);
        events.map(|it| it.data).collect()
    }
}

/// The channel to a fake Graph API.
pub(crate) fn channel(
    stores: &Stores,
    graph: &FakeGraph,
    events: Arc<dyn Queue>,
    media: LocalMedia,
    change: impl FnOnce(&mut BusinessConfig),
) -> Cloud {
    let mut config = BusinessConfig {
        verify_token: Some(VERIFY_TOKEN.into()),
        app_secret: Some(APP_SECRET.into()),
        timeout: Duration::from_secs(10),
        ..BusinessConfig::new(graph.url.parse().unwrap())
    };
    change(&mut config);
    let seams = BusinessSeams {
        registry: stores.registry.clone(),
        keys: Arc::clone(&stores.keys),
        events,
        media: Arc::new(media),
    };
    Cloud::new(config, seams).unwrap()
}

/// The numbers of events, which must have no gaps.
pub(super) fn seqs(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.seq.0).collect()
}
