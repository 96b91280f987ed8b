//! What the delivery costs on AWS, counted at the wire.
//!
//! Against AWS, or against what stands in for it: `cargo xtask aws-local`.

use pombal_costs::counts::{DELIVERY, EVENTS_PER_BATCH};
use pombal_store::conformance::aws;

use super::rig::{Rig, eventually};
use crate::receiver::TestReceiver;

#[tokio::test]
async fn a_message_to_a_webhook_costs_one_read() {
    let clients = aws::connect().await;
    let mut rig = Rig::new().await;
    rig.stores.registry = aws::registry(&clients).await;
    let receiver = TestReceiver::ok().await;
    let row = rig.instance("b1", &receiver.url).await;
    let (requests, units) = (clients.requests(), clients.units());
    let asked = || requests.of_service("dynamodb");
    let (before, read, written) = (asked(), units.read(), units.written());

    rig.publish_all(&row, 1..=EVENTS_PER_BATCH).await;
    let service = rig.start();
    eventually("all delivered", || {
        service.counts().delivered == EVENTS_PER_BATCH
    })
    .await;
    service.stop().await;

    let events = EVENTS_PER_BATCH as f64;
    assert_eq!(asked() - before, EVENTS_PER_BATCH * DELIVERY.of("dynamodb"));
    assert_eq!(units.read() - read, events * DELIVERY.read_units);
    assert_eq!(units.written() - written, events * DELIVERY.write_units);
}
