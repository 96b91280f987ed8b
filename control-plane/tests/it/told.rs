//! What the API itself tells of instances.

use std::time::Duration;

use pombal_control_plane::EventsQueue;
use pombal_domain::event::Farewell;
use pombal_domain::{Event, EventName, Seq};
use pombal_store::Queue;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::connector::{open, project};

async fn app() -> (TestApp, std::sync::Arc<dyn Queue>) {
    let mut queue = None;
    let app = TestApp::start_on(|stores, options| {
        let events = stores.fifo("events");
        options.events = Some(EventsQueue(std::sync::Arc::clone(&events)));
        options.delete_wait = crate::app::SHORT;
        queue = Some(events);
    })
    .await;
    (app, queue.unwrap())
}

/// What is in the queue now.
async fn told(queue: &dyn Queue) -> Vec<Event> {
    let messages = queue.receive(10, Duration::ZERO).await.unwrap();
    let receipts: Vec<_> = messages.iter().map(|it| it.receipt.clone()).collect();
    queue.ack(&receipts).await.unwrap();
    let events = messages.iter().map(|it| {
        let event: Event = serde_json::from_str(&it.body).unwrap();
        assert_eq!(it.group, Some(event.instance.to_string()));
        event
    });
    events.collect()
}

#[tokio::test]
async fn creation_and_deletion_are_told_around_everything_else() {
    let (app, queue) = app().await;
    let body = json!({
        "instanceName": "b1", "integration": "WHATSAPP-BAILEYS",
        "webhook": { "url": "https://example.com/hook", "events": ["INSTANCE_DELETE"] },
    });
    let made = app.post("/instance/create").global().json(&body).await;
    assert_eq!(made.status, 201);
    let row = app.stores.row("b1").await;
    let itself = json!({ "instanceName": "b1", "instanceId": row.id });
    let created = told(&*queue).await;
    assert_eq!(created.len(), 1);
    assert_eq!(
        (created[0].event, created[0].seq),
        (EventName::InstanceCreate, Seq(0))
    );
    assert_eq!(created[0].data, itself);
    assert!(created[0].farewell.is_none() && created[0].projection.is_none());
    // A name that is taken makes nothing.
    let again = app.post("/instance/create").global().json(&body).await;
    assert_eq!((again.status.as_u16(), told(&*queue).await.len()), (403, 0));

    project(&app.stores.registry, &row, open(&row)).await;
    let row = app.stores.row("b1").await;
    app.delete("/instance/delete/b1").global().send().await;
    let gone = told(&*queue).await;
    let names: Vec<_> = gone.iter().map(|event| event.event).collect();
    assert_eq!(
        names,
        [
            EventName::LogoutInstance,
            EventName::InstanceDelete,
            EventName::RemoveInstance
        ]
    );
    assert_eq!((&gone[1].data, &gone[2].data), (&itself, &Value::Null));
    assert!(gone.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    assert!(gone[0].seq > row.seq);
    for event in &gone {
        assert_eq!(
            event.farewell.as_ref().map(|it| &it.webhook),
            Some(&row.webhook)
        );
    }
    // Who deletes what is not there tells nothing.
    let again = app.delete("/instance/delete/b1").global().send().await;
    assert_eq!((again.status.as_u16(), told(&*queue).await.len()), (404, 0));
}

#[tokio::test]
async fn a_deletion_is_told_without_a_webhook_too() {
    let (app, queue) = app().await;
    app.create("b1").await;
    app.delete("/instance/delete/b1").global().send().await;
    let told = told(&*queue).await;
    let farewells: Vec<_> = told.iter().map(|it| (it.event, &it.farewell)).collect();
    let without = Some(Farewell { webhook: None });
    assert_eq!(
        farewells,
        [
            (EventName::InstanceCreate, &None),
            (EventName::InstanceDelete, &without),
            (EventName::RemoveInstance, &without),
        ]
    );
}
