//! The function `janitor` and the number of connectors: its real binary, and a service of ECS.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{ContainerDefinition, LaunchType};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use fake_lambda::Function;
use pombal_control_plane::standby::{IDLE, LATE};
use pombal_domain::{Desired, Instance};
use pombal_store::conformance::aws;
use serde_json::{Value, json};

use super::deployment::{Deployed, Env};
use crate::connector::{open, project};
use crate::delivery::rig::listening;

const JANITOR: &str = env!("CARGO_BIN_EXE_janitor");
const SERVICE: &str = "connector";

/// A deployment whose connectors run on ECS.
struct Fleet {
    deployed: Deployed,
    ecs: Client,
    cluster: String,
}

impl Fleet {
    /// With one connector, as after the first deployment.
    async fn new() -> Self {
        let deployed = Deployed::new().await;
        let ecs = Client::new(deployed.aws.sdk_config());
        let cluster = aws::fresh("fleet");
        let made = ecs.create_cluster().cluster_name(&cluster).send();
        made.await.unwrap();
        let container = ContainerDefinition::builder()
            .name(SERVICE)
            .image("connector:1")
            .memory(512);
        let task = ecs
            .register_task_definition()
            .family(&cluster)
            .container_definitions(container.build());
        task.send().await.unwrap();
        let service = ecs
            .create_service()
            .cluster(&cluster)
            .service_name(SERVICE)
            .task_definition(&cluster)
            .launch_type(LaunchType::Fargate)
            .desired_count(1);
        service.send().await.unwrap();
        Self {
            deployed,
            ecs,
            cluster,
        }
    }

    fn env(&self) -> Env {
        let env = self.deployed.env.clone();
        env.with("POMBAL_ECS_CLUSTER", &self.cluster)
            .with("POMBAL_ECS_SERVICE", SERVICE)
    }

    async fn desired(&self) -> i32 {
        let asked = self.ecs.describe_services().cluster(&self.cluster);
        let found = asked.services(SERVICE).send().await.unwrap();
        found.services()[0].desired_count()
    }

    async fn set(&self, count: i32) {
        let update = self.ecs.update_service().cluster(&self.cluster);
        let update = update.service(SERVICE).desired_count(count);
        update.send().await.unwrap();
    }

    /// An instance that nobody has connected yet.
    async fn instance(&self) -> Instance {
        let mut row = listening(&self.deployed.keys, "b1", "https://hook.test/").await;
        (row.desired, row.generation) = (Desired::Disconnected, 0);
        self.deployed.registry.create_instance(&row).await.unwrap();
        row
    }
}

/// Makes the phase that the fleet is in look older.
async fn age(deployed: &Deployed, by: Duration) {
    let key = |text: &str| AttributeValue::S(text.to_owned());
    let update = deployed
        .aws
        .dynamodb()
        .update_item()
        .table_name(deployed.registry.table())
        .key("pk", key("PHASE#fleet"))
        .key("sk", key("PHASE"))
        .condition_expression("attribute_exists(pk)")
        .update_expression("SET since = since - :by")
        .expression_attribute_values(":by", AttributeValue::N(by.as_millis().to_string()));
    update.send().await.unwrap();
}

/// What the janitor did about connectors.
async fn step(janitor: &Function) -> Value {
    let report = janitor.invoke(&json!({})).await;
    report.unwrap_or_else(|error| panic!("{error:?} {}", janitor.log()))["connectors"].clone()
}

#[tokio::test]
async fn the_fleet_is_let_go_when_nothing_needs_it_and_the_first_wish_brings_it_back() {
    let fleet = Fleet::new().await;
    let row = fleet.instance().await;
    let registry = &fleet.deployed.registry;
    let janitor = fleet
        .env()
        .with("POMBAL_ECS_COUNT", "2")
        .start(JANITOR)
        .await;
    assert_eq!(step(&janitor).await, "stay");
    age(&fleet.deployed, IDLE - Duration::from_secs(60)).await;
    assert_eq!(step(&janitor).await, "stay");
    assert_eq!(fleet.desired().await, 1);
    age(&fleet.deployed, Duration::from_secs(60)).await;
    assert_eq!(step(&janitor).await, "empty");
    assert_eq!(fleet.desired().await, 0);
    assert_eq!(step(&janitor).await, "stay");

    let wish = registry.set_desired(&row.name, row.id, Desired::Connected, None);
    let row = wish.await.unwrap();
    assert_eq!(step(&janitor).await, "start");
    assert_eq!(fleet.desired().await, 2);
    project(registry, &row, open(&row)).await;
    // However long it is connected, and however many a policy has made of them.
    fleet.set(5).await;
    assert_eq!(step(&janitor).await, "stay");
    age(&fleet.deployed, Duration::from_secs(86_400)).await;
    assert_eq!(step(&janitor).await, "stay");
    assert_eq!(fleet.desired().await, 5);

    // The time before counts for nothing. What a deleted instance has left is wiped first.
    let row = fleet.deployed.row("b1").await;
    registry.delete_instance(&row).await.unwrap();
    age(&fleet.deployed, Duration::from_secs(86_400)).await;
    assert_eq!(step(&janitor).await, "stay");
    let graves = registry.graves(row.shard).await.unwrap();
    registry
        .remove_tombstone(&graves[0].tombstone)
        .await
        .unwrap();
    assert_eq!(step(&janitor).await, "stay");
    assert_eq!(fleet.desired().await, 5);
    age(&fleet.deployed, IDLE).await;
    assert_eq!(step(&janitor).await, "empty");
    assert_eq!(fleet.desired().await, 0);
    assert!(!janitor.log().contains("\"ERROR\""), "{}", janitor.log());
}

