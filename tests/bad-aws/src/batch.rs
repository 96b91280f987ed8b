//! Batches of SQS that fail in part.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::call::Call;
use crate::shapes::refused_entry;

/// One entry of a batch that is to be refused.
pub(crate) struct Refused {
    at: usize,
    id: Value,
}

impl Refused {
    /// One of the entries, by `luck`. `None`: there is none.
    pub(crate) fn pick(call: &Call, luck: u64) -> Option<Self> {
        let entries = call.body["Entries"].as_array()?;
        let count = u64::try_from(entries.len()).ok().filter(|n| *n > 0)?;
        let at = usize::try_from(luck % count).ok()?;
        let id = entries[at]["Id"].clone();
        Some(Self { at, id })
    }

    /// The request without the entry; `None` when nothing is left of it.
    pub(crate) fn rest(&self, call: &Call) -> Option<Value> {
        let mut body = call.body.clone();
        let entries = body["Entries"].as_array_mut()?;
        entries.remove(self.at);
        (!entries.is_empty()).then_some(body)
    }

    /// The answer, with the entry among those that were refused.
    pub(crate) fn refuse(&self, answer: Answer) -> Answer {
        let mut body = answer.json();
        if let Some(done) = body["Successful"].as_array_mut() {
            done.retain(|entry| entry["Id"] != self.id);
        }
        match body["Failed"].as_array_mut() {
            Some(failed) => failed.push(refused_entry(&self.id)),
            None => body["Failed"] = json!([refused_entry(&self.id)]),
        }
        answer.carrying(&body)
    }
}

/// The answer to a batch of which nothing was passed on.
pub(crate) fn nothing_done() -> Answer {
    let body = json!({ "Successful": [], "Failed": [] });
    Answer::new(200, "application/x-amz-json-1.0", body.to_string())
}
