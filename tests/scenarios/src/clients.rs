//! Clients of Evolution API as they are published, each call in a process of its own
//! (tests/clients). What they make of our answers is evidence.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::wait::PATIENCE;

/// A published client, and the server and key that it was given.
#[derive(Clone)]
pub struct PublishedClient {
    program: OsString,
    script: PathBuf,
    url: String,
    key: String,
}

impl PublishedClient {
    /// The node of n8n.
    ///
    /// # Panics
    /// When it is not installed.
    #[must_use]
    pub fn n8n(url: &str, key: &str) -> Self {
        let folder = folder("n8n");
        assert!(
            folder.join("node_modules/n8n-nodes-evolution-api").is_dir(),
            "the node is not installed: `cargo xtask test` does it, or by hand `npm ci \
             --ignore-scripts` in tests/clients/n8n"
        );
        Self::new("node".into(), folder.join("run.js"), url, key)
    }

    /// The client for Python.
    ///
    /// # Panics
    /// When it is not installed.
    #[must_use]
    pub fn python(url: &str, key: &str) -> Self {
        let python = std::env::var_os("POMBAL_CLIENTS_PYTHON").unwrap_or_else(|| {
            panic!("POMBAL_CLIENTS_PYTHON is not set: run the scenarios by `cargo xtask test`")
        });
        Self::new(python, folder("python").join("run.py"), url, key)
    }

    fn new(program: OsString, script: PathBuf, url: &str, key: &str) -> Self {
        let (url, key) = (url.to_owned(), key.to_owned());
        Self {
            program,
            script,
            url,
            key,
        }
    }

    /// The same with another key.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self {
            key: key.to_owned(),
            ..self.clone()
        }
    }

    /// Runs the client once. `asked` is what its script wants beside address and key.
    ///
    /// # Panics
    /// When it does not run, or not to its end.
    pub async fn run(&self, mut asked: Value) -> Value {
        asked["url"] = json!(self.url);
        asked["apikey"] = json!(self.key);
        let mut child = Command::new(&self.program)
            .arg(&self.script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(asked.to_string().as_bytes()).await.unwrap();
        drop(stdin);
        let ended = timeout(PATIENCE, child.wait_with_output()).await;
        let output = ended.expect("the client does not end").unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            let complaint = String::from_utf8_lossy(&output.stderr);
            panic!("the client has not answered ({error}): {complaint}")
        })
    }
}

fn folder(name: &str) -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    tests.join("clients").join(name)
}
