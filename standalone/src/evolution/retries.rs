//! `WEBHOOK_RETRY_*`: the original's way to say when webhooks are repeated.

use std::time::Duration;

use pombal_control_plane::delivery::Schedule;
use pombal_store::env::{self, BadVariable};

const ATTEMPTS: &str = "WEBHOOK_RETRY_MAX_ATTEMPTS";
const INITIAL: &str = "WEBHOOK_RETRY_INITIAL_DELAY_SECONDS";
const EXPONENTIAL: &str = "WEBHOOK_RETRY_USE_EXPONENTIAL_BACKOFF";
const LONGEST: &str = "WEBHOOK_RETRY_MAX_DELAY_SECONDS";
const JITTER: &str = "WEBHOOK_RETRY_JITTER_FACTOR";
const FINAL: &str = "WEBHOOK_RETRY_NON_RETRYABLE_STATUS_CODES";

/// More would be a slip of the pen.
const MOST_ATTEMPTS: u32 = 1000;

/// What the original does when a variable is not set but another one is (contract § 3.2).
const ORIGINAL: Retries = Retries {
    attempts: 10,
    initial_secs: 5,
    exponential: true,
    longest_secs: 300,
};

#[derive(Debug, Clone, Copy)]
struct Retries {
    attempts: u32,
    initial_secs: u64,
    exponential: bool,
    longest_secs: u64,
}

/// When webhooks are repeated: for more than three days, unless the environment says otherwise.
///
/// # Errors
/// When a variable can't be understood.
pub(crate) fn retries() -> Result<Schedule, BadVariable> {
    let mut schedule = Schedule::default();
    if any_set(&[ATTEMPTS, INITIAL, EXPONENTIAL, LONGEST])? {
        let attempts = env::at_least_one(ATTEMPTS, ORIGINAL.attempts)?;
        if attempts > MOST_ATTEMPTS {
            let problem = format!("must not be more than {MOST_ATTEMPTS}");
            return Err(BadVariable::new(ATTEMPTS, problem));
        }
        let retries = Retries {
            attempts,
            initial_secs: env::at_least_one(INITIAL, ORIGINAL.initial_secs)?,
            exponential: env::flag(EXPONENTIAL, ORIGINAL.exponential)?,
            longest_secs: env::at_least_one(LONGEST, ORIGINAL.longest_secs)?,
        };
        if retries.longest_secs < retries.initial_secs {
            let problem = format!("must not be less than {INITIAL}");
            return Err(BadVariable::new(LONGEST, problem));
        }
        schedule.delays = retries.delays();
    }
    schedule.jitter = jitter(schedule.jitter)?;
    if let Some(list) = env::text(FINAL)? {
        schedule.final_statuses = statuses(&list)?;
    }
    Ok(schedule)
}

fn any_set(variables: &[&'static str]) -> Result<bool, BadVariable> {
    for variable in variables {
        if env::text(variable)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Retries {
    /// The waits between attempts: 5, 10, 20… seconds, up to the longest.
    fn delays(self) -> Vec<Duration> {
        let waits = (0..self.attempts.saturating_sub(1)).map(|made| {
            let factor = match self.exponential {
                true => 2_u64.saturating_pow(made),
                false => 1,
            };
            let seconds = self.initial_secs.saturating_mul(factor);
            Duration::from_secs(seconds.min(self.longest_secs))
        });
        waits.collect()
    }
}

fn jitter(default: f64) -> Result<f64, BadVariable> {
    let jitter = env::parse(JITTER, default)?;
    if (0.0..=1.0).contains(&jitter) {
        Ok(jitter)
    } else {
        Err(BadVariable::new(JITTER, "must be between 0 and 1"))
    }
}

fn statuses(list: &str) -> Result<Vec<u16>, BadVariable> {
    let parse = |text: &str| {
        let status = text.trim().parse().ok();
        status.filter(|status| (300..600).contains(status))
    };
    let all: Option<Vec<u16>> = list.split(',').map(parse).collect();
    all.ok_or_else(|| BadVariable::new(FINAL, format!("{list:?} is no list of HTTP statuses")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(retries: Retries) -> Vec<u64> {
        retries.delays().iter().map(Duration::as_secs).collect()
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let doubled = [5, 10, 20, 40, 80, 160, 300, 300, 300];
        assert_eq!(seconds(ORIGINAL), doubled);
        let steady = Retries {
            attempts: 3,
            exponential: false,
            ..ORIGINAL
        };
        assert_eq!(seconds(steady), [5, 5]);
        let once = Retries {
            attempts: 1,
            ..ORIGINAL
        };
        assert!(seconds(once).is_empty());
    }

    #[test]
    fn statuses_are_a_list() {
        assert_eq!(statuses("400, 404,422").unwrap(), [400, 404, 422]);
        for bad in ["", "400;404", "4xx", "200", "700"] {
            assert_eq!(statuses(bad).unwrap_err().variable(), FINAL, "{bad}");
        }
    }
}
