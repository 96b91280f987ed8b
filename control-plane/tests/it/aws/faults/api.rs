//! An answer of 2xx is a promise; one of 500 promises nothing, and says so as the contract has
//! it.
//!
//! The contract knows no key that makes a request the same as an earlier one: a client that
//! sends a text again after a 500 may send it twice. What is named in the request (an instance,
//! a webhook) is the same after a repetition.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::StatusCode;
use bad_aws::{BadAws, Fault, Rule, Service, Told, seeds};
use pombal_domain::{Command, Op};
use pombal_store::conformance::aws;
use serde_json::{Value, json};

use super::super::Cloud;
use super::mix;
use crate::app::GLOBAL_KEY;

async fn bad_cloud(seed: u64) -> (BadAws, Cloud) {
    let proxy = BadAws::start(&aws::endpoint(), seed).await.unwrap();
    let cloud = Cloud::on(aws::connect_at(proxy.endpoint()).await).await;
    (proxy, cloud)
}

/// Whether a call was answered as it should; else its answer is the contract's 500.
#[track_caller]
fn is_done(done: StatusCode, status: StatusCode, body: &Value) -> bool {
    if status == done {
        return true;
    }
    let envelope = json!({
        "status": 500,
        "error": "Internal Server Error",
        "response": { "message": ["Internal server error"] },
    });
    assert_eq!(
        (status, body),
        (StatusCode::INTERNAL_SERVER_ERROR, &envelope)
    );
    false
}

/// The WhatsApp ids of all texts in the command queue.
async fn queued(cloud: &Cloud) -> Vec<String> {
    let mut ids = Vec::new();
    loop {
        let wait = Duration::from_secs(1);
        let messages = cloud.commands.receive(10, wait).await.unwrap();
        if messages.is_empty() {
            return ids;
        }
        for message in messages {
            let command: Command = serde_json::from_str(&message.body).unwrap();
            if let Op::SendText(text) = command.op {
                ids.push(text.message_id.to_string());
            }
            cloud.commands.ack(&[message.receipt]).await.unwrap();
        }
    }
}

async fn a_text_that_was_accepted_is_queued(seed: u64) {
    const TEXTS: usize = 40;
    let (proxy, cloud) = bad_cloud(seed).await;
    mix(&proxy, Service::DynamoDb, 9);
    mix(&proxy, Service::Sqs, 9);
    let (mut accepted, mut refused) = (BTreeSet::new(), 0);
    for n in 0..TEXTS {
        let text = json!({ "number": "5511999990001", "text": format!("{n}") });
        let (status, body) = cloud.call("POST", "/message/sendText/b1", &text).await;
        if is_done(StatusCode::CREATED, status, &body) {
            accepted.insert(body["key"]["id"].as_str().unwrap().to_owned());
        } else {
            refused += 1;
        }
    }
    proxy.heal();
    let queued = queued(&cloud).await;
    let distinct: BTreeSet<_> = queued.iter().cloned().collect();
    assert_eq!(distinct.len(), queued.len(), "a text is queued twice");
    assert!(accepted.is_subset(&distinct), "an accepted text is lost");
    assert!(queued.len() <= TEXTS);
    assert!(
        accepted.len() > TEXTS / 2,
        "only {} were accepted",
        accepted.len()
    );
    assert!(
        refused > 0,
        "nothing was refused: the day was not bad enough"
    );
    assert!(proxy.log().most_tries() <= 4);
}

#[tokio::test]
async fn a_text_that_was_accepted_is_queued_on_a_bad_day() {
    for seed in seeds(0x7E87) {
        let _told = Told(seed);
        a_text_that_was_accepted_is_queued(seed).await;
    }
}

/// The queue has the command, and nobody is told: 500, and the text goes out all the same. The
/// registry that can't tell of a reply makes no failure of a text that is queued.
#[tokio::test]
async fn only_the_queue_decides_about_a_text() {
    let (proxy, cloud) = bad_cloud(1).await;
    let text = json!({ "number": "5511999990001", "text": "Oi!" });
    let send = || cloud.call("POST", "/message/sendText/b1", &text);

    let lost = proxy.add(Rule::on(Service::Sqs, Fault::Lost).operation("SendMessageBatch"));
    let (status, body) = send().await;
    assert!(!is_done(StatusCode::CREATED, status, &body));
    assert_eq!(lost.count(), 4);
    assert_eq!(queued(&cloud).await.len(), 1, "four tries, one text");

    // The first read is the row's; what follows is the reply's.
    proxy.heal();
    let unread = proxy.add(Rule::on(Service::DynamoDb, Fault::Failed).after(1));
    let (status, body) = send().await;
    assert!(is_done(StatusCode::CREATED, status, &body), "{body}");
    assert_eq!(body["status"], "PENDING");
    assert_eq!(unread.count(), 4);
    proxy.heal();
    assert_eq!(queued(&cloud).await, [body["key"]["id"].as_str().unwrap()]);
}

