//! Errors as each service writes them.
//!
//! - `DynamoDB`: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>
//!   and, for transactions,
//!   <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
//! - SQS: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html>
//!   and <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html>
//! - S3: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html> and
//!   <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
//! - KMS: <https://docs.aws.amazon.com/kms/latest/developerguide/throttling.html>

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::call::{Call, Service};

/// What a service says that refuses a request for its rate.
pub(crate) fn throttled(call: &Call, luck: u64) -> Answer {
    match call.service {
        Service::DynamoDb if call.operation == "TransactWriteItems" && luck.is_multiple_of(2) => {
            let (code, text) = ("ThrottlingError", "Throughput exceeds the current capacity");
            cancelled(call, code, text)
        }
        Service::DynamoDb if luck.is_multiple_of(3) => dynamodb(
            400,
            "com.amazon.coral.availability#ThrottlingException",
            "Throughput exceeds the current capacity of your table or index.",
        ),
        Service::DynamoDb => dynamodb(
            400,
            "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
            "The level of configured provisioned throughput for the table was exceeded.",
        ),
        Service::Sqs => sqs(
            call,
            400,
            "RequestThrottled",
            "The request was denied due to request throttling.",
        ),
        Service::S3 => s3(call, 503, "SlowDown", "Please reduce your request rate."),
        Service::Kms => kms(
            400,
            "ThrottlingException",
            "You have exceeded the rate at which you may call KMS.",
        ),
        Service::Other => json_error(400, "ThrottlingException", "Rate exceeded"),
    }
}

/// 500.
pub(crate) fn failed(call: &Call) -> Answer {
    let text = "We encountered an internal error. Please try again.";
    match call.service {
        Service::DynamoDb => dynamodb(
            500,
            "com.amazonaws.dynamodb.v20120810#InternalServerError",
            "The request processing has failed because of an unknown error.",
        ),
        Service::Sqs => sqs(call, 500, "InternalFailure", text),
        Service::S3 => s3(call, 500, "InternalError", text),
        Service::Kms => kms(500, "KMSInternalException", text),
        Service::Other => json_error(500, "InternalFailure", text),
    }
}

/// 503.
pub(crate) fn unavailable(call: &Call) -> Answer {
    let text = "Service is unable to handle request.";
    match call.service {
        Service::DynamoDb => {
            let kind = "com.amazon.coral.availability#ServiceUnavailableException";
            dynamodb(503, kind, text)
        }
        Service::Sqs => sqs(call, 503, "ServiceUnavailable", text),
        Service::S3 => s3(call, 503, "ServiceUnavailable", text),
        Service::Kms => kms(503, "DependencyTimeoutException", text),
        Service::Other => json_error(503, "ServiceUnavailable", text),
    }
}

/// Another request is at the same items or the same key.
pub(crate) fn conflict(call: &Call) -> Answer {
    let text = "Transaction is ongoing for the item";
    match call.service {
        Service::DynamoDb if call.operation == "TransactWriteItems" => {
            cancelled(call, "TransactionConflict", text)
        }
        Service::DynamoDb => dynamodb(
            400,
            "com.amazonaws.dynamodb.v20120810#TransactionConflictException",
            text,
        ),
        _ => s3(
            call,
            409,
            "ConditionalRequestConflict",
            "The conditional request cannot succeed due to a conflicting operation against this \
             resource.",
        ),
    }
}

/// A transaction that was cancelled because of its first item.
fn cancelled(call: &Call, code: &str, text: &str) -> Answer {
    let items = call.body["TransactItems"].as_array().map_or(1, Vec::len);
    let mut reasons = vec![json!({ "Code": "None" }); items];
    reasons[0] = json!({ "Code": code, "Message": text });
    let codes: Vec<&str> = reasons.iter().filter_map(|r| r["Code"].as_str()).collect();
    let message = format!(
        "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
        codes.join(", ")
    );
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": message,
        "CancellationReasons": reasons,
    });
    Answer::new(400, "application/x-amz-json-1.0", body.to_string())
}

fn dynamodb(status: u16, kind: &str, text: &str) -> Answer {
    json_error(status, kind, text)
}

fn kms(status: u16, kind: &str, text: &str) -> Answer {
    let body = json!({ "__type": kind, "message": text });
    Answer::new(status, "application/x-amz-json-1.1", body.to_string())
}

fn json_error(status: u16, kind: &str, text: &str) -> Answer {
    let body = json!({ "__type": kind, "message": text });
    Answer::new(status, "application/x-amz-json-1.0", body.to_string())
}

fn sqs(call: &Call, status: u16, code: &str, text: &str) -> Answer {
    let fault = if status < 500 { "Sender" } else { "Receiver" };
    if call.is_json {
        let kind = format!("com.amazonaws.sqs#{code}");
        // Old clients look for the code of the query protocol.
        return json_error(status, &kind, text)
            .with("x-amzn-query-error", &format!("{code};{fault}"));
    }
    let body = format!(
        r#"<?xml version="1.0"?><ErrorResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><Error><Type>{fault}</Type><Code>{code}</Code><Message>{text}</Message><Detail/></Error><RequestId>bad-aws</RequestId></ErrorResponse>"#
    );
    Answer::new(status, "text/xml", body)
}

fn s3(call: &Call, status: u16, code: &str, text: &str) -> Answer {
    let resource = &call.resource;
    let body = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{text}</Message><Resource>{resource}</Resource><RequestId>bad-aws</RequestId></Error>"#
    );
    Answer::new(status, "application/xml", body)
}

/// What SQS says of an entry of a batch that it refuses.
pub(crate) fn refused_entry(id: &Value) -> Value {
    json!({
        "Id": id,
        "Code": "InternalError",
        "Message": "We encountered an internal error. Please try again.",
        "SenderFault": false,
    })
}
