//! The operator's webhook, which hears of every instance (contract § 3.2).

use pombal_domain::EventName;
use pombal_store::Egress;

/// The operator's webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlobalWebhook {
    /// Where events are posted.
    pub url: String,
    /// Post to `<url>/<event-name>` instead of `<url>`.
    pub by_events: bool,
    /// The events that it wants.
    pub events: Vec<EventName>,
}

/// The operator's webhook, and the client that reaches it.
#[derive(Debug, Clone)]
pub struct GlobalSink {
    /// Where, and what.
    pub webhook: GlobalWebhook,
    /// A client of its own: the operator may have a receiver in a private network, where tenants
    /// may not send requests to.
    pub egress: Egress,
}

impl GlobalWebhook {
    /// The URL that `event` is posted to; `None` when it is not wanted.
    pub(super) fn target(&self, event: EventName) -> Option<String> {
        if EventName::NEVER_GLOBAL.contains(&event) || !self.events.contains(&event) {
            return None;
        }
        Some(if self.by_events {
            event.below(&self.url)
        } else {
            self.url.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_wanted_or_never_global_has_no_target() {
        let mut events = vec![EventName::GroupUpdate, EventName::SendMessageUpdate];
        events.extend(EventName::NEVER_GLOBAL);
        let mut global = GlobalWebhook {
            url: "http://x/y/".into(),
            by_events: false,
            events,
        };
        let target = |global: &GlobalWebhook, event| global.target(event);
        assert_eq!(
            target(&global, EventName::GroupUpdate).as_deref(),
            Some("http://x/y/")
        );
        assert_eq!(target(&global, EventName::Call), None);
        for never in EventName::NEVER_GLOBAL {
            assert_eq!(target(&global, never), None);
        }
        global.by_events = true;
        assert_eq!(
            target(&global, EventName::SendMessageUpdate).as_deref(),
            Some("http://x/y/send-message-update")
        );
    }
}
