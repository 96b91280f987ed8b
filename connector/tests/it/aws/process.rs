//! The binary, as a container runs it.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use pombal_connector::Report;

use super::place::Place;

const SHARDS: u16 = 3;
const PATIENCE: Duration = Duration::from_secs(60);

fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pombal-connector"));
    // A demo build dials nothing but loopback.
    command.env("POMBAL_WHATSAPP_URL", "ws://127.0.0.1:9/ws/chat");
    command
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> SocketAddr {
    let any = (Ipv4Addr::LOCALHOST, 0);
    TcpListener::bind(any).unwrap().local_addr().unwrap()
}

/// What `/healthz` of a connector says; none while nobody listens.
pub(super) async fn healthy(address: SocketAddr) -> Option<(u16, Report)> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{address}/healthz");
    let answer = client.get(url).send().await.ok()?;
    Some((answer.status().as_u16(), answer.json().await.unwrap()))
}

/// A running connector. Killed when dropped.
struct Process {
    child: Child,
    health: SocketAddr,
}

impl Process {
    fn start(place: &Place) -> Self {
        let health = free_port();
        let child = binary()
            .envs(place.environment())
            .env("POMBAL_HEALTH_LISTEN", health.to_string())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self { child, health }
    }

    async fn serving(&mut self) -> Report {
        let end = Instant::now() + PATIENCE;
        loop {
            match healthy(self.health).await {
                Some((200, report)) => return report,
                other => {
                    let ended = self.child.try_wait().unwrap();
                    assert!(ended.is_none(), "{ended:?}: {}", self.log());
                    assert!(Instant::now() < end, "not serving: {other:?}");
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The subcommand that containers ask with.
    fn ask(&self, args: &[&str]) -> Output {
        let listen = self.health.to_string();
        let mut command = binary();
        command.arg("health").args(args);
        command.env("POMBAL_HEALTH_LISTEN", listen);
        command.output().unwrap()
    }

    fn terminate(&mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(sent.success());
        self.child.wait().unwrap()
    }

    /// Everything it wrote. It must have ended.
    fn log(&mut self) -> String {
        let mut log = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut log).unwrap();
        }
        log
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn it_serves_tells_how_it_is_and_ends_when_told() {
    let place = Place::make(SHARDS).await;
    let mut process = Process::start(&place);
    let report = process.serving().await;
    let shards = usize::from(SHARDS);
    assert_eq!((report.shards, report.serving), (shards, shards));
    assert_eq!((report.instances, report.open), (0, 0));
    assert!(process.ask(&[]).status.success());
    assert!(process.ask(&["--alive"]).status.success());

    let status = process.terminate();
    let log = process.log();
    assert!(status.success(), "{status}: {log}");
    for line in log.lines() {
        let _: serde_json::Value = serde_json::from_str(line).unwrap();
    }
    assert!(log.contains("draining") && log.contains("stopped"), "{log}");
    // Nobody answers any more.
    for args in [&[][..], &["--alive"]] {
        let asked = process.ask(args);
        assert_eq!(asked.status.code(), Some(1));
        let said = String::from_utf8(asked.stderr).unwrap();
        assert!(said.contains("does not answer"), "{said}");
    }

    // What it has released, another takes.
    Process::start(&place).serving().await;
}

#[tokio::test]
async fn a_variable_that_cannot_be_used_is_named() {
    let place = Place::make(0).await;
    let good: Vec<_> = place.environment();
    for (name, bad) in [
        ("POMBAL_TABLE", None),
        ("POMBAL_QUEUES", None),
        ("POMBAL_QUEUES", Some("pombal-")),
        ("POMBAL_SHARDS", Some("0")),
        ("POMBAL_SHARDS", Some("many")),
        ("POMBAL_KMS_KEY", None),
        ("POMBAL_SESSIONS_BUCKET", None),
        ("POMBAL_MEDIA_BUCKET", None),
        ("POMBAL_WHATSAPP_URL", Some("ws://10.0.0.1/")),
        ("LOGINS_PER_SECOND", Some("0")),
        ("SESSION_COMMIT_INTERVAL_MS", Some("soon")),
        ("QRCODE_COLOR", Some("green")),
    ] {
        let mut command = binary();
        command.envs(good.iter().map(|(name, value)| (name, value)));
        command.env("POMBAL_SHARDS", "1").env_remove(name);
        command.envs(bad.map(|value| (name, value)));
        command.env("POMBAL_HEALTH_LISTEN", free_port().to_string());
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{name} {bad:?}: {said}");
        assert!(said.contains(name), "{name} {bad:?}: {said}");
    }
}
