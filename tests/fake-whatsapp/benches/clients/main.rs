//! How much the server needs for many connected clients. Run by `cargo xtask bench fake`:
//! `clients <result file> [number of clients]`.
//!
//! The server has a process of its own, so that its memory and its processor time are its own.
//! The clients are real ones: each pairs, logs in, receives one text, and stays.

mod light;
mod process;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use light::Light;
use process::Server;

const CLIENTS: usize = 5_000;
/// Clients that pair at the same time. Most of a pairing is waiting.
const AT_ONCE: usize = 100;
/// Texts that are under way at the same time.
const TEXTS_AT_ONCE: usize = 32;
const IDLE: Duration = Duration::from_secs(30);
const SENDER: &str = "5511988880001";
/// The server must be able to hold so many clients in so much memory (issue: 2 GB).
const TARGET_MEGABYTES: f64 = 2048.0;
/// Two sockets more than there are clients would do; the rest is for libraries.
const SPARE_FILES: u64 = 500;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let clients = arguments
        .get(1)
        .map_or(CLIENTS, |count| count.parse().expect("a number of clients"));
    let files = rlimit::increase_nofile_limit(u64::MAX).expect("a limit of open files");
    assert!(
        files >= clients as u64 + SPARE_FILES,
        "only {files} open files are allowed: raise `ulimit -Hn`"
    );
    let rows = measure(clients).await;
    print(&rows);
    if let Some(file) = arguments.first() {
        std::fs::write(file, format!("{:#}\n", json!(rows))).expect("the result file");
    }
}

async fn measure(count: usize) -> Vec<Value> {
    let server = Arc::new(Server::start());
    let start = Instant::now();
    let clients: Vec<Light> = stream::iter(0..count)
        .map(|n| Light::pair(Arc::clone(&server), phone(n)))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let pairing = start.elapsed();
    let (pair_memory, pair_cpu) = (server.memory_mb(), server.cpu());

    server.add_contact(SENDER).await;
    let start = Instant::now();
    stream::iter(&clients)
        .for_each_concurrent(TEXTS_AT_ONCE, async |client| {
            server.send(SENDER, &client.phone, "hello").await;
            client.text().await;
        })
        .await;
    let texting = start.elapsed();

    let cpu = server.cpu();
    tokio::time::sleep(IDLE).await;
    let idle = (server.cpu() - cpu) / IDLE.as_secs_f64();

    let connected = server.connected().await;
    assert_eq!(connected, count, "all are still there");
    assert_eq!(server.violations().await, json!([]));
    for client in clients {
        assert_eq!(client.texts(), 1, "{}: each text once", client.phone);
        client.drop_socket();
    }
    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    let number = count as f64;
    vec![
        row("clients connected", number, "", None),
        row(
            "pair and connect them all",
            pairing.as_secs_f64(),
            "s",
            None,
        ),
        row("server: processor time for that", pair_cpu, "s", None),
        row(
            "server: memory once they are connected",
            pair_memory,
            "MB",
            None,
        ),
        row("one text to each", texting.as_secs_f64(), "s", None),
        row(
            "server: peak memory",
            server.peak_memory_mb(),
            "MB",
            Some(TARGET_MEGABYTES),
        ),
        row(
            "server: processor while all are idle",
            idle * 100.0,
            "% of a core",
            None,
        ),
    ]
}

fn phone(n: usize) -> String {
    format!("551190{n:07}")
}

fn row(metric: &str, value: f64, unit: &str, target: Option<f64>) -> Value {
    json!({
        "metric": metric,
        "value": (value * 10.0).round() / 10.0,
        "unit": unit,
        "target": target,
        "runs": 1,
    })
}

#[expect(clippy::print_stdout, reason = "for the person at the terminal")]
fn print(rows: &[Value]) {
    for row in rows {
        println!(
            "{:48} {:>10} {}",
            row["metric"].as_str().unwrap_or_default(),
            row["value"],
            row["unit"].as_str().unwrap_or_default()
        );
    }
}
