//! The client against a server on loopback.

mod guard;
mod server;

use std::error::Error as StdError;
use std::time::Instant;

use super::*;
use server::Server;

const SECOND: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(30);

fn egress(allow_private: bool) -> Egress {
    let user_agent = "pombal-test".to_owned();
    Egress::new(EgressOptions {
        allow_private,
        connect_timeout: PATIENCE,
        user_agent,
    })
    .unwrap()
}

async fn post(url: &Url, timeout: Duration) -> Result<Answer, Error> {
    let body = Bytes::from_static(b"{\"a\":1}");
    egress(true)
        .post_json(url, &HeaderMap::new(), body, timeout)
        .await
}

#[tokio::test]
async fn a_post_carries_body_and_headers() {
    let server =
        Server::start("HTTP/1.1 201 Created\r\nretry-after: 7\r\ncontent-length: 2\r\n\r\nok");
    let mut headers = HeaderMap::new();
    headers.insert("x-one", HeaderValue::from_static("1"));
    let body = Bytes::from_static(b"{\"a\":1}");
    let url = server.url("/hook?token=1");
    let answer = egress(true)
        .post_json(&url, &headers, body, PATIENCE)
        .await
        .unwrap();
    let retry_after = Some(SECOND * 7);
    assert_eq!(
        answer,
        Answer {
            status: 201,
            retry_after,
            body: Bytes::from_static(b"ok")
        }
    );
    let request = server.requests().remove(0);
    assert!(
        request.starts_with("POST /hook?token=1 HTTP/1.1\r\n"),
        "{request}"
    );
    for part in [
        "x-one: 1",
        "content-type: application/json",
        "user-agent: pombal-test",
    ] {
        assert!(
            request.contains(&format!("\r\n{part}\r\n")),
            "{part}: {request}"
        );
    }
    assert!(request.ends_with("{\"a\":1}"), "{request}");

    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-own"));
    egress(true)
        .post_json(&url, &headers, Bytes::new(), PATIENCE)
        .await
        .unwrap();
    let request = server.requests().remove(1);
    assert_eq!(request.matches("content-type").count(), 1, "{request}");
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let server =
        Server::start("HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(post(&server.url("/"), PATIENCE).await.unwrap().status, 302);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_body_is_read_up_to_its_cap() {
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(2_000_000));
    let server = Server::start(&endless);
    let answer = post(&server.url("/"), PATIENCE).await.unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, MAX_ANSWER_BYTES));
}

#[tokio::test]
async fn a_body_that_stalls_ends_there() {
    let server = Server::start_and_hang("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
    let begun = Instant::now();
    let answer = post(&server.url("/"), SECOND).await.unwrap();
    assert_eq!((answer.status, &*answer.body), (200, b"half".as_slice()));
    assert!(begun.elapsed() < PATIENCE);
}

#[tokio::test]
async fn silence_times_out() {
    let server = Server::start_and_hang("");
    let answer = post(&server.url("/"), SECOND / 4).await;
    assert!(matches!(answer, Err(Error::TimedOut)), "{answer:?}");
}

#[tokio::test]
async fn what_fails_is_told_apart_and_shows_no_url() {
    let refused = Server::refusing().join("/secret?token=secret").unwrap();
    let error = post(&refused, PATIENCE).await.unwrap_err();
    assert!(matches!(error, Error::Connect(_)), "{error:?}");
    let broken = Server::start("");
    let error_of_broken = post(&broken.url("/secret"), PATIENCE).await.unwrap_err();
    assert!(
        matches!(error_of_broken, Error::Request(_)),
        "{error_of_broken:?}"
    );
    let nowhere = Url::parse("http://secret.invalid/secret").unwrap();
    let error_of_name = post(&nowhere, PATIENCE).await.unwrap_err();
    assert!(
        matches!(error_of_name, Error::Resolve(_)),
        "{error_of_name:?}"
    );
    for error in [error, error_of_broken, error_of_name] {
        let mut chain = format!("{error} {error:?}");
        let mut cause = error.source();
        while let Some(error) = cause {
            chain.push_str(&error.to_string());
            cause = error.source();
        }
        assert!(
            !chain.contains("/secret") && !chain.contains("token"),
            "{chain}"
        );
    }
}

#[test]
fn a_proxy_in_the_environment_is_not_used() {
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "egress::tests::child_with_a_proxy", "--ignored"])
        .envs(
            ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
                .map(|name| (name, "http://127.0.0.1:9")),
        )
        .status()
        .unwrap();
    assert!(status.success());
}

#[tokio::test]
#[ignore = "the child process of another test"]
async fn child_with_a_proxy() {
    let server = Server::start("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(post(&server.url("/"), PATIENCE).await.unwrap().status, 200);
}

fn exchange(url: Url, max_answer_bytes: usize) -> Exchange {
    Exchange {
        method: http::Method::PUT,
        url,
        headers: HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("x/y"))]),
        body: Bytes::from_static(b"body"),
        timeout: PATIENCE,
        max_answer_bytes,
    }
}

#[tokio::test]
async fn an_exchange_is_whole_or_an_error() {
    let server = Server::start("HTTP/1.1 410 Gone\r\ncontent-length: 4\r\n\r\nlong");
    let url = server.url("/file");
    let whole = egress(true).exchange(exchange(url.clone(), 4)).await;
    let wanted = Whole {
        status: 410,
        body: Bytes::from_static(b"long"),
    };
    assert_eq!(whole.unwrap(), wanted);
    let request = server.requests().remove(0);
    assert!(request.starts_with("PUT /file HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\nbody"), "{request}");
    let error = egress(true).exchange(exchange(url.clone(), 3)).await;
    assert!(
        matches!(error, Err(Error::TooLarge { limit: 3 })),
        "{error:?}"
    );
    let error = egress(false).exchange(exchange(url, 4)).await;
    assert!(matches!(error, Err(Error::Blocked { .. })), "{error:?}");
    let server = Server::start("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nlong");
    let error = egress(true).exchange(exchange(server.url("/"), 99)).await;
    assert!(error.is_err(), "the body broke off: {error:?}");
}
