//! A renewal that is written again, after later ones. A search finds it too deep down, so it is
//! told step by step.

use super::config::{Config, times};
use super::registry::Renewal;
use super::rounds::CutOff;
use super::steps::Step;
use super::world::{ROBBED, World};

struct Story {
    config: Config,
    world: World,
}

impl Story {
    fn take(&mut self, step: Step) {
        self.world.take(&self.config, step);
    }

    /// The owner sends a renewal.
    fn send(&mut self) -> Renewal {
        self.take(Step::Renew(0));
        let sent = self.world.post.iter().max_by_key(|sent| sent.number);
        *sent.expect("it is on its way")
    }

    /// Then the owner is told that it is done, and the other looks.
    fn go_on(&mut self) {
        self.take(Step::Answer(0));
        self.look();
    }

    fn look(&mut self) {
        self.world.turn(&self.config, 1, CutOff::default());
    }
}

/// The owner renews in time, always. One of its renewals is written again after each later one.
fn told(renewals_in_order: bool) -> World {
    let config = Config {
        faults: 3,
        renewals_in_order,
        ..Config::new(2, 1, times(1, 2, 3))
    };
    let mut world = World::new(&config);
    world.calm(&config, 4);
    let mut story = Story { config, world };
    story.take(Step::TickAll);
    let late = story.send();
    story.take(Step::Repeat(late));
    story.go_on();
    for _ in 0..2 {
        story.take(Step::TickAll);
        let next = story.send();
        story.take(Step::Deliver(next));
        story.take(Step::Repeat(late));
        story.go_on();
    }
    story.take(Step::TickAll);
    story.look();
    story.world
}

#[test]
fn renewals_written_over_later_ones_break_it() {
    assert_eq!(told(false).violation, Some(ROBBED));
}

#[test]
fn renewals_in_order_are_renewals() {
    let world = told(true);
    assert_eq!((world.violation, world.robbed), (None, 0));
    let owner = world.registry.shards[0].owner;
    assert_eq!(owner, Some(super::registry::id(0)));
}
