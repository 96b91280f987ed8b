//! GraphQL requests. This server has no channels; the rest is told as WhatsApp tells it.
//!
//! Shapes: `wacore/src/iq/mex.rs` and `wacore/src/iq/mex_operations.rs`.

use serde_json::{Value, json};
use wacore::iq::mex_operations::{
    fetch_all_newsletters_metadata, fetch_newsletter, fetch_reachout_timelock, join_newsletter,
    leave_newsletter,
};
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};

use crate::addr::Addr;
use crate::iq::Answer;
use crate::nodes::attr;
use crate::world::World;

/// Code and text of an error inside a GraphQL answer.
const NOT_FOUND: (i32, &str) = (404, "Not Found");
const NOT_ALLOWED: (i32, &str) = (403, "Not Authorized");

impl World {
    pub(crate) fn iq_mex(&mut self, addr: &Addr, node: &NodeRef<'_>) -> Answer {
        let Some(query) = node.get_optional_child("query") else {
            return Answer::Error(400, "bad-request");
        };
        let id = attr(query, "query_id").unwrap_or_default();
        let variables: Option<Value> = query
            .content_bytes()
            .and_then(|bytes| serde_json::from_slice(bytes).ok());
        if variables.is_none_or(|body| body.get("variables").is_none()) {
            return Answer::Error(400, "bad-request");
        }
        self.seen
            .add("mex", Some(addr), json!({"query_id": id.as_str()}));
        Answer::one(result(&answer(&id)))
    }
}

fn answer(query_id: &str) -> Value {
    match query_id {
        fetch_reachout_timelock::DOC_ID => {
            json!({"data": {"xwa2_fetch_account_reachout_timelock": {"is_active": false}}})
        }
        fetch_all_newsletters_metadata::DOC_ID => {
            json!({"data": {"xwa2_newsletter_subscribed": []}})
        }
        fetch_newsletter::DOC_ID | join_newsletter::DOC_ID | leave_newsletter::DOC_ID => {
            failed(NOT_FOUND)
        }
        _ => failed(NOT_ALLOWED),
    }
}

fn failed((code, text): (i32, &str)) -> Value {
    let extensions = json!({
        "error_code": code, "is_summary": true, "is_retryable": false, "severity": "CRITICAL",
    });
    json!({"data": null, "errors": [{"message": text, "extensions": extensions}]})
}

fn result(body: &Value) -> Node {
    NodeBuilder::new("result")
        .bytes(body.to_string().into_bytes())
        .build()
}
