//! A process of Pombal: all of it, or a connector of the deployment on AWS.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::aws::Stack;

/// The global API key of every scenario.
pub const API_KEY: &str = "scenario-key-0123456789abcdef";

/// Which build of the binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// With the feature `demo`: takes the fake server's certificate, and loopback only.
    Demo,
    /// As it ships.
    Production,
}

impl Build {
    /// The binary, as `cargo xtask` built it.
    fn path(self) -> PathBuf {
        binary(match self {
            Self::Demo => "POMBAL_DEMO_BIN",
            Self::Production => "POMBAL_BIN",
        })
    }
}

/// The binary that `variable` names.
fn binary(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable).unwrap_or_else(|| {
        panic!("{variable} is not set: run the scenarios by `cargo xtask test`")
    });
    PathBuf::from(path)
}

/// How to start it.
#[derive(Debug, Clone)]
pub struct PombalOptions {
    /// Which build.
    pub build: Build,
    /// `--whatsapp-url`.
    pub whatsapp_url: Option<String>,
    /// More arguments.
    pub args: Vec<String>,
    /// More environment.
    pub env: Vec<(String, String)>,
}

impl PombalOptions {
    /// A demo build that dials `whatsapp_url`, with private webhooks allowed.
    #[must_use]
    pub fn demo(whatsapp_url: String) -> Self {
        Self {
            build: Build::Demo,
            whatsapp_url: Some(whatsapp_url),
            args: Vec::new(),
            env: vec![("WEBHOOK_ALLOW_PRIVATE".into(), "true".into())],
        }
    }

    /// What every role takes: arguments and environment. It appends to `log`.
    fn command(&self, binary: &Path, log: &Path) -> Command {
        let stderr = OpenOptions::new().create(true).append(true).open(log);
        let mut command = Command::new(binary);
        command
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stderr(stderr.unwrap());
        if let Some(url) = &self.whatsapp_url {
            command.args(["--whatsapp-url", url]);
        }
        command
    }

    /// With one more environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A running process. Dropping it kills it.
pub struct Pombal {
    child: Child,
    /// The API's address, `http://…`. That of a connector is its deployment's.
    pub url: String,
    /// Everything it has written to standard output up to the address. A connector writes
    /// nothing there.
    pub greeting: String,
    log: PathBuf,
}

impl Pombal {
    /// Starts a process on `data_dir` and waits until it serves.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(data_dir: &Path, options: &PombalOptions) -> Self {
        Self::try_start(data_dir, options).unwrap_or_else(|said| panic!("{said}"))
    }

    /// What a process says that must not start.
    ///
    /// # Panics
    /// When it starts.
    #[must_use]
    pub fn refuses(data_dir: &Path, options: &PombalOptions) -> String {
        let started = Self::try_start(data_dir, options);
        started.err().expect("it must not start")
    }

    fn try_start(data_dir: &Path, options: &PombalOptions) -> Result<Self, String> {
        let log = data_dir.with_extension("log");
        let mut command = options.command(&options.build.path(), &log);
        command
            .args(["--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .env("AUTHENTICATION_API_KEY", API_KEY)
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = String::new();
        let url = loop {
            let mut line = String::new();
            if stdout.read_line(&mut line).unwrap() == 0 {
                child.wait().unwrap();
                let log = std::fs::read_to_string(&log).unwrap_or_default();
                return Err(format!("pombal did not start; it said:\n{greeting}{log}"));
            }
            greeting.push_str(&line);
            if let Some((_, url)) = line.split_once("serves ") {
                break url.trim().to_owned();
            }
        };
        // Somebody has to read the rest, or the process blocks on a full pipe.
        std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        Ok(Self {
            child,
            url,
            greeting,
            log,
        })
    }

    /// Starts a connector of `stack`, which logs to `log`. It works once it has taken its
    /// shards; nobody waits for that here.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn connector(stack: &Stack, log: &Path, options: &PombalOptions) -> Self {
        let child = options
            .command(&binary("POMBAL_CONNECTOR_BIN"), log)
            .envs(stack.connector_env())
            .env("POMBAL_HEALTH_LISTEN", "127.0.0.1:0")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            child,
            url: stack.api_url(),
            greeting: String::new(),
            log: log.to_owned(),
        }
    }

    /// SIGKILL, as the kernel or a power cut would do it.
    ///
    /// # Panics
    /// When the process can't be killed.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, then waits for the end. Returns how it ended and how long that took.
    ///
    /// # Panics
    /// When it does not end within 20 s.
    pub fn terminate(self) -> (ExitStatus, Duration) {
        self.terminate_within(Duration::from_secs(20))
    }

    /// The same, with another patience.
    ///
    /// # Panics
    /// When it does not end within `patience`.
    pub fn terminate_within(mut self, patience: Duration) -> (ExitStatus, Duration) {
        let start = Instant::now();
        self.signal("TERM");
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, start.elapsed());
            }
            assert!(start.elapsed() < patience, "no end after SIGTERM");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends the signal of this name, without `SIG`.
    ///
    /// # Panics
    /// When it can't be sent.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success(), "SIG{name} not sent");
    }

    /// Runs `pombal` with another subcommand against this process, and returns what it prints
    /// when it has ended well. `meanwhile` runs once it has printed its first lines.
    ///
    /// # Panics
    /// When it can't be run, or ends badly.
    pub fn command(&self, build: Build, args: &[&str], meanwhile: impl FnOnce()) -> String {
        let mut child = Command::new(build.path())
            .args(["--listen", self.url.trim_start_matches("http://")])
            .args(args)
            .env("AUTHENTICATION_API_KEY", API_KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut printed = String::new();
        stdout.read_line(&mut printed).unwrap();
        meanwhile();
        stdout.read_to_string(&mut printed).unwrap();
        let status = child.wait().unwrap();
        assert!(status.success(), "{status}: {printed}");
        printed
    }

    /// Runs a subcommand on a data directory that no server uses, to its end, or until it is
    /// killed after `patience`. Returns how it ended and everything it wrote.
    ///
    /// # Panics
    /// When it can't be run.
    #[must_use]
    pub fn offline(data_dir: &Path, args: &[&str], patience: Duration) -> (ExitStatus, String) {
        let mut child = Command::new(Build::Demo.path())
            .arg("--data-dir")
            .arg(data_dir)
            .args(args)
            .env("AUTHENTICATION_API_KEY", API_KEY)
            .env_remove("POMBAL_PASSPHRASE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let start = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if start.elapsed() >= patience {
                // Fails when it has just ended.
                let _ = child.kill();
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        // It writes a few lines at most, which fit into the pipes.
        let output = child.wait_with_output().unwrap();
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        (output.status, text)
    }

    /// Everything it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Pombal {
    fn drop(&mut self) {
        // Fails when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
