//! When connectors are started, and when they are let go.

use std::time::Duration;

/// All connectors are let go when for so long nothing has needed one. Starting one takes a
/// minute or two: it should be worth it.
pub const IDLE: Duration = Duration::from_secs(15 * 60);
/// A connector that was started runs by then, or something is wrong with it.
pub const LATE: Duration = Duration::from_secs(5 * 60);

/// What the service that runs connectors says of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running {
    /// How many there should be.
    pub desired: u32,
    /// How many run.
    pub running: u32,
}

/// The state of the fleet, as far as it counts how long it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing needs a connector.
    Idle,
    /// Something needs one, and none runs.
    Awaited,
    /// Something needs one, and one runs.
    Served,
}

impl Phase {
    /// The phase in which the fleet is.
    #[must_use]
    pub const fn of(needed: bool, service: Running) -> Self {
        match (needed, service.running) {
            (false, _) => Self::Idle,
            (true, 0) => Self::Awaited,
            (true, _) => Self::Served,
        }
    }

    /// Its name in the registry.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Awaited => "awaited",
            Self::Served => "served",
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing. Between none and some, the number is not our business: a scaling policy may
    /// have it.
    Stay,
    /// So many are to be started.
    Start(u32),
    /// All are to be let go.
    Empty,
    /// People are to be told: one should run by now, and none does.
    Report,
}

/// What is to be done in a phase that has lasted for `lasted`. `least` is how many connectors
/// there are in a fleet that is not empty; 0 counts as 1.
#[must_use]
pub fn step(phase: Phase, lasted: Duration, service: Running, least: u32) -> Step {
    match phase {
        Phase::Idle if service.desired > 0 && lasted >= IDLE => Step::Empty,
        Phase::Idle => Step::Stay,
        // Also when the last one has not ended yet: it drains, and takes nothing on.
        Phase::Awaited | Phase::Served if service.desired == 0 => Step::Start(least.max(1)),
        Phase::Awaited if lasted >= LATE => Step::Report,
        Phase::Awaited | Phase::Served => Step::Stay,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGES: [Duration; 6] = [
        Duration::ZERO,
        Duration::from_secs(60),
        LATE,
        Duration::from_secs(IDLE.as_secs() - 1),
        IDLE,
        Duration::from_secs(86_400),
    ];

    fn decide(needed: bool, lasted: Duration, (desired, running): (u32, u32), least: u32) -> Step {
        let service = Running { desired, running };
        step(Phase::of(needed, service), lasted, service, least)
    }

    #[test]
    fn who_is_needed_is_never_let_go() {
        for lasted in AGES {
            for (desired, running) in [(1, 0), (1, 1), (0, 1), (0, 0), (5, 3), (3, 5)] {
                let step = decide(true, lasted, (desired, running), 1);
                assert_ne!(step, Step::Empty, "{desired} {running} {lasted:?}");
            }
        }
    }

    #[test]
    fn the_first_need_starts_as_many_as_there_should_be() {
        for (least, started) in [(0, 1), (1, 1), (3, 3)] {
            for lasted in AGES {
                assert_eq!(decide(true, lasted, (0, 0), least), Step::Start(started));
                // The last one still drains.
                assert_eq!(decide(true, lasted, (0, 1), least), Step::Start(started));
            }
        }
    }

    #[test]
    fn an_idle_fleet_is_let_go_after_a_while_and_once() {
        for lasted in AGES {
            let gone = if lasted >= IDLE {
                Step::Empty
            } else {
                Step::Stay
            };
            for at_first in [1, 7] {
                assert_eq!(decide(false, lasted, (at_first, at_first), 2), gone);
            }
            assert_eq!(decide(false, lasted, (0, 0), 2), Step::Stay);
            assert_eq!(decide(false, lasted, (0, 1), 2), Step::Stay);
        }
    }

    #[test]
    fn between_none_and_some_it_leaves_the_number_to_others() {
        // A policy has scaled out beyond `least`, or in below it.
        for lasted in AGES {
            for (desired, running) in [(9, 9), (9, 2), (1, 1), (1, 4)] {
                assert_eq!(decide(true, lasted, (desired, running), 2), Step::Stay);
            }
        }
    }

    #[test]
    fn a_start_that_takes_too_long_is_reported() {
        for lasted in AGES {
            let told = if lasted >= LATE {
                Step::Report
            } else {
                Step::Stay
            };
            assert_eq!(decide(true, lasted, (1, 0), 1), told);
        }
    }
}
