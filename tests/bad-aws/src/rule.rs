//! When a fault happens.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::call::{Call, Service};
use crate::fault::Fault;

/// A fault, and the requests that it happens to. By itself: every request of the service that
/// it can happen to, always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    service: Service,
    fault: Fault,
    operation: Option<String>,
    part: Option<String>,
    skip: u64,
    times: u64,
    percent: u32,
}

impl Rule {
    /// `fault` for the requests to `service`.
    #[must_use]
    pub const fn on(service: Service, fault: Fault) -> Self {
        Self {
            service,
            fault,
            operation: None,
            part: None,
            skip: 0,
            times: u64::MAX,
            percent: 100,
        }
    }

    /// For this operation only: `UpdateItem`, `SendMessageBatch`; on S3 `PUT`, `GET`, `HEAD`,
    /// `POST`, `LIST`, `DELETE`.
    #[must_use]
    pub fn operation(mut self, operation: &str) -> Self {
        self.operation = Some(operation.to_owned());
        self
    }

    /// Only where the name of the table, queue or key, or the object's path, contains `part`.
    #[must_use]
    pub fn at(mut self, part: &str) -> Self {
        self.part = Some(part.to_owned());
        self
    }

    /// Not for the first so many of these requests.
    #[must_use]
    pub const fn after(mut self, skip: u64) -> Self {
        self.skip = skip;
        self
    }

    /// So many times at most.
    #[must_use]
    pub const fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// For so many of a hundred of these requests, by chance.
    #[must_use]
    pub const fn percent(mut self, percent: u32) -> Self {
        self.percent = percent;
        self
    }

    fn matches(&self, call: &Call) -> bool {
        let operation = self.operation.as_ref();
        let part = self.part.as_ref();
        self.service == call.service
            && operation.is_none_or(|operation| *operation == call.operation)
            && part.is_none_or(|part| call.resource.contains(part.as_str()))
            && self.fault.fits(call)
    }
}

/// How often a rule's fault has happened. A cheap clone.
#[derive(Clone)]
pub struct Happened {
    rule: Arc<Rule>,
    count: Arc<AtomicU64>,
}

impl Happened {
    /// So often, until now.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// The rule.
    #[must_use]
    pub fn rule(&self) -> &Rule {
        &self.rule
    }
}

impl fmt::Debug for Happened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} times: {:?}", self.count(), self.rule)
    }
}

/// A rule at work.
struct Active {
    happened: Happened,
    chance: StdRng,
    skip: u64,
    left: u64,
}

/// The rules at work, in the order in which they were added. The first that strikes wins.
pub(crate) struct Rules {
    active: Vec<Active>,
    seed: u64,
    added: u64,
}

impl Rules {
    pub(crate) const fn seeded(seed: u64) -> Self {
        Self {
            active: Vec::new(),
            seed,
            added: 0,
        }
    }

    pub(crate) fn add(&mut self, rule: Rule) -> Happened {
        self.added += 1;
        let happened = Happened {
            rule: Arc::new(rule),
            count: Arc::default(),
        };
        self.active.push(Active {
            happened: happened.clone(),
            chance: StdRng::seed_from_u64(self.seed.wrapping_add(self.added)),
            skip: happened.rule.skip,
            left: happened.rule.times,
        });
        happened
    }

    pub(crate) fn clear(&mut self) {
        self.active.clear();
    }

    /// The fault for this request, which counts as happened unless it is given back.
    pub(crate) fn strike(&mut self, call: &Call) -> Option<Strike> {
        for active in &mut self.active {
            let rule = &active.happened.rule;
            if active.left == 0 || !rule.matches(call) {
                continue;
            }
            if active.skip > 0 {
                active.skip -= 1;
                continue;
            }
            if active.chance.random_range(0..100) >= rule.percent {
                continue;
            }
            active.left = active.left.saturating_sub(1);
            active.happened.count.fetch_add(1, Ordering::SeqCst);
            return Some(Strike {
                fault: rule.fault,
                happened: active.happened.clone(),
                luck: active.chance.random(),
            });
        }
        None
    }

    /// It could not happen after all: there was nothing to receive, for example.
    pub(crate) fn give_back(&mut self, strike: &Strike) {
        strike.happened.count.fetch_sub(1, Ordering::SeqCst);
        let same = |active: &&mut Active| Arc::ptr_eq(&active.happened.rule, &strike.happened.rule);
        if let Some(active) = self.active.iter_mut().find(same) {
            active.left = active.left.saturating_add(1);
        }
    }
}

/// A fault that happens to one request.
#[derive(Debug)]
pub(crate) struct Strike {
    pub(crate) fault: Fault,
    happened: Happened,
    /// For what else is left to chance.
    pub(crate) luck: u64,
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn call(operation: &str) -> Call {
        let request = Request::post("/")
            .header("x-amz-target", format!("AmazonSQS.{operation}"))
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=k/20261121/r/sqs/aws4_request",
            )
            .body(())
            .unwrap();
        Call::of(&request.into_parts().0, br#"{"QueueUrl":"http://h/1/q"}"#)
    }

    /// Which of so many requests the rule strikes.
    fn struck(rules: &mut Rules, requests: u64) -> Vec<u64> {
        let call = call("SendMessageBatch");
        (0..requests)
            .filter(|_| rules.strike(&call).is_some())
            .collect()
    }

    #[test]
    fn a_rule_strikes_where_and_as_often_as_it_says() {
        let mut rules = Rules::seeded(1);
        let of_another = [
            Rule::on(Service::S3, Fault::Cut),
            Rule::on(Service::Sqs, Fault::Cut).operation("ReceiveMessage"),
            Rule::on(Service::Sqs, Fault::Cut).at("another"),
            // It can't happen to a send.
            Rule::on(Service::Sqs, Fault::Twice),
        ];
        let others: Vec<_> = of_another.map(|rule| rules.add(rule)).into();
        let rule = rules.add(Rule::on(Service::Sqs, Fault::Cut).at("q").after(2).times(3));
        assert_eq!(struck(&mut rules, 10), [2, 3, 4]);
        assert_eq!(rule.count(), 3);
        assert!(others.iter().all(|other| other.count() == 0));
    }

    #[test]
    fn chance_is_the_seeds() {
        let run = |seed| {
            let mut rules = Rules::seeded(seed);
            rules.add(Rule::on(Service::Sqs, Fault::Cut).percent(30));
            struck(&mut rules, 200)
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        assert!((30..90).contains(&run(7).len()), "{:?}", run(7));
    }

    #[test]
    fn what_could_not_happen_does_not_count() {
        let mut rules = Rules::seeded(1);
        let rule = rules.add(Rule::on(Service::Sqs, Fault::Cut).times(1));
        let strike = rules.strike(&call("SendMessageBatch")).unwrap();
        rules.give_back(&strike);
        assert_eq!(rule.count(), 0);
        assert_eq!(struck(&mut rules, 5), [0]);
        assert_eq!(rule.count(), 1);
    }
}
