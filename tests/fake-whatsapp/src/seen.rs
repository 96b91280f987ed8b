//! What the server saw, for tests to look at: a bounded log, and the broken rules.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::addr::Addr;
use crate::time::now_ms;

/// Old entries fall out beyond this many.
const CAPACITY: usize = 200_000;
/// Repeats of one kind beyond this many are counted, not stored.
const MAX_VIOLATIONS: usize = 10_000;

/// One entry of the log.
#[derive(Clone, Debug, Serialize)]
pub struct SeenItem {
    /// Position in the log.
    pub n: u64,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// What happened.
    pub kind: &'static str,
    /// The account, when known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The companion device, when known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<u16>,
    /// Everything else, by kind.
    #[serde(flatten)]
    pub details: Map<String, Value>,
}

/// Answer to a look at the log.
#[derive(Clone, Debug, Serialize)]
pub struct SeenPage {
    /// Pass this as `after` to go on.
    pub next: u64,
    /// Matching entries.
    pub items: Vec<SeenItem>,
}

/// A rule that a client broke.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Violation {
    /// Position in the list.
    pub n: u64,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// Which rule.
    pub kind: String,
    /// Who, and what.
    pub detail: String,
}

/// The log.
#[derive(Default)]
pub(crate) struct Seen {
    items: VecDeque<SeenItem>,
    last: u64,
    pub(crate) violations: Vec<Violation>,
}

impl Seen {
    /// Adds an entry. `details` must be a JSON object.
    pub(crate) fn add(&mut self, kind: &'static str, who: Option<&Addr>, details: Value) {
        self.last += 1;
        let details = match details {
            Value::Object(map) => map,
            Value::Null => Map::new(),
            other => Map::from_iter([("detail".to_owned(), other)]),
        };
        self.items.push_back(SeenItem {
            n: self.last,
            at_ms: now_ms(),
            kind,
            phone: who.map(|who| who.phone.clone()),
            device: who.map(|who| who.device),
            details,
        });
        if self.items.len() > CAPACITY {
            self.items.pop_front();
        }
    }

    /// Entries after `after` that match.
    pub(crate) fn page(&self, phone: Option<&str>, kind: Option<&str>, after: u64) -> SeenPage {
        let first = self.items.front().map_or(0, |item| item.n);
        let skip = usize::try_from((after + 1).saturating_sub(first)).unwrap_or(usize::MAX);
        let items = self
            .items
            .iter()
            .skip(skip)
            .filter(|item| phone.is_none_or(|phone| item.phone.as_deref() == Some(phone)))
            .filter(|item| kind.is_none_or(|kind| item.kind == kind))
            .cloned()
            .collect();
        SeenPage {
            next: self.last,
            items,
        }
    }

    /// Notes a broken rule. `None` when the list is full.
    pub(crate) fn violation(&mut self, kind: &str, detail: String) -> Option<Violation> {
        tracing::warn!(kind, detail, "a client broke a rule");
        if self.violations.len() >= MAX_VIOLATIONS {
            return None;
        }
        let n = self.violations.len() as u64 + 1;
        let violation = Violation {
            n,
            at_ms: now_ms(),
            kind: kind.to_owned(),
            detail,
        };
        self.violations.push(violation.clone());
        Some(violation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pages_filter_and_continue() {
        let mut seen = Seen::default();
        let ana = Addr::new("55", 1);
        seen.add("dial", None, json!({}));
        seen.add("login", Some(&ana), json!({"pattern": "IK"}));
        let page = seen.page(None, None, 0);
        assert_eq!((page.next, page.items.len()), (2, 2));
        let page = seen.page(Some("55"), Some("login"), 0);
        assert_eq!(page.items[0].details["pattern"], "IK");
        assert!(seen.page(None, None, 2).items.is_empty());
        seen.add("close", Some(&ana), json!({}));
        assert_eq!(seen.page(None, None, 2).items[0].kind, "close");
    }
}
