//! The stages of a delivery as types, one function per arrow:
//! `Pending → Attempt → Delivered | Failed | Dead`.

use std::time::{Duration, Instant};

use bytes::Bytes;
use pombal_domain::Event;
use pombal_domain::time::UnixMs;
use pombal_store::{Egress, Queue};

use super::error::Error;
use super::failure::Failure;
use super::letters::{DeadLetter, RetryLetter};
use super::schedule::Schedule;
use super::sink::Sink;
use super::target::Target;
use super::waiting::Waiting;
use pombal_domain::Chain;

/// An event that is to be posted now.
pub(super) struct Pending {
    pub(super) event: Event,
    pub(super) sink: Sink,
    /// Attempts made before.
    pub(super) attempts: u32,
}

/// An event with the result of its latest attempt.
pub(super) struct Attempt {
    event: Event,
    sink: Sink,
    attempts: u32,
    result: Result<(), Failure>,
    took: Duration,
}

/// What an attempt leads to.
pub(super) enum Outcome {
    Delivered,
    Failed(Failed),
    Dead(Dead),
}

/// An event that will be tried again.
pub(super) struct Failed(RetryLetter);

/// An event that is given up.
pub(super) struct Dead(DeadLetter);

impl Pending {
    /// Posts the event once.
    pub(super) async fn attempt(
        self,
        target: &Target,
        egress: &Egress,
        body: Bytes,
        timeout: Duration,
    ) -> Attempt {
        let started = Instant::now();
        let headers = target.headers(&self.event, UnixMs::now());
        let result = match target.url() {
            Ok(url) => match egress.post_json(&url, &headers, body, timeout).await {
                Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
                Ok(answer) => Err(Failure::Status {
                    status: answer.status,
                    retry_after: answer.retry_after,
                }),
                Err(error) => Err(error.into()),
            },
            Err(failure) => Err(failure),
        };
        let attempt = Attempt {
            attempts: self.attempts + 1,
            event: self.event,
            sink: self.sink,
            result,
            took: started.elapsed(),
        };
        attempt.log();
        attempt
    }

    /// Leaves the endpoint alone for now.
    pub(super) fn postpone(self) -> Attempt {
        Attempt {
            attempts: self.attempts,
            event: self.event,
            sink: self.sink,
            result: Err(Failure::Stalled),
            took: Duration::ZERO,
        }
    }
}

impl Attempt {
    /// Whether the endpoint let it time out.
    pub(super) fn timed_out(&self) -> bool {
        matches!(self.result, Err(Failure::TimedOut))
    }

    /// How long it took.
    pub(super) fn took(&self) -> Duration {
        self.took
    }

    /// What follows. `luck` from -1 to 1 places the wait within the jitter.
    pub(super) fn conclude(self, schedule: &Schedule, luck: f64, now: UnixMs) -> Outcome {
        let Self {
            event,
            sink,
            attempts,
            result,
            ..
        } = self;
        let Err(failure) = result else {
            return Outcome::Delivered;
        };
        let error = Chain(&failure).to_string();
        match schedule.wait(attempts, &failure, luck) {
            Some(wait) => Outcome::Failed(Failed(RetryLetter {
                event,
                sink,
                attempts,
                due_at: now.plus(wait),
                error,
            })),
            None => Outcome::Dead(Dead(DeadLetter {
                event: Some(event),
                sink,
                body: None,
                attempts,
                error,
                died_at: now,
            })),
        }
    }

    fn log(&self) {
        let duration_ms = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX);
        let event = &self.event;
        match &self.result {
            Ok(()) => tracing::debug!(
                instance.id = %event.instance,
                event.id = %event.id,
                event.name = %event.event,
                delivery.sink = self.sink.name(),
                delivery.attempt = self.attempts,
                duration_ms,
                "delivered"
            ),
            Err(failure) => tracing::info!(
                instance.id = %event.instance,
                event.id = %event.id,
                event.name = %event.event,
                delivery.sink = self.sink.name(),
                delivery.attempt = self.attempts,
                duration_ms,
                error = %Chain(failure),
                "delivery attempt failed"
            ),
        }
    }
}

impl Failed {
    /// Makes the next attempt durable.
    pub(super) async fn schedule(self, waiting: &Waiting) -> Result<(), Error> {
        waiting.post(&self.0).await
    }
}

impl Dead {
    /// Puts the event where people find it.
    pub(super) async fn bury(self, dead: &dyn Queue) -> Result<(), Error> {
        tracing::warn!(
            event.id = self.0.event.as_ref().map(|e| e.id.to_string()),
            delivery.sink = self.0.sink.name(),
            delivery.attempts = self.0.attempts,
            error = %self.0.error,
            "event given up"
        );
        self.0.post(dead).await
    }
}

#[cfg(test)]
mod tests {
    use pombal_domain::{Epoch, EventId, EventName, InstanceId, InstanceName, Seq};

    use super::*;

    fn attempt(attempts: u32, result: Result<(), Failure>) -> Attempt {
        let event = Event {
            id: EventId::from_uuid(uuid::Uuid::nil()),
            instance: InstanceId::random(),
            name: InstanceName::parse("b1").unwrap(),
            seq: Seq(1),
            epoch: Epoch(1),
            at: UnixMs(0),
            event: EventName::Call,
            data: serde_json::Value::Null,
            sender: None,
            farewell: None,
            only_to: None,
            projection: None,
        };
        Attempt {
            event,
            sink: Sink::Global,
            attempts,
            result,
            took: Duration::ZERO,
        }
    }

    #[test]
    fn attempts_end_as_delivered_failed_or_dead() {
        let schedule = Schedule::default();
        let status = |status| Failure::Status {
            status,
            retry_after: None,
        };
        let conclude = |attempt: Attempt| attempt.conclude(&schedule, 0.0, UnixMs(1000));
        assert!(matches!(conclude(attempt(1, Ok(()))), Outcome::Delivered));
        let Outcome::Failed(Failed(letter)) = conclude(attempt(2, Err(status(302)))) else {
            panic!("not failed");
        };
        assert_eq!((letter.attempts, letter.due_at), (2, UnixMs(31_000)));
        assert_eq!(letter.sink, Sink::Global);
        for (attempts, failure) in [(1, status(410)), (12, status(500)), (12, Failure::TimedOut)] {
            let Outcome::Dead(Dead(letter)) = conclude(attempt(attempts, Err(failure))) else {
                panic!("not dead");
            };
            assert_eq!((letter.attempts, letter.died_at), (attempts, UnixMs(1000)));
            assert_eq!(letter.sink, Sink::Global);
        }
    }
}
