//! The metrics on AWS: what a scrape costs, and who the function takes its caller for.

use axum::http::StatusCode;
use fake_lambda::HttpCall;
use pombal_costs::counts::SCRAPED_AT_ONCE;
use serde_json::Value;

use super::api::{API, connected};
use super::deployment::Deployed;
use super::{Cloud, counts};
use crate::app::GLOBAL_KEY;
use crate::metrics::multiply;

#[tokio::test]
async fn a_scrape_costs_a_query_for_hundreds_of_instances() {
    let mut cloud = Cloud::start().await;
    GLOBAL_KEY.clone_into(&mut cloud.token);
    let registry = cloud.registry.clone();
    let row = registry.instance(&"b1".parse().unwrap()).await;
    let row = row.unwrap().unwrap();
    // Only rows are read, all of them, and each once.
    let (requests, (alone, written)) = cloud.cost("GET", "/metrics", &Value::Null).await;
    assert_eq!(requests, counts(&[("dynamodb Query", 1)]));
    assert_eq!(written, 0.0);
    let many = 2 * SCRAPED_AT_ONCE;
    multiply(&registry, &row, many).await;
    let (requests, (read, written)) = cloud.cost("GET", "/metrics", &Value::Null).await;
    assert_eq!(requests, counts(&[("dynamodb Query", 3)]));
    assert_eq!(written, 0.0);
    // Half a unit per 4 KB of a page, and a row of this kind has less than a KB.
    let most = f64::from(u32::try_from(many).unwrap()) / 8.0 + 3.0;
    assert!(read >= alone && read <= most, "{read} units");
    let (status, text) = cloud.call("GET", "/metrics", &Value::Null).await;
    assert_eq!(status, StatusCode::OK);
    let total = format!("evolution_instances_total {}\n", many + 1);
    assert!(text.as_str().unwrap().ends_with(&total));
}

#[tokio::test]
async fn the_caller_is_who_the_gateway_says() {
    let deployed = Deployed::new().await;
    let env = deployed.env.clone().with("PROMETHEUS_METRICS", "true");
    let scrape = HttpCall::new("GET", "/metrics").header("x-forwarded-for", "203.0.113.9");
    // The gateway says 127.0.0.1.
    for (allowed, status) in [("127.0.0.1", 200), ("203.0.113.9", 403)] {
        let env = env.clone().with("METRICS_ALLOWED_IPS", allowed);
        let api = env.start(API).await;
        connected(&deployed, &api, &format!("b{status}")).await;
        let answer = api.call(&scrape).await;
        assert_eq!(answer.status, status, "{allowed}: {}", api.log());
        let kind = answer.headers["content-type"].as_str().unwrap();
        assert!(kind.starts_with("text/plain"), "{kind}");
    }
    let off = deployed.env.start(API).await;
    let scrape = scrape.key(GLOBAL_KEY);
    assert_eq!(off.call(&scrape).await.status, 404);
    let on = env.start(API).await;
    assert_eq!(on.call(&scrape).await.status, 200);
}
