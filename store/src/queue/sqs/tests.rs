//! Answers that the emulator does not give: parts of a batch that fail, errors of receipts.

use serde_json::{Value, json};

use super::*;
use crate::aws::scripted::Scripted;

fn queue(service: &Scripted, fifo: bool) -> SqsQueue {
    SqsQueue {
        client: Client::new(&service.config()),
        url: "https://sqs.us-east-1.amazonaws.com/1/q".to_owned(),
        fifo,
        visibility: 30,
    }
}

fn message(body: &str) -> Outgoing {
    Outgoing {
        body: body.to_owned(),
        group: Some("g".to_owned()),
        dedup: Some(body.to_owned()),
        delay: Duration::ZERO,
    }
}

/// An answer to a batch in which the entries `failed` failed with `code`.
fn failing(failed: &[usize], code: &str, sender_fault: bool) -> (u16, Value) {
    let failed: Vec<Value> = failed
        .iter()
        .map(|id| json!({ "Id": id.to_string(), "Code": code, "SenderFault": sender_fault }))
        .collect();
    (200, json!({ "Successful": [], "Failed": failed }))
}

fn error(code: &str, message: &str) -> (u16, Value) {
    let kind = format!("com.amazonaws.sqs#{code}");
    (400, json!({ "__type": kind, "message": message }))
}

/// What each request carried of the entries, by one of their fields.
fn fields(service: &Scripted, field: &str) -> Vec<Vec<String>> {
    let of = |request: &Value| {
        let entries = request["Entries"].as_array().unwrap();
        let texts = entries
            .iter()
            .map(|entry| entry[field].as_str().unwrap().to_owned());
        texts.collect()
    };
    service.asked().iter().map(of).collect()
}

#[tokio::test]
async fn what_was_refused_is_sent_again_in_order_and_nothing_else() {
    let service = Scripted::new([
        failing(&[1, 3, 4], "InternalError", false),
        failing(&[4], "InternalError", false),
        failing(&[], "", false),
    ]);
    let batch: Vec<_> = ["a", "b", "c", "d", "e"].map(message).into();
    queue(&service, true).send(&batch).await.unwrap();
    assert_eq!(
        fields(&service, "MessageBody"),
        [
            vec!["a", "b", "c", "d", "e"],
            vec!["b", "d", "e"],
            vec!["e"]
        ]
    );
    // The ids that make a repetition harmless.
    assert_eq!(
        fields(&service, "MessageDeduplicationId")[1],
        ["b", "d", "e"]
    );
}

#[tokio::test]
async fn a_batch_that_stays_refused_is_an_error() {
    let refusals = (0..TRIES).map(|_| failing(&[0], "InternalError", false));
    let service = Scripted::new(refusals);
    let sent = queue(&service, true).send(&[message("a")]).await;
    assert!(matches!(sent, Err(Error::Storage(_))), "{sent:?}");
    assert_eq!(service.asked().len(), TRIES as usize);

    // Our own fault: once is enough.
    let service = Scripted::new([failing(&[0], "InvalidMessageContents", true)]);
    let sent = queue(&service, true).send(&[message("a")]).await;
    assert!(matches!(sent, Err(Error::Storage(_))), "{sent:?}");
}

#[tokio::test]
async fn expired_receipts_are_skipped_and_others_deleted_again() {
    let receipts = ["a", "b", "c"].map(|handle| Receipt(handle.to_owned()));
    for expired in ["ReceiptHandleIsInvalid", "InvalidParameterValue"] {
        let service = Scripted::new([failing(&[0, 1, 2], expired, true)]);
        queue(&service, true).ack(&receipts).await.unwrap();
    }
    let service = Scripted::new([
        failing(&[0, 2], "InternalError", false),
        failing(&[], "", false),
    ]);
    queue(&service, true).ack(&receipts).await.unwrap();
    assert_eq!(
        fields(&service, "ReceiptHandle"),
        [vec!["a", "b", "c"], vec!["a", "c"]]
    );
    let refusals = (0..TRIES).map(|_| failing(&[1], "InternalError", false));
    let acked = queue(&Scripted::new(refusals), true).ack(&receipts).await;
    assert!(matches!(acked, Err(Error::Storage(_))), "{acked:?}");
}

#[tokio::test]
async fn errors_of_receipts_are_told_apart() {
    let receipt = Receipt("a".to_owned());
    for (code, text) in [
        (
            "ReceiptHandleIsInvalid",
            "The input receipt handle is invalid.",
        ),
        ("MessageNotInflight", ""),
        (
            "InvalidParameterValue",
            "Reason: The receipt handle has expired.",
        ),
    ] {
        let service = Scripted::new([error(code, text)]);
        let extended = queue(&service, true).extend(&receipt, Duration::ZERO).await;
        assert!(
            matches!(extended, Err(Error::ReceiptExpired)),
            "{extended:?}"
        );
    }
    let text = "Reason: Total VisibilityTimeout for the message is beyond the limit";
    let service = Scripted::new([error("InvalidParameterValue", text)]);
    let extended = queue(&service, true).extend(&receipt, Duration::ZERO).await;
    assert!(matches!(extended, Err(Error::Invalid(_))), "{extended:?}");
    let service = Scripted::new([error("RequestThrottled", "")]);
    let extended = queue(&service, true).extend(&receipt, Duration::ZERO).await;
    assert!(matches!(extended, Err(Error::Storage(_))), "{extended:?}");
}

#[tokio::test]
async fn a_queue_at_a_known_address_is_not_looked_up() {
    let service = Scripted::new([failing(&[], "", false)]);
    let url = "https://sqs.us-east-1.amazonaws.com/123456789012/pombal-";
    let queues = Queues::at(Client::new(&service.config()), url);
    assert_eq!(queues.prefix(), "pombal-");
    let options = QueueOptions {
        fifo: true,
        visibility: Duration::from_secs(30),
        max_receives: None,
    };
    let queue = queues.queue("events", &options).await.unwrap();
    queue.send(&[message("a")]).await.unwrap();
    let asked = service.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0]["QueueUrl"], format!("{url}events.fifo"));
}

#[test]
fn times_are_rounded_up() {
    for (millis, expected) in [(0, 0), (1, 1), (1000, 1), (1001, 2)] {
        assert_eq!(seconds(Duration::from_millis(millis)), expected);
    }
}
