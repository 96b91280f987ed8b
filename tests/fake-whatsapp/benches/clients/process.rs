//! The server in a process of its own, and what Linux knows of it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// Ticks per second in `/proc/<pid>/stat`: fixed by Linux's interface (`man 5 proc`).
const TICKS_PER_SECOND: f64 = 100.0;
const KILOBYTES_PER_MEGABYTE: f64 = 1024.0;

/// A running server. Dropping it kills it.
pub(crate) struct Server {
    process: Child,
    /// Where clients connect.
    pub(crate) ws: String,
    control: String,
    http: reqwest::Client,
}

impl Server {
    /// Starts it, with its state in memory.
    pub(crate) fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_fake-whatsapp"))
            .args(["--ws", "127.0.0.1:0", "--control", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server");
        let mut lines = BufReader::new(process.stdout.take().expect("stdout")).lines();
        let mut url = || {
            let line = lines.next().expect("a line").expect("text");
            let url = line.split_whitespace().last().expect("an address");
            url.trim_end_matches('/').to_owned()
        };
        let (ws, control) = (url(), url());
        Self {
            process,
            ws,
            control,
            http: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("HTTP client"),
        }
    }

    /// A phone scans the code.
    pub(crate) async fn scan(&self, qr: &str, phone: &str) {
        self.post(
            "/api/scan",
            json!({"qr": qr, "phone": phone, "name": "Bench"}),
        )
        .await;
    }

    /// Makes a simulated phone.
    pub(crate) async fn add_contact(&self, phone: &str) {
        self.post("/api/contacts", json!({"phone": phone, "name": "Sender"}))
            .await;
    }

    /// A simulated phone writes.
    pub(crate) async fn send(&self, from: &str, to: &str, text: &str) {
        let path = format!("/api/contacts/{from}/send");
        self.post(&path, json!({"to": to, "text": text})).await;
    }

    /// How many devices are logged in.
    pub(crate) async fn connected(&self) -> usize {
        let devices = self.get("/api/devices").await;
        let devices = devices.as_array().expect("a list").iter();
        devices.filter(|device| device["connected"] == true).count()
    }

    /// Rules that clients broke.
    pub(crate) async fn violations(&self) -> Value {
        self.get("/api/violations").await
    }

    /// Memory in use now.
    pub(crate) fn memory_mb(&self) -> f64 {
        self.status("VmRSS:")
    }

    /// The most memory that was ever in use.
    pub(crate) fn peak_memory_mb(&self) -> f64 {
        self.status("VmHWM:")
    }

    /// Processor seconds since its start.
    pub(crate) fn cpu(&self) -> f64 {
        let stat = self.proc("stat");
        // The name, in parentheses, may have spaces. `utime` and `stime` are fields 14 and 15.
        let (_, fields) = stat.rsplit_once(')').expect("a name");
        let ticks: f64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|ticks| ticks.parse::<f64>().expect("ticks"))
            .sum();
        ticks / TICKS_PER_SECOND
    }

    fn status(&self, field: &str) -> f64 {
        let status = self.proc("status");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(field))
            .expect("the field");
        let kilobytes = line.split_whitespace().next().expect("a number");
        kilobytes.parse::<f64>().expect("a number") / KILOBYTES_PER_MEGABYTE
    }

    fn proc(&self, file: &str) -> String {
        let path = format!("/proc/{}/{file}", self.process.id());
        fs::read_to_string(path).expect("this bench needs Linux's /proc")
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self
            .http
            .get(format!("{}{path}", self.control))
            .send()
            .await;
        answer.expect("an answer").json().await.expect("JSON")
    }

    async fn post(&self, path: &str, body: Value) {
        let answer = self
            .http
            .post(format!("{}{path}", self.control))
            .json(&body)
            .send()
            .await
            .expect("an answer");
        let status = answer.status();
        assert!(status.is_success(), "{path}: {status}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails when it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
