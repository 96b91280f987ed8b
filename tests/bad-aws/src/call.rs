//! Which service and operation a request is for.

use http::request::Parts;
use http::{HeaderMap, Method};
use serde_json::Value;

/// A service, as its signatures name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// The registry's.
    DynamoDb,
    /// The queues'.
    Sqs,
    /// That of sessions and media.
    S3,
    /// The keys'.
    Kms,
    /// Any other.
    Other,
}

/// What a request asks for.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) service: Service,
    /// As the service calls it; on S3 the method, or `LIST`.
    pub(crate) operation: String,
    /// The table, the queue's name, the key's id, or the path of the object.
    pub(crate) resource: String,
    /// The same for all tries of one request: the SDK's own id, or else method and path.
    pub(crate) request: String,
    /// With `If-Match` or `If-None-Match`.
    pub(crate) is_conditional: bool,
    /// Asks for a strongly consistent read.
    pub(crate) is_consistent: bool,
    /// In a JSON protocol.
    pub(crate) is_json: bool,
    /// The body in a JSON protocol, else null.
    pub(crate) body: Value,
}

/// Where a request in a JSON protocol names what it is about.
const RESOURCES: [&str; 5] = ["TableName", "QueueUrl", "QueueName", "KeyId", "SecretId"];

impl Call {
    pub(crate) fn of(parts: &Parts, body: &[u8]) -> Self {
        let service = service(parts);
        let target = text(&parts.headers, "x-amz-target");
        let is_json = target.is_some();
        let body = match is_json {
            true => serde_json::from_slice(body).unwrap_or_default(),
            false => Value::Null,
        };
        let operation = match target.and_then(|target| target.rsplit_once('.')) {
            Some((_, operation)) => operation.to_owned(),
            None => operation(parts, service),
        };
        let path = parts.uri.path();
        let resource = resource(&body).unwrap_or_else(|| path.to_owned());
        let request = text(&parts.headers, "amz-sdk-invocation-id")
            .map_or_else(|| format!("{} {}", parts.method, parts.uri), str::to_owned);
        let has = |name: &str| parts.headers.contains_key(name);
        Self {
            service,
            operation,
            resource,
            request,
            is_conditional: has("if-match") || has("if-none-match"),
            is_consistent: body["ConsistentRead"] == true,
            is_json,
            body,
        }
    }

    /// Whether the queue is FIFO, by its name.
    pub(crate) fn is_fifo(&self) -> bool {
        self.resource.ends_with(".fifo")
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The service in the scope of the signature: `<key>/<day>/<region>/<service>/aws4_request`.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
fn service(parts: &Parts) -> Service {
    let header = text(&parts.headers, "authorization");
    let signed = header.or(parts.uri.query()).unwrap_or_default();
    // In a query the slashes are escaped.
    let signed = signed.replace("%2F", "/");
    let scope = signed
        .split_once("Credential=")
        .and_then(|(_, scope)| scope.split('/').nth(3));
    match scope {
        Some("dynamodb") => Service::DynamoDb,
        Some("sqs") => Service::Sqs,
        Some("s3") => Service::S3,
        Some("kms") => Service::Kms,
        _ => Service::Other,
    }
}

/// The operation of a request that does not name it in `x-amz-target`.
fn operation(parts: &Parts, service: Service) -> String {
    let query = parts.uri.query().unwrap_or_default();
    if service == Service::S3 && parts.method == Method::GET && query.contains("list-type=") {
        return "LIST".to_owned();
    }
    parts.method.to_string()
}

fn resource(body: &Value) -> Option<String> {
    // All items of a transaction are in one table here.
    let inner = body["TransactItems"][0].as_object();
    let inner = inner.and_then(|item| item.values().next());
    let found = RESOURCES
        .iter()
        .find_map(|name| body[name].as_str().or_else(|| inner?[name].as_str()))?;
    // A queue's address ends in its name.
    Some(found.rsplit('/').next().unwrap_or(found).to_owned())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn call(request: http::request::Builder, body: &str) -> Call {
        Call::of(&request.body(()).unwrap().into_parts().0, body.as_bytes())
    }

    fn scope(service: &str) -> String {
        format!("AWS4-HMAC-SHA256 Credential=AK/20261121/us-east-1/{service}/aws4_request, Sig=x")
    }

    #[test]
    fn requests_are_known_by_their_signature_and_target() {
        let read = Request::post("/")
            .header("authorization", scope("dynamodb"))
            .header("x-amz-target", "DynamoDB_20120810.GetItem")
            .header("amz-sdk-invocation-id", "one");
        let read = call(read, r#"{"TableName":"t","ConsistentRead":true}"#);
        assert_eq!(
            (read.service, &*read.operation),
            (Service::DynamoDb, "GetItem")
        );
        assert_eq!((&*read.resource, &*read.request), ("t", "one"));
        assert!(read.is_json && read.is_consistent && !read.is_fifo());

        let write = Request::post("/")
            .header("authorization", scope("dynamodb"))
            .header("x-amz-target", "DynamoDB_20120810.TransactWriteItems");
        let items = r#"{"TransactItems":[{"Put":{"TableName":"t"}},{"Delete":{}}]}"#;
        assert_eq!(call(write, items).resource, "t");

        let send = Request::post("/")
            .header("authorization", scope("sqs"))
            .header("x-amz-target", "AmazonSQS.SendMessageBatch");
        let send = call(send, r#"{"QueueUrl":"http://h/1/events.fifo"}"#);
        assert_eq!(
            (send.service, &*send.resource),
            (Service::Sqs, "events.fifo")
        );
        assert!(send.is_fifo());

        let put = Request::put("/b/a%20b?x=1")
            .header("authorization", scope("s3"))
            .header("if-none-match", "*");
        let put = call(put, "");
        assert_eq!((put.service, &*put.operation), (Service::S3, "PUT"));
        assert_eq!(
            (&*put.resource, &*put.request),
            ("/b/a%20b", "PUT /b/a%20b?x=1")
        );
        assert!(put.is_conditional && !put.is_json);

        let list = Request::get("/b?list-type=2").header("authorization", scope("s3"));
        assert_eq!(call(list, "").operation, "LIST");
        let presigned = Request::get("/b/a?X-Amz-Credential=AK%2F20261121%2Fr%2Fs3%2Faws4_request");
        assert_eq!(call(presigned, "").service, Service::S3);
        assert_eq!(call(Request::get("/"), "").service, Service::Other);
    }
}
