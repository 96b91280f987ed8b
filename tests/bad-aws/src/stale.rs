//! Reads that lag behind.

use std::collections::HashMap;

use crate::answer::Answer;
use crate::call::{Call, Service};

/// What eventually consistent reads were answered first.
#[derive(Default)]
pub(crate) struct Past(HashMap<String, Answer>);

impl Past {
    /// What this very read was answered before.
    pub(crate) fn recall(&self, call: &Call) -> Option<Answer> {
        self.0.get(&key(call)).cloned()
    }

    /// Keeps the first answer to a read.
    pub(crate) fn note(&mut self, call: &Call, answer: &Answer) {
        let is_read = matches!(call.operation.as_str(), "GetItem" | "Query" | "Scan");
        let lags = call.service == Service::DynamoDb && is_read && !call.is_consistent;
        if lags && answer.status.is_success() {
            self.0.entry(key(call)).or_insert_with(|| answer.clone());
        }
    }
}

fn key(call: &Call) -> String {
    format!("{} {}", call.operation, call.body)
}
