//! The image, started as the task definition does it. `cargo xtask image` builds it first.

use std::net::SocketAddr;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use pombal_costs::assumed::TASK_GB;
use serde_json::Value;

use super::place::Place;
use super::process::{free_port, healthy};

const SHARDS: u16 = 3;
const PATIENCE: Duration = Duration::from_secs(60);
/// As long as Fargate waits after SIGTERM.
const STOP_SECONDS: &str = "120";
/// The user of the image: nobody.
const USER: &str = "65532";

fn podman(args: &[&str]) -> Output {
    Command::new("podman").args(args).output().unwrap()
}

/// What podman prints when all is well.
fn told(args: &[&str]) -> String {
    let output = podman(args);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "podman {args:?}: {errors}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A container, removed when dropped.
struct Container(String);

impl Container {
    /// Made but not started: read-only, without privileges, with the task's memory.
    fn create(place: &Place, health: SocketAddr) -> Self {
        let image = std::env::var("POMBAL_CONNECTOR_IMAGE")
            .expect("POMBAL_CONNECTOR_IMAGE is not set: run `cargo xtask image`");
        let memory = format!("--memory={}m", TASK_GB * 1024.0);
        let mut command = Command::new("podman");
        command
            .args(["create", "--network=host", "--read-only"])
            .args(["--read-only-tmpfs=false", "--cap-drop=ALL"])
            .args(["--security-opt=no-new-privileges", &memory])
            // The defaults are beyond what a container within a container may have.
            .args(["--ulimit=nofile=20000:20000", "--ulimit=nproc=20000:20000"]);
        let health = ("POMBAL_HEALTH_LISTEN", health.to_string());
        for (name, value) in place.environment().into_iter().chain([health]) {
            command.arg("--env").arg(format!("{name}={value}"));
        }
        for name in [
            "AWS_ENDPOINT_URL",
            "AWS_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_EC2_METADATA_DISABLED",
        ] {
            // With the value of this process.
            command.args(["--env", name]);
        }
        let output = command.arg(image).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        Self(String::from_utf8(output.stdout).unwrap().trim().to_owned())
    }

    fn inspect(&self, format: &str) -> String {
        told(&["inspect", "--format", format, &self.0])
    }

    /// Files that differ from the image's.
    fn changed(&self) -> Vec<String> {
        let mut all: Vec<_> = told(&["diff", &self.0])
            .lines()
            .map(str::to_owned)
            .collect();
        all.sort();
        all
    }

    fn log(&self) -> String {
        String::from_utf8(podman(&["logs", &self.0]).stderr).unwrap()
    }

    /// Its process, as the kernel sees it from outside: lines of `/proc/<pid>/status`.
    fn process(&self, line: &str) -> String {
        let pid = self.inspect("{{.State.Pid}}");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|it| it.strip_prefix(line)).unwrap();
        line.trim().to_owned()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        podman(&["rm", "--force", "--time=0", &self.0]);
    }
}

#[tokio::test]
#[ignore = "needs an image: cargo xtask image"]
async fn it_serves_from_an_image_of_nothing_else() {
    let place = Place::make(SHARDS).await;
    let health = free_port();
    let container = Container::create(&place, health);
    // Podman itself writes the user's name into the container before the start.
    told(&["init", &container.0]);
    let files = container.changed();
    told(&["start", &container.0]);
    let end = Instant::now() + PATIENCE;
    while !matches!(healthy(health).await, Some((200, _))) {
        let state = container.inspect("{{.State.Status}}");
        assert_eq!(state, "running", "{}", container.log());
        assert!(Instant::now() < end, "not serving: {}", container.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let users = [USER; 4].join("\t");
    assert_eq!(container.process("Uid:"), users);
    assert_eq!(container.process("CapEff:"), "0000000000000000");
    assert_eq!(container.process("CapBnd:"), "0000000000000000");
    assert_eq!(container.process("NoNewPrivs:"), "1");
    let limit = TASK_GB * 1024.0 * 1024.0 * 1024.0;
    assert_eq!(
        container.inspect("{{.HostConfig.Memory}}"),
        format!("{limit}")
    );
    // The image's own check, and the one for monitoring.
    told(&["healthcheck", "run", &container.0]);
    told(&["exec", &container.0, "/pombal-connector", "health"]);

    told(&["stop", "--time", STOP_SECONDS, &container.0]);
    let log = container.log();
    assert_eq!(container.inspect("{{.State.ExitCode}}"), "0", "{log}");
    for line in log.lines() {
        let _: Value = serde_json::from_str(line).unwrap();
    }
    assert!(log.contains("stopped"), "{log}");
    assert_eq!(container.changed(), files);
}
