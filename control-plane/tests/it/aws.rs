//! What requests to the API cost on AWS, counted at the wire.
//!
//! Against AWS, or against what stands in for it: `cargo xtask aws-local`.

mod api;
mod delivery;
mod deployment;
mod faults;
mod hanging;
mod janitor;
mod metrics;
mod source;
mod standby;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use pombal_control_plane::api::{ApiOptions, ApiState, router};
use pombal_control_plane::config::MetricsConfig;
use pombal_costs::counts::{CONNECTION_STATE, CREATE, SEND_TEXT};
use pombal_domain::event::pending_text;
use pombal_domain::time::UnixMs;
use pombal_domain::{Command, Desired, Op, Reply, ShardId};
use pombal_store::aws::Aws;
use pombal_store::conformance::aws;
use pombal_store::keys::kms::KmsOptions;
use pombal_store::queue::{Error, Incoming, Outgoing, QueueOptions, Receipt};
use pombal_store::{Queue, Registry};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::app::{GLOBAL_KEY, LONG, egress};
use crate::connector::{open, project};

/// The API on AWS's adapters, with one instance that is connected.
struct Cloud {
    /// What the API does is counted here, and nothing else.
    clients: Aws,
    router: Router,
    token: String,
    /// The same registry and command queue, with clients of their own.
    registry: Registry,
    commands: Arc<dyn Queue>,
}

impl Cloud {
    async fn start() -> Self {
        Self::on(aws::connect().await).await
    }

    /// With an API that uses `clients`.
    async fn on(clients: Aws) -> Self {
        let others = aws::connect().await;
        let theirs = aws::registry(&others).await;
        let registry = Registry::new(clients.dynamodb(), theirs.table());
        let queues = aws::queues(&others);
        let options = QueueOptions {
            fifo: true,
            visibility: Duration::from_secs(30),
            max_receives: Some(5),
        };
        queues
            .create_if_missing("commands-0", &options)
            .await
            .unwrap();
        let theirs_too = queues.queue("commands-0", &options).await.unwrap();
        let queues = pombal_store::queue::sqs::Queues::new(clients.sqs(), queues.prefix());
        let commands: Arc<dyn Queue> = Arc::new(Answered {
            queue: queues.queue("commands-0", &options).await.unwrap(),
            registry: theirs.clone(),
        });
        let mut options = ApiOptions::new(GLOBAL_KEY, "http://gateway.test");
        options.shards = 1;
        options.send_wait = LONG;
        options.metrics = Some(MetricsConfig::default());
        let state = ApiState::new(
            registry,
            BTreeMap::from([(ShardId(0), commands)]),
            Arc::new(aws::keys(&clients, KmsOptions::default()).await),
            egress(false),
            options,
        );
        let router = router(state.unwrap());
        let mut cloud = Self {
            clients,
            router,
            token: GLOBAL_KEY.to_owned(),
            registry: theirs.clone(),
            commands: theirs_too,
        };
        let body = json!({ "instanceName": "b1", "integration": "WHATSAPP-BAILEYS" });
        let (status, made) = cloud.call("POST", "/instance/create", &body).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        cloud.token = made["hash"].as_str().unwrap().to_owned();
        let row = theirs
            .instance(&"b1".parse().unwrap())
            .await
            .unwrap()
            .unwrap();
        let row = theirs.set_desired(&row.name, row.id, Desired::Connected, None);
        let row = row.await.unwrap();
        project(&theirs, &row, open(&row)).await;
        cloud
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("apikey", &self.token)
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        let text = || String::from_utf8_lossy(&bytes).into_owned();
        let answer = serde_json::from_slice(&bytes);
        (status, answer.unwrap_or_else(|_| Value::String(text())))
    }

    /// What a call costs: requests as service, operation and number, and units read and written.
    async fn cost(&self, method: &str, path: &str, body: &Value) -> Cost {
        let before = self.clients.requests().all();
        let units = self.clients.units();
        let (read, written) = (units.read(), units.written());
        let (status, answer) = self.call(method, path, body).await;
        assert!(status.is_success(), "{answer}");
        let old = |service: &str, operation: &str| {
            let mut all = before.iter();
            let found = all.find(|(s, o, _)| *s == service && o == operation);
            found.map_or(0, |(_, _, count)| *count)
        };
        let all = self.clients.requests().all().into_iter();
        let new = all
            .map(|(s, o, count)| (format!("{s} {o}"), count - old(s, &o)))
            .filter(|(_, count)| *count > 0)
            .collect();
        (new, (units.read() - read, units.written() - written))
    }
}

type Cost = (Vec<(String, u64)>, (f64, f64));

/// A command queue whose owner answers texts the moment it has them.
struct Answered {
    queue: Arc<dyn Queue>,
    /// With clients of its own: what the owner costs is not counted here.
    registry: Registry,
}

#[async_trait]
impl Queue for Answered {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), Error> {
        self.queue.send(messages).await?;
        for message in messages {
            let command: Command = serde_json::from_str(&message.body).unwrap();
            if let Op::SendText(text) = &command.op {
                let message = pending_text(command.instance, text, UnixMs::now());
                let reply = Reply::Sent {
                    message: Box::new(message),
                };
                let put = self.registry.put_reply(command.id, &reply, LONG);
                put.await.unwrap();
            }
        }
        Ok(())
    }

    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Incoming>, Error> {
        self.queue.receive(max, wait).await
    }

    async fn ack(&self, receipts: &[Receipt]) -> Result<(), Error> {
        self.queue.ack(receipts).await
    }

    async fn extend(&self, receipt: &Receipt, visibility: Duration) -> Result<(), Error> {
        self.queue.extend(receipt, visibility).await
    }
}

fn counts(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
    let owned = expected.iter().map(|(name, n)| ((*name).to_owned(), *n));
    owned.collect()
}

#[tokio::test]
async fn the_state_of_a_connection_costs_one_read() {
    let cloud = Cloud::start().await;
    let path = "/instance/connectionState/b1";
    let (status, answer) = cloud.call("GET", path, &Value::Null).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["instance"]["state"], "open");
    let (requests, units) = cloud.cost("GET", path, &Value::Null).await;
    assert_eq!(requests, counts(CONNECTION_STATE.requests));
    let expected = (CONNECTION_STATE.read_units, CONNECTION_STATE.write_units);
    assert_eq!(units, expected);
}

#[tokio::test]
async fn a_text_costs_two_reads_and_one_send() {
    let cloud = Cloud::start().await;
    let text = json!({ "number": "5511999990001", "text": "Oi!" });
    let (requests, units) = cloud.cost("POST", "/message/sendText/b1", &text).await;
    // The row, and the reply that is there at the first look.
    assert_eq!(requests, counts(SEND_TEXT.requests));
    assert_eq!(units, (SEND_TEXT.read_units, SEND_TEXT.write_units));
}

#[tokio::test]
async fn a_new_instance_costs_one_transaction_and_one_data_key() {
    let cloud = Cloud::start().await;
    let body = json!({ "instanceName": "b2", "integration": "WHATSAPP-BAILEYS" });
    let global = Cloud {
        token: GLOBAL_KEY.to_owned(),
        ..cloud
    };
    let (requests, units) = global.cost("POST", "/instance/create", &body).await;
    assert_eq!(requests, counts(CREATE.requests));
    assert_eq!(units, (CREATE.read_units, CREATE.write_units));
}