async fn repeating_a_change_changes_nothing_else(seed: u64) {
    let (proxy, cloud) = bad_cloud(seed).await;
    mix(&proxy, Service::DynamoDb, 12);
    let name = "b1".parse().unwrap();
    let url = |n: usize| format!("https://example.com/{n}");
    let (mut now, mut unknown) = (None, 0);
    for n in 0..25 {
        let wish = json!({ "webhook": { "enabled": true, "url": url(n) } });
        let (status, body) = cloud.call("POST", "/webhook/set/b1", &wish).await;
        let row = cloud.registry.instance(&name).await.unwrap().unwrap();
        let there = row.webhook.map(|webhook| webhook.url);
        if is_done(StatusCode::CREATED, status, &body) {
            assert_eq!(there, Some(url(n)));
        } else {
            assert!(there == now || there == Some(url(n)), "{there:?}");
            unknown += 1;
        }
        now = there;
    }
    assert!((1..20).contains(&unknown), "{unknown} of 25");
}

#[tokio::test]
async fn repeating_a_change_changes_nothing_else_on_a_bad_day() {
    for seed in seeds(0x3EB) {
        let _told = Told(seed);
        repeating_a_change_changes_nothing_else(seed).await;
    }
}

async fn an_instance_is_created_once(seed: u64) {
    let (proxy, mut cloud) = bad_cloud(seed).await;
    cloud.token = GLOBAL_KEY.to_owned();
    mix(&proxy, Service::DynamoDb, 14);
    mix(&proxy, Service::Kms, 14);
    // The last one meets more than any number of tries gets over.
    let mut unknown = 0;
    for n in 0..12 {
        if n == 11 {
            proxy.add(Rule::on(Service::Kms, Fault::Unavailable).times(8));
        }
        let (name, token) = (format!("n{n}"), format!("token-of-{n}"));
        let wish = json!({
            "instanceName": name, "token": token, "integration": "WHATSAPP-BAILEYS",
        });
        // A client that tries again until it knows.
        let mut tried = 0;
        loop {
            let (status, body) = cloud.call("POST", "/instance/create", &wish).await;
            tried += 1;
            // Its own, by a try that it was not told of.
            let is_there = status == StatusCode::FORBIDDEN && tried > 1;
            if is_there || is_done(StatusCode::CREATED, status, &body) {
                break;
            }
            assert!(tried < 20, "never created: {body}");
            unknown += 1;
        }
        let row = cloud.registry.instance(&name.parse().unwrap()).await;
        let row = row.unwrap().expect("created");
        let by_token = cloud.registry.instance_by_token(&row.token_hash).await;
        assert_eq!(by_token.unwrap().map(|row| row.id), Some(row.id));
    }
    assert!(unknown > 0, "nothing failed: the day was not bad enough");
}

#[tokio::test]
async fn an_instance_is_created_once_on_a_bad_day() {
    for seed in seeds(0xC4EA7E) {
        let _told = Told(seed);
        an_instance_is_created_once(seed).await;
    }
}

/// Each single fault is the API's affair, not the client's.
#[tokio::test]
async fn one_fault_is_nothing_that_a_client_sees() {
    let (proxy, mut cloud) = bad_cloud(1).await;
    cloud.token = GLOBAL_KEY.to_owned();
    let faults = [Fault::Throttled, Fault::Failed, Fault::Cut, Fault::Lost];
    for (n, fault) in faults.into_iter().enumerate() {
        let happened = [
            proxy.add(Rule::on(Service::DynamoDb, fault).times(1)),
            proxy.add(Rule::on(Service::Kms, fault).times(1)),
        ];
        let wish = json!({ "instanceName": format!("n{n}"), "integration": "WHATSAPP-BAILEYS" });
        let (status, body) = cloud.call("POST", "/instance/create", &wish).await;
        assert_eq!(status, StatusCode::CREATED, "{fault:?}: {body}");
        assert!(
            happened.iter().all(|rule| rule.count() == 1),
            "{happened:?}"
        );

        let happened = proxy.add(Rule::on(Service::Sqs, fault).times(1));
        let text = json!({ "number": "5511999990001", "text": "Oi!" });
        let (status, body) = cloud.call("POST", "/message/sendText/b1", &text).await;
        assert_eq!(status, StatusCode::CREATED, "{fault:?}: {body}");
        assert_eq!(happened.count(), 1);
    }
}
