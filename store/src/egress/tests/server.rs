//! A server that gives every connection the same answer.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use url::Url;

pub(super) struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers each request and closes the connection.
    pub(super) fn start(answer: &str) -> Self {
        Self::serve(answer, false)
    }

    /// Answers each request and keeps the connection open, silently.
    pub(super) fn start_and_hang(answer: &str) -> Self {
        Self::serve(answer, true)
    }

    /// An address where nobody listens.
    pub(super) fn refusing() -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap()
    }

    fn serve(answer: &str, hang: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (requests.clone(), answer.to_owned());
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let request = read_request(&mut connection);
                seen.lock().unwrap().push(request);
                // The client may have enough before the end.
                let _ = connection.write_all(answer.as_bytes());
                if hang {
                    open.push(connection);
                }
            }
        });
        Self { port, requests }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://127.0.0.1:{}{path}", self.port)).unwrap()
    }

    /// The requests so far, as they came over the wire.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Reads the head, and the body that its `content-length` announces.
fn read_request(connection: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        if connection.read(&mut byte).unwrap_or(0) == 0 {
            break;
        }
        request.extend(byte);
    }
    let head = String::from_utf8(request).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    connection.read_exact(&mut body).unwrap();
    head + &String::from_utf8(body).unwrap()
}
