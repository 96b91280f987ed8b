//! The JSON lines between a test and the driver.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex as AsyncMutex, oneshot};
use tokio::time::timeout;

use super::node;

/// How long a JSON line may take to be answered. Baileys gives up a request after 60 s.
const ANSWER: Duration = Duration::from_secs(90);

/// A running driver.
pub(super) struct Lines {
    child: Child,
    stdin: AsyncMutex<Option<ChildStdin>>,
    next: AtomicU64,
    heard: Arc<Heard>,
}

/// What the driver has said.
#[derive(Default)]
struct Heard {
    events: Mutex<Vec<(String, Value)>>,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Result<Value, String>>>>,
    ended: Mutex<bool>,
}

impl Lines {
    /// Starts a driver.
    pub(super) fn spawn() -> Self {
        node::require();
        let mut child = Command::new("node")
            .arg(node::folder().join("driver.js"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let heard = Arc::new(Heard::default());
        let stdout = child.stdout.take().unwrap();
        tokio::spawn(listen(stdout, Arc::clone(&heard)));
        Self {
            stdin: AsyncMutex::new(child.stdin.take()),
            child,
            next: AtomicU64::new(1),
            heard,
        }
    }

    /// Gives an order and waits for its reply.
    pub(super) async fn order(&self, mut order: Value) -> Result<Value, String> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (tell, told) = oneshot::channel();
        self.heard.waiting.lock().unwrap().insert(id, tell);
        order["id"] = json!(id);
        {
            let mut stdin = self.stdin.lock().await;
            let stdin = stdin.as_mut().ok_or("the driver has ended")?;
            let line = format!("{order}\n");
            let written = stdin.write_all(line.as_bytes()).await;
            written.map_err(|error| error.to_string())?;
        }
        match timeout(ANSWER, told).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err("the driver has ended".to_owned()),
            Err(_) => Err(format!("no answer to {order}")),
        }
    }

    /// Closes its input and waits for the end.
    pub(super) async fn end(&mut self) {
        self.stdin.lock().await.take();
        let status = timeout(ANSWER, self.child.wait()).await;
        let status = status.expect("the driver does not end").unwrap();
        assert!(status.success(), "the driver ended with {status}");
    }

    /// The data of every event of this name so far, in order.
    pub(super) fn events(&self, name: &str) -> Vec<Value> {
        let events = self.heard.events.lock().unwrap();
        let of_name = events.iter().filter(|(event, _)| event == name);
        of_name.map(|(_, data)| data.clone()).collect()
    }

    /// Fails when there is nobody left to wait for.
    pub(super) fn assert_alive(&self) {
        assert!(!*self.heard.ended.lock().unwrap(), "the driver has ended");
    }
}

/// Where Baileys' own log goes, when somebody asks for it as README.md of the driver says.
fn log() -> Stdio {
    if std::env::var_os("BAILEYS_LOG").is_some() {
        Stdio::inherit()
    } else {
        Stdio::null()
    }
}

async fn listen(stdout: ChildStdout, heard: Arc<Heard>) {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut said: Value = serde_json::from_str(&line)
            .unwrap_or_else(|_| json!({ "event": "crash", "data": { "not-json": line } }));
        if let Some(id) = said["reply"].as_u64() {
            let answer = match said["error"].as_str() {
                Some(error) => Err(error.to_owned()),
                None => Ok(said["ok"].take()),
            };
            if let Some(waiting) = heard.waiting.lock().unwrap().remove(&id) {
                // Whoever asked may have given up.
                let _ = waiting.send(answer);
            }
        } else {
            let name = said["event"].as_str().unwrap_or_default().to_owned();
            let data = said["data"].take();
            heard.events.lock().unwrap().push((name, data));
        }
    }
    *heard.ended.lock().unwrap() = true;
    heard.waiting.lock().unwrap().clear();
}
