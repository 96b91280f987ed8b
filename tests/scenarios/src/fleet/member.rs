//! One connector of a fleet.

use std::time::{Duration, Instant};

use bad_aws::BadAws;
use reqwest::Client;
use serde::Deserialize;
use serde_json::Value;

use super::relay::Relay;
use crate::process::Pombal;
use crate::wait::{PATIENCE, eventually};
use crate::world::World;

/// What a drain may take at most: Fargate's 120 s, less what the process needs to end.
const DRAIN: Duration = Duration::from_secs(100);
/// Longest wait for what a connector says of itself.
const ANSWER: Duration = Duration::from_secs(2);

/// How many lines of its log a failed test shows.
const LAST_WORDS: usize = 100;

/// What a connector says of itself on `/healthz`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Report {
    /// Why it does not serve all that it owns. None: it does.
    pub reason: Option<String>,
    /// Shards that it owns.
    pub shards: usize,
    /// Those of them that it serves.
    pub serving: usize,
    /// Connections to WhatsApp that are open.
    pub open: usize,
    /// Shards that it has taken since it started.
    pub takeovers: u64,
    /// Shards that it has lost.
    pub losses: u64,
}

/// A running connector. Dropping it kills it.
pub struct Member {
    name: String,
    process: Pombal,
    health: String,
    client: Client,
    aws: Option<BadAws>,
    relay: Option<Relay>,
}

impl Member {
    /// Starts a connector called `name` and waits until it listens; with proxies between it and
    /// the world when it is `watched`.
    pub(super) async fn start(world: &World, name: &str, watched: bool) -> Self {
        let mut options = world.options.clone();
        let (mut aws, mut relay) = (None, None);
        if watched {
            let upstream = std::env::var("AWS_ENDPOINT_URL").unwrap();
            let proxy = aws.insert(BadAws::start(&upstream, 0).await.unwrap());
            options = options.env("AWS_ENDPOINT_URL", proxy.endpoint());
            let url = options.whatsapp_url.take().unwrap();
            let between = relay.insert(Relay::start(&url).await);
            options.whatsapp_url = Some(between.url().to_owned());
        }
        let process = world.connector(name, &options);
        let health = eventually(&format!("{name} listens"), PATIENCE, async || {
            let log = lines(&process.log());
            let address = log
                .iter()
                .find_map(|line| line["health.address"].as_str().map(str::to_owned));
            address.map(|address| format!("http://{address}/healthz"))
        })
        .await;
        Self {
            name: name.to_owned(),
            process,
            health,
            client: Client::builder()
                .no_proxy()
                .timeout(ANSWER)
                .build()
                .unwrap(),
            aws,
            relay,
        }
    }

    /// Its name, which is the beginning of its log's.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it says of itself; None when it does not answer.
    pub async fn report(&self) -> Option<Report> {
        let answer = self.client.get(&self.health).send().await.ok()?;
        answer.json().await.ok()
    }

    /// What is between it and its AWS.
    ///
    /// # Panics
    /// When it is not watched.
    #[must_use]
    pub fn aws(&self) -> &BadAws {
        self.aws.as_ref().unwrap()
    }

    /// What is between it and WhatsApp.
    ///
    /// # Panics
    /// When it is not watched.
    #[must_use]
    pub fn relay(&self) -> &Relay {
        self.relay.as_ref().unwrap()
    }

    /// The gaps of instances that it has told in its log so far.
    #[must_use]
    pub fn gaps_told(&self) -> Vec<Duration> {
        let told = lines(&self.process.log()).into_iter();
        told.filter_map(|line| line["gap_ms"].as_u64())
            .map(Duration::from_millis)
            .collect()
    }

    /// The last lines of its log, as they are.
    pub(super) fn last_words(&self) -> String {
        let log = self.process.log();
        let lines: Vec<&str> = log.lines().collect();
        let first = lines.len().saturating_sub(LAST_WORDS);
        lines[first..].join("\n")
    }

    /// SIGKILL.
    pub fn kill(self) {
        self.process.kill();
    }

    /// SIGSTOP: it sleeps, with all its sockets open.
    pub fn stop(&self) {
        self.process.signal("STOP");
    }

    /// SIGCONT: it goes on where it was.
    pub fn go_on(&self) {
        self.process.signal("CONT");
    }

    /// SIGTERM. Waits for the end and returns how long it took.
    ///
    /// # Panics
    /// When it does not end well within 100 s.
    pub async fn drain(self) -> Duration {
        let start = Instant::now();
        let ended = tokio::task::spawn_blocking(|| self.process.terminate_within(DRAIN));
        // What is between it and the world stays until it has ended.
        let (status, _) = ended.await.unwrap();
        assert!(status.success(), "{}: {status}", self.name);
        start.elapsed()
    }
}

fn lines(log: &str) -> Vec<Value> {
    let lines = log.lines().map(serde_json::from_str);
    lines.filter_map(Result::ok).collect()
}