/// Operators who stop all connectors want them stopped.
#[tokio::test]
async fn without_a_service_the_number_of_connectors_is_left_alone() {
    let fleet = Fleet::new().await;
    let row = fleet.instance().await;
    let registry = &fleet.deployed.registry;
    let wish = registry.set_desired(&row.name, row.id, Desired::Connected, None);
    wish.await.unwrap();
    fleet.set(0).await;
    let janitor = fleet.deployed.env.start(JANITOR).await;
    assert_eq!(step(&janitor).await, Value::Null);
    assert_eq!(fleet.desired().await, 0);
}

/// An ECS that gives one answer to everything; its address.
async fn ecs(status: StatusCode, answer: Value) -> String {
    let answer = move |_: HeaderMap| async move { (status, Json(answer)) };
    let router = Router::new().route("/", post(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

async fn janitor_of(fleet: &Fleet, ecs: &str) -> Function {
    let env = fleet.env().with("AWS_ENDPOINT_URL_ECS", ecs);
    env.start(JANITOR).await
}

#[tokio::test]
async fn a_connector_that_does_not_come_up_makes_the_invocation_fail() {
    let fleet = Fleet::new().await;
    let row = fleet.instance().await;
    let registry = &fleet.deployed.registry;
    let wish = registry.set_desired(&row.name, row.id, Desired::Connected, None);
    wish.await.unwrap();
    let none_runs = json!({ "services": [{
        "serviceName": SERVICE, "status": "ACTIVE", "desiredCount": 1, "runningCount": 0,
    }]});
    let janitor = janitor_of(&fleet, &ecs(StatusCode::OK, none_runs).await).await;
    assert_eq!(step(&janitor).await, "stay");
    age(&fleet.deployed, LATE).await;
    let failed = janitor.invoke(&json!({})).await;
    assert!(failed.is_err(), "{failed:?}");
    assert!(janitor.log().contains("none runs"), "{}", janitor.log());
}

#[tokio::test]
async fn a_service_that_is_not_there_or_refuses_makes_the_invocation_fail() {
    let fleet = Fleet::new().await;
    let gone = json!({ "services": [{ "status": "INACTIVE", "desiredCount": 0 }]});
    let denied = json!({ "__type": "AccessDeniedException", "message": "not yours" });
    for (status, answer, why) in [
        (
            StatusCode::OK,
            json!({ "services": [], "failures": [] }),
            "is not there",
        ),
        (StatusCode::OK, gone, "is not there"),
        (StatusCode::BAD_REQUEST, denied, "not described"),
    ] {
        let janitor = janitor_of(&fleet, &ecs(status, answer).await).await;
        let failed = janitor.invoke(&json!({})).await;
        assert!(failed.is_err(), "{why}: {failed:?}");
        assert!(janitor.log().contains(why), "{}", janitor.log());
    }
}

#[tokio::test]
async fn half_a_service_is_refused() {
    let queues = "http://127.0.0.1:9/000000000000/pombal-";
    let env = || Env::naming("table", queues, "alias/key", "bucket");
    for (env, missing) in [
        (env().with("POMBAL_ECS_CLUSTER", "a"), "POMBAL_ECS_SERVICE"),
        (env().with("POMBAL_ECS_SERVICE", "a"), "POMBAL_ECS_CLUSTER"),
    ] {
        let mut janitor = env.start(JANITOR).await;
        let (status, log) = janitor.ended().await;
        assert!(!status.success());
        let line: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
        let error = line["error"].as_str().unwrap();
        assert!(error.contains(&format!("{missing}: ")), "{error}");
    }
}
