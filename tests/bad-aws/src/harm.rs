//! One request, and what happens to it.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::Response;
use http::request::Parts;

use crate::answer::{Answer, Body, cut};
use crate::batch::{Refused, nothing_done};
use crate::call::Call;
use crate::fault::Fault;
use crate::log::{Entry, Log};
use crate::receives::{EMPTY_POLL, Receives, expire, nothing};
use crate::rule::{Rules, Strike};
use crate::shapes;
use crate::stale::Past;
use crate::upstream::Upstream;

/// What all connections of a proxy share.
pub(crate) struct Shared {
    upstream: Upstream,
    rules: Mutex<Rules>,
    log: Mutex<Log>,
    past: Mutex<Past>,
    receives: Mutex<Receives>,
}

/// What comes of a request.
enum Outcome {
    Answered(Answer),
    /// The connection ends in the middle of this.
    Broken(Answer),
    Cut,
    Silence,
}

impl Shared {
    pub(crate) fn new(upstream: Upstream, seed: u64) -> Self {
        Self {
            upstream,
            rules: Mutex::new(Rules::seeded(seed)),
            log: Mutex::default(),
            past: Mutex::default(),
            receives: Mutex::default(),
        }
    }

    pub(crate) fn rules(&self) -> MutexGuard<'_, Rules> {
        locked(&self.rules)
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        locked(&self.log)
    }

    /// Answers a request. An error ends the connection without an answer.
    pub(crate) async fn answer(&self, parts: Parts, body: Bytes) -> io::Result<Response<Body>> {
        let call = Call::of(&parts, &body);
        let strike = self.rules().strike(&call);
        let fault = strike.as_ref().map(|strike| strike.fault);
        self.log().0.push(Entry::new(&call, fault));
        let outcome = match strike {
            Some(strike) => self.harm(&parts, body, &call, &strike).await,
            None => self.pass(&parts, body, &call).await.map(Outcome::Answered),
        };
        match outcome {
            Ok(Outcome::Answered(answer)) => Ok(answer.into_response(&parts.method, false)),
            Ok(Outcome::Broken(answer)) => Ok(answer.into_response(&parts.method, true)),
            Ok(Outcome::Cut) => Err(cut()),
            // The HTTP server drops this when the client is gone.
            Ok(Outcome::Silence) => std::future::pending().await,
            Err(error) => {
                tracing::error!(%error, "AWS can't be reached");
                Err(cut())
            }
        }
    }

    /// As if the proxy were not there, but for what it owes: messages that come once more.
    async fn pass(&self, parts: &Parts, body: Bytes, call: &Call) -> reqwest::Result<Answer> {
        if call.operation == "ReceiveMessage" {
            let mut receives = locked(&self.receives);
            if let Some(owed) = receives.lost(call).or_else(|| receives.again(call)) {
                return Ok(owed);
            }
        }
        let answer = self.upstream.pass(parts, body).await?;
        locked(&self.past).note(call, &answer);
        Ok(answer)
    }

    async fn harm(
        &self,
        parts: &Parts,
        body: Bytes,
        call: &Call,
        strike: &Strike,
    ) -> reqwest::Result<Outcome> {
        let answer = match strike.fault {
            Fault::Throttled => shapes::throttled(call, strike.luck),
            Fault::Failed => shapes::failed(call),
            Fault::Unavailable => shapes::unavailable(call),
            Fault::Conflict => shapes::conflict(call),
            Fault::Cut => return Ok(Outcome::Cut),
            Fault::Swallowed => return Ok(Outcome::Silence),
            Fault::Late => {
                tokio::time::sleep(EMPTY_POLL).await;
                nothing()
            }
            Fault::Slow(by) => {
                let answer = self.pass(parts, body, call).await?;
                tokio::time::sleep(by).await;
                answer
            }
            Fault::Stale => self.stale(parts, body, call, strike).await?,
            Fault::Partial | Fault::PartialLost => self.part(parts, body, call, strike).await?,
            Fault::Twice | Fault::Expired => self.unsettle(parts, body, call, strike).await?,
            Fault::Lost | Fault::Withheld | Fault::BrokenOff => {
                let answer = self.pass(parts, body, call).await?;
                locked(&self.receives).note_lost(call, &answer);
                return Ok(match strike.fault {
                    Fault::Lost => Outcome::Cut,
                    Fault::Withheld => Outcome::Silence,
                    _ => Outcome::Broken(answer),
                });
            }
        };
        Ok(Outcome::Answered(answer))
    }

    async fn stale(
        &self,
        parts: &Parts,
        body: Bytes,
        call: &Call,
        strike: &Strike,
    ) -> reqwest::Result<Answer> {
        let before = locked(&self.past).recall(call);
        match before {
            Some(before) => Ok(before),
            None => {
                self.rules().give_back(strike);
                self.pass(parts, body, call).await
            }
        }
    }

    async fn part(
        &self,
        parts: &Parts,
        body: Bytes,
        call: &Call,
        strike: &Strike,
    ) -> reqwest::Result<Answer> {
        let Some(refused) = Refused::pick(call, strike.luck) else {
            self.rules().give_back(strike);
            return self.pass(parts, body, call).await;
        };
        let answer = if strike.fault == Fault::PartialLost {
            self.pass(parts, body, call).await?
        } else {
            match refused.rest(call) {
                Some(rest) => self.upstream.pass(parts, rest.to_string().into()).await?,
                None => nothing_done(),
            }
        };
        // An answer that is an error of its own stays what it is.
        if !answer.status.is_success() {
            self.rules().give_back(strike);
            return Ok(answer);
        }
        Ok(refused.refuse(answer))
    }

    /// Lets a receive happen, and takes away what the receiver relies on.
    async fn unsettle(
        &self,
        parts: &Parts,
        body: Bytes,
        call: &Call,
        strike: &Strike,
    ) -> reqwest::Result<Answer> {
        let answer = self.pass(parts, body, call).await?;
        let happened = if strike.fault == Fault::Twice {
            locked(&self.receives).repeat(call, &answer)
        } else {
            expire(&self.upstream, parts, call, &answer).await?
        };
        if !happened {
            self.rules().give_back(strike);
        }
        Ok(answer)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
