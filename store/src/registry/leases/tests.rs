//! What the conformance suite can't see of a renewal.

use aws_sdk_dynamodb::Client;
use serde_json::json;

use super::*;
use crate::aws::scripted::Scripted;
use crate::conformance::registry::beat;

#[tokio::test]
async fn a_row_outlives_its_last_renewal_by_a_day() {
    let service = Scripted::new([(200, json!({}))]);
    let registry = Registry::new(Client::new(&service.config()), "table");
    let lease = beat(ConnectorId::random());
    let before = UnixMs::now().seconds();
    registry.renew_connector(&lease).await.unwrap();
    let after = UnixMs::now().seconds();

    let [asked] = &service.asked()[..] else {
        panic!("{:?}", service.asked());
    };
    assert_eq!(asked["ExpressionAttributeNames"]["#expires_at"], TTL);
    let until = asked["ExpressionAttributeValues"][":expires_at"]["N"].as_str();
    let until: u64 = until.unwrap().parse().unwrap();
    assert!(
        (before + 86_400..=after + 86_400).contains(&until),
        "{until}"
    );
}
