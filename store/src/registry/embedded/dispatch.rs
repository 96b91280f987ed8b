//! From an operation's name and JSON body to the database's call, and back.

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Runs one operation: HTTP status and JSON body, errors in `DynamoDB`'s own shape. Blocks.
pub(super) fn dispatch(db: &Database, operation: &str, body: &[u8]) -> (u16, String) {
    match run(db, operation, body) {
        Ok(answer) => (200, answer),
        Err(error) => (error.status_code(), error.to_json()),
    }
}

/// The operations that the registry uses.
fn run(db: &Database, operation: &str, body: &[u8]) -> Result<String, DynoxideError> {
    match operation {
        "CreateTable" => call(body, |request| db.create_table(request)),
        "DescribeTable" => call(body, |request| db.describe_table(request)),
        "DescribeTimeToLive" => call(body, |request| db.describe_time_to_live(request)),
        "UpdateTimeToLive" => call(body, |request| db.update_time_to_live(request)),
        "DeleteItem" => call(body, |request| db.delete_item(request)),
        "GetItem" => call(body, |request| db.get_item(request)),
        "PutItem" => call(body, |request| db.put_item(request)),
        "Query" => call(body, |request| db.query(request)),
        "TransactWriteItems" => call(body, |request| db.transact_write_items(request)),
        "UpdateItem" => call(body, |request| db.update_item(request)),
        other => Err(DynoxideError::ValidationException(format!(
            "{other} is not wired up"
        ))),
    }
}

fn call<Request: DeserializeOwned, Answer: Serialize>(
    body: &[u8],
    operation: impl FnOnce(Request) -> Result<Answer, DynoxideError>,
) -> Result<String, DynoxideError> {
    let request = serde_json::from_slice(body)
        .map_err(|e| DynoxideError::SerializationException(e.to_string()))?;
    serde_json::to_string(&operation(request)?)
        .map_err(|e| DynoxideError::InternalServerError(e.to_string()))
}
