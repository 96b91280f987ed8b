//! The messages in the retry queue and in the dead-letter queue.

use std::time::Duration;

use pombal_domain::Event;
use pombal_domain::time::UnixMs;
use pombal_store::Queue;
use pombal_store::queue::Outgoing;
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::sink::Sink;

/// An event that waits for its next attempt, as it lies in the retry queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RetryLetter {
    /// The event.
    pub event: Event,
    /// Who is to get it.
    #[serde(default, skip_serializing_if = "Sink::is_instance")]
    pub sink: Sink,
    /// Attempts made so far.
    pub attempts: u32,
    /// Not to be tried before.
    pub due_at: UnixMs,
    /// Why the last attempt failed.
    pub error: String,
}

/// An event that was given up, or a message that can't be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
    /// Who should have got it.
    #[serde(default, skip_serializing_if = "Sink::is_instance")]
    pub sink: Sink,
    /// The message as it came, when no event can be read from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Attempts made.
    pub attempts: u32,
    /// Why it was given up.
    pub error: String,
    /// When it was given up.
    pub died_at: UnixMs,
}

impl RetryLetter {
    /// How long it is still too early.
    pub(super) fn early_by(&self) -> Duration {
        self.due_at.until(UnixMs::now())
    }

    /// Names it among all letters: sinks may wait for their attempts at one event at the same
    /// time.
    pub(super) fn id(&self) -> String {
        let (event, attempts) = (self.event.id, self.attempts);
        match self.sink {
            Sink::Instance => format!("{event}#{attempts}"),
            Sink::Global => format!("{event}#{attempts}#{}", self.sink.name()),
        }
    }
}

impl DeadLetter {
    /// A message that nobody can read.
    pub(super) fn unreadable(body: String, error: String) -> Self {
        Self {
            event: None,
            sink: Sink::default(),
            body: Some(body),
            attempts: 0,
            error,
            died_at: UnixMs::now(),
        }
    }

    /// Puts the letter into the dead-letter queue.
    pub(super) async fn post(&self, dead: &dyn Queue) -> Result<(), Error> {
        let body = serde_json::to_string(self).map_err(Error::Encode)?;
        let message = outgoing(body, Duration::ZERO);
        dead.send(&[message]).await.map_err(Error::Queue)
    }
}

/// A letter as it lies in a queue.
pub(super) fn outgoing(body: String, delay: Duration) -> Outgoing {
    Outgoing {
        body,
        group: None,
        dedup: None,
        delay,
    }
}

#[cfg(test)]
mod tests {
    use pombal_domain::{Epoch, EventId, EventName, InstanceId, InstanceName, Seq};
    use serde_json::{Value, json};

    use super::*;

    fn letter(sink: Sink) -> RetryLetter {
        let event = Event {
            id: EventId::from_uuid(uuid::Uuid::nil()),
            instance: InstanceId::random(),
            name: InstanceName::parse("b1").unwrap(),
            seq: Seq(1),
            epoch: Epoch(1),
            at: UnixMs(0),
            event: EventName::Call,
            data: Value::Null,
            sender: None,
            farewell: None,
            only_to: None,
            projection: None,
        };
        RetryLetter {
            event,
            sink,
            attempts: 3,
            due_at: UnixMs(7),
            error: "x".into(),
        }
    }

    #[test]
    fn a_letter_that_names_no_sink_is_the_instances() {
        let own = serde_json::to_value(letter(Sink::Instance)).unwrap();
        assert_eq!(own.get("sink"), None);
        let read: RetryLetter = serde_json::from_value(own).unwrap();
        assert_eq!(read.sink, Sink::Instance);
        let global = serde_json::to_value(letter(Sink::Global)).unwrap();
        assert_eq!(global["sink"], json!("global"));
        let read: RetryLetter = serde_json::from_value(global).unwrap();
        assert_eq!(read.sink, Sink::Global);
        let dead = json!({ "attempts": 1, "error": "x", "died_at": 0 });
        let read: DeadLetter = serde_json::from_value(dead).unwrap();
        assert_eq!(read.sink, Sink::Instance);
    }

    #[test]
    fn letters_of_two_sinks_have_two_ids() {
        let own = letter(Sink::Instance).id();
        assert_eq!(own, "00000000-0000-0000-0000-000000000000#3");
        assert_ne!(own, letter(Sink::Global).id());
    }
}
