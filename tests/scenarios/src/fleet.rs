//! Several connectors of one deployment, which die, sleep, are cut off and come back.

mod member;
mod relay;

use std::time::Duration;

use futures::future::join_all;

pub use member::{Member, Report};
pub use relay::Relay;

use crate::aws::Stack;
use crate::wait::eventually;
use crate::world::World;

/// How long shards may take to find their owners. A lease, a handover per shard, and a machine
/// that has other things to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// How a fleet is set up.
#[derive(Debug, Clone)]
pub struct FleetOptions {
    /// How many connectors there are at the start.
    pub size: usize,
    /// How many shards they share: 4 or 16.
    pub shards: usize,
    /// More environment of each connector.
    pub env: Vec<(String, String)>,
    /// Whether each has a proxy of its own between it and AWS, and another between it and
    /// WhatsApp.
    pub watched: bool,
}

impl FleetOptions {
    /// So many connectors and four shards, with nothing between them and the world.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self {
            size,
            shards: 4,
            env: Vec::new(),
            watched: false,
        }
    }

    /// With so many shards.
    #[must_use]
    pub fn shards(mut self, shards: usize) -> Self {
        self.shards = shards;
        self
    }

    /// With proxies.
    #[must_use]
    pub fn watched(mut self) -> Self {
        self.watched = true;
        self
    }

    /// With one more environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A world with any number of connectors.
pub struct Fleet {
    /// The world. It has no connector of its own.
    pub world: World,
    /// The connectors that run, in the order of their starts.
    pub members: Vec<Member>,
    options: FleetOptions,
    started: usize,
}

impl Fleet {
    /// Deploys, starts the connectors, and waits until they have shared out the shards.
    pub async fn start(options: FleetOptions) -> Self {
        let shards = options.shards.to_string();
        let stack = Stack::create("fleet", &[("Shards", &shards)]).await;
        let world = World::without_connector(stack, |mut connector| {
            connector.env.extend(options.env.iter().cloned());
            connector
        })
        .await;
        let mut fleet = Self {
            world,
            members: Vec::new(),
            options,
            started: 0,
        };
        for _ in 0..fleet.options.size {
            fleet.add().await;
        }
        fleet.settle().await;
        fleet
    }

    /// How many shards they share.
    #[must_use]
    pub fn shards(&self) -> u64 {
        self.options.shards as u64
    }

    /// Starts one more connector. It joins by itself; nobody waits for that here.
    pub async fn add(&mut self) {
        self.started += 1;
        let name = format!("connector-{}", self.started);
        let member = Member::start(&self.world, &name, self.options.watched).await;
        self.members.push(member);
    }

    /// Takes the connector at `index` out of the list: it is about to end.
    pub fn take(&mut self, index: usize) -> Member {
        self.members.remove(index)
    }

    /// The index of the connector that holds most sockets.
    ///
    /// # Panics
    /// When there is no connector.
    pub async fn busiest(&self) -> usize {
        let open = |report: Option<Report>| report.map_or(0, |report| report.open);
        let reports = self.reports().await.into_iter().map(open).enumerate();
        reports.max_by_key(|(_, open)| *open).unwrap().0
    }

    /// What each connector says of itself.
    pub async fn reports(&self) -> Vec<Option<Report>> {
        join_all(self.members.iter().map(Member::report)).await
    }

    /// Waits until every shard is served, in fair shares of all connectors.
    pub async fn settle(&self) {
        self.settle_among("all", |_| true).await;
    }

    /// The same, of those of the connectors that `among` says; the others have none.
    pub async fn settle_among(&self, who: &str, among: impl Fn(&Member) -> bool) {
        let members: Vec<_> = self.members.iter().filter(|it| among(it)).collect();
        let what = format!("{} connectors ({who}) share the shards", members.len());
        let fair = self.options.shards / members.len();
        eventually(&what, PATIENCE, async || {
            let reports = join_all(members.iter().map(|member| member.report())).await;
            let reports: Option<Vec<_>> = reports.into_iter().collect();
            let reports = reports?;
            let serving: usize = reports.iter().map(|report| report.serving).sum();
            let well = reports.iter().all(|report| {
                report.reason.is_none() && (fair..=fair + 1).contains(&report.serving)
            });
            (well && serving == self.options.shards).then_some(())
        })
        .await;
    }
}

/// What the connectors had to say is the first thing that somebody wants to know.
impl Drop for Fleet {
    #[expect(clippy::print_stderr, reason = "a failed test says why")]
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for member in &self.members {
            eprintln!("--- {} ---\n{}", member.name(), member.last_words());
        }
    }
}
