//! The emulator as a process.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::command::target;

/// It answers within a second on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A running emulator. Killed when dropped: it keeps nothing that anybody wants.
pub(super) struct Emulator {
    child: Child,
    endpoint: String,
}

impl Emulator {
    /// Starts `program` on `port` of the loopback, or on a free one for 0, and waits until it
    /// answers.
    pub(super) fn start(program: &Path, port: u16) -> Result<Self, String> {
        let address = free_port(port).map_err(|error| format!("port {port}: {error}"))?;
        let dir = target().join("aws-local");
        let log = dir.join("ministack.log");
        let failed = |error: std::io::Error| format!("{}: {error}", program.display());
        fs::create_dir_all(&dir).map_err(failed)?;
        let out = File::create(&log).map_err(failed)?;
        let child = Command::new(program)
            .env("BIND_HOST", address.ip().to_string())
            .env("GATEWAY_PORT", address.port().to_string())
            // Functions inherit it: their AWS is this one.
            .env("AWS_ENDPOINT_URL", format!("http://{address}"))
            .stdin(Stdio::null())
            .stdout(out.try_clone().map_err(failed)?)
            .stderr(out)
            .spawn()
            .map_err(failed)?;
        let mut emulator = Self {
            child,
            endpoint: format!("http://{address}"),
        };
        let end = Instant::now() + PATIENCE;
        while !answers(address) {
            if let Ok(Some(status)) = emulator.child.try_wait() {
                return Err(format!("ministack ended: {status}; see {}", log.display()));
            }
            if Instant::now() > end {
                return Err(format!("ministack does not answer; see {}", log.display()));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        Ok(emulator)
    }

    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Waits until it ends, by Ctrl-C as a rule.
    pub(super) fn wait(mut self) -> Result<(), String> {
        match self.child.wait() {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("ministack: {error}")),
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free a moment ago: the emulator can't be told to choose one.
fn free_port(port: u16) -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))?.local_addr()
}

/// Whether it speaks HTTP by now.
fn answers(address: SocketAddr) -> bool {
    let mut start = [0; 5];
    let asked = TcpStream::connect_timeout(&address, LOOK_AGAIN).and_then(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(b"GET /_ministack/health HTTP/1.0\r\n\r\n")?;
        stream.read_exact(&mut start)
    });
    asked.is_ok() && &start == b"HTTP/"
}
