//! A TCP relay between a client and WhatsApp that remembers what the client sent, and when.
//!
//! A server stops to read a socket that it has ended. This does not, so it sees what a client
//! writes that has slept while its sockets were ended.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// `RFC 6455` § 5.2: from this bit on, an opcode is one of a control frame.
const CONTROL: u8 = 0x8;
/// The same: low bits of the first byte, and of the second.
const OPCODE: u8 = 0x0F;
const LENGTH: u8 = 0x7F;
/// A client masks what it sends, by four bytes.
const MASK_BYTES: usize = 4;

/// A relay that runs. Stops when dropped.
pub struct Relay {
    url: String,
    connections: Arc<Mutex<Vec<Arc<Sent>>>>,
    task: JoinHandle<()>,
}

/// What the client of one connection has sent.
struct Sent {
    opened_at: Instant,
    bytes: Mutex<Vec<u8>>,
    /// Up to which byte had come when.
    arrivals: Mutex<Vec<(usize, Instant)>>,
}

impl Relay {
    /// Starts one in front of a websocket server, on a free port of the loopback.
    pub(super) async fn start(server: &str) -> Self {
        let rest = server.strip_prefix("ws://").unwrap();
        let (address, path) = rest.split_once('/').unwrap();
        let upstream: SocketAddr = address.parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/{path}", listener.local_addr().unwrap());
        let connections = Arc::<Mutex<Vec<Arc<Sent>>>>::default();
        let task = tokio::spawn(listen(listener, upstream, Arc::clone(&connections)));
        Self {
            url,
            connections,
            task,
        }
    }

    /// Where clients connect.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many connections the client had opened before `at`.
    ///
    /// # Panics
    /// When a task of the relay has panicked.
    #[must_use]
    pub fn opened_before(&self, at: Instant) -> usize {
        let connections = self.connections.lock().unwrap();
        let opened = connections.iter().filter(|sent| sent.opened_at < at);
        opened.count()
    }

    /// How many frames with data the client has sent after `at`, on connections that it had
    /// opened before.
    ///
    /// # Panics
    /// When a task of the relay has panicked.
    #[must_use]
    pub fn frames_after(&self, at: Instant) -> usize {
        let connections = self.connections.lock().unwrap();
        let before = connections.iter().filter(|sent| sent.opened_at < at);
        before.map(|sent| sent.frames_after(at)).sum()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Sent {
    fn note(&self, bytes: &[u8]) {
        let mut all = self.bytes.lock().unwrap();
        all.extend_from_slice(bytes);
        let arrival = (all.len(), Instant::now());
        self.arrivals.lock().unwrap().push(arrival);
    }

    fn frames_after(&self, at: Instant) -> usize {
        let arrivals = self.arrivals.lock().unwrap();
        let came_at = |offset: usize| {
            let came = arrivals.iter().find(|(up_to, _)| offset < *up_to);
            came.map(|(_, at)| *at)
        };
        let bytes = self.bytes.lock().unwrap();
        let frames = data_frames(&bytes).into_iter();
        frames
            .filter(|offset| came_at(*offset).is_some_and(|came| came >= at))
            .count()
    }
}

/// Where the frames with data begin, in all that a websocket client has sent.
fn data_frames(bytes: &[u8]) -> Vec<usize> {
    let mut frames = Vec::new();
    let upgrade = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let Some(mut at) = upgrade.map(|at| at + 4) else {
        return frames;
    };
    while let Some(end) = frame_end(bytes, at) {
        if bytes[at] & OPCODE & CONTROL == 0 {
            frames.push(at);
        }
        at = end;
    }
    frames
}

/// Where the frame that begins at `at` ends. None when its head is not whole.
fn frame_end(bytes: &[u8], at: usize) -> Option<usize> {
    let (more, short) = (at + 2, usize::from(bytes.get(at + 1)? & LENGTH));
    let number = |len: usize| {
        let digits = bytes.get(more..more + len)?.iter();
        Some(digits.fold(0, |sum, digit| (sum << 8) | usize::from(*digit)))
    };
    let (head, length) = match short {
        126 => (more + 2, number(2)?),
        127 => (more + 8, number(8)?),
        short => (more, short),
    };
    Some(head + MASK_BYTES + length)
}

async fn listen(
    listener: TcpListener,
    upstream: SocketAddr,
    connections: Arc<Mutex<Vec<Arc<Sent>>>>,
) {
    // Its connections end with it.
    let mut tasks = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let sent = Arc::new(Sent {
            opened_at: Instant::now(),
            bytes: Mutex::default(),
            arrivals: Mutex::default(),
        });
        connections.lock().unwrap().push(Arc::clone(&sent));
        tasks.spawn(relay(client, upstream, sent));
        while tasks.try_join_next().is_some() {}
    }
}

async fn relay(client: TcpStream, upstream: SocketAddr, sent: Arc<Sent>) {
    let Ok(server) = TcpStream::connect(upstream).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // Each way ends by itself: what a client writes is of interest when the server is gone.
    tokio::join!(
        pass(from_client, to_server, Some(sent)),
        pass(from_server, to_client, None)
    );
}

/// Passes on what comes, until there is no more; reads on when nobody takes it.
async fn pass(mut from: OwnedReadHalf, to: OwnedWriteHalf, sent: Option<Arc<Sent>>) {
    let mut to = Some(to);
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if let Some(sent) = &sent {
            sent.note(&buffer[..length]);
        }
        if let Some(open) = &mut to
            && open.write_all(&buffer[..length]).await.is_err()
        {
            to = None;
        }
    }
    if let Some(mut to) = to {
        // The other side may be gone already.
        let _ = to.shutdown().await;
    }
}
