//! Lambda's side of a function, on loopback: starts a real `bootstrap`, hands it events over the
//! Runtime API, and gets its answers.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

#![expect(
    clippy::unwrap_used,
    reason = "a test kit: a failure here is a failed test"
)]

mod gateway;
mod runtime_api;

pub use gateway::{Answer, HttpCall};

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use runtime_api::RuntimeApi;
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long an invocation may take unless told otherwise.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// How long a function may take beyond its deadline, or to end.
const GRACE: Duration = Duration::from_secs(30);

/// A running function. Dropping it kills it.
pub struct Function {
    child: Child,
    api: Arc<RuntimeApi>,
    log: NamedTempFile,
}

impl Function {
    /// Starts `bootstrap` with this environment, the variables of Lambda, and those of AWS that
    /// this process has. Nothing is waited for: events wait for the function.
    ///
    /// # Panics
    /// When it can't be started.
    pub async fn start(bootstrap: impl AsRef<Path>, env: &[(&str, &str)]) -> Self {
        let (api, address) = RuntimeApi::serve().await;
        let log = NamedTempFile::new().unwrap();
        let out = log.reopen().unwrap();
        let child = Command::new(bootstrap.as_ref())
            .env_clear()
            .envs(std::env::vars().filter(|(name, _)| name.starts_with("AWS_")))
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "function")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/function")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "stream")
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { child, api, log }
    }

    /// Hands in an event and waits for the answer, as [`Self::invoke_within`] with [`DEADLINE`].
    ///
    /// # Errors
    /// What the function says when it fails.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn invoke(&self, event: &Value) -> Result<Value, Value> {
        self.invoke_within(event, DEADLINE).await
    }

    /// Hands in an event that has to be answered within `deadline`.
    ///
    /// # Errors
    /// What the function says when it fails.
    ///
    /// # Panics
    /// When there is no answer long after the deadline, as when the function has ended.
    pub async fn invoke_within(&self, event: &Value, deadline: Duration) -> Result<Value, Value> {
        let answer = self.api.invoke(event, deadline);
        match timeout(deadline + GRACE, answer).await {
            Ok(answer) => answer,
            Err(_) => panic!("no answer; the function said:\n{}", self.log()),
        }
    }

    /// Calls the API that the function serves.
    ///
    /// # Panics
    /// When it does not answer as a function behind an HTTP API has to.
    pub async fn call(&self, call: &HttpCall) -> Answer {
        match self.invoke(&call.event()).await {
            Ok(answer) => Answer::read(&answer),
            Err(error) => panic!("{error}; the function said:\n{}", self.log()),
        }
    }

    /// SIGKILL, whatever it does at the moment. Events that it has taken stay unanswered.
    ///
    /// # Panics
    /// When it can't be killed.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Waits until the function ends by itself; how it did, and all that it wrote.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn ended(&mut self) -> (ExitStatus, String) {
        match timeout(GRACE, self.child.wait()).await {
            Ok(status) => (status.unwrap(), self.log()),
            Err(_) => panic!("it does not end; it said:\n{}", self.log()),
        }
    }

    /// Everything it has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap_or_default()
    }

    /// Its process id.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }
}
