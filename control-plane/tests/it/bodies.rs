//! What clients may put into a body, and how much of it.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::app::{GLOBAL_KEY, LONG, TestApp};

#[tokio::test]
async fn bodies_come_in_many_shapes() {
    let app = TestApp::start().await;
    let create = || app.post("/instance/create").global();

    let malformed = create()
        .header("content-type", "application/json")
        .body("{\"a\":")
        .send()
        .await;
    assert_eq!(malformed.status, StatusCode::BAD_REQUEST);
    assert_eq!(malformed.body["error"], "Internal Server Error");
    assert!(
        malformed.body["response"]["message"]
            .as_str()
            .unwrap()
            .contains("EOF")
    );

    for body in ["", "  ", "{}", "{\"instanceName\":null}"] {
        let answer = create().body(body).send().await;
        answer.assert_bad_request(&json!([["instance requires property \"instanceName\""]]));
    }
    let marked = create().body("\u{feff}{}").send().await;
    marked.assert_bad_request(&json!([["instance requires property \"instanceName\""]]));
    let array = create().body("[1]").send().await;
    array.assert_bad_request(&json!([["instance is not of a type(s) object"]]));

    let form = create()
        .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
        .body("instanceName=form&integration=WHATSAPP-BAILEYS&rejectCall=true&webhook[url]=https%3A%2F%2Fexample.com")
        .send()
        .await;
    assert_eq!(form.status, StatusCode::CREATED, "{}", form.body);
    assert_eq!(form.body["settings"]["rejectCall"], true);
    assert_eq!(form.body["webhook"]["webhookUrl"], "https://example.com");
}

#[tokio::test]
async fn large_bodies_are_refused_clearly() {
    let app = TestApp::start().await;
    let create = || app.post("/instance/create").global();
    let long = create()
        .json(&json!({ "instanceName": "x".repeat(1 << 20) }))
        .await;
    long.assert_bad_request(&json!([[
        "instanceName does not meet maximum length of 100"
    ]]));
    let larger = create()
        .json(&json!({ "instanceName": "x".repeat(2 << 20) }))
        .await;
    larger.assert_error(
        413,
        "Payload Too Large",
        &json!(["request body is larger than 1114112 bytes"]),
    );
    // The key comes first even so.
    let stranger = app
        .post("/instance/create")
        .body(vec![b'x'; 2 << 20])
        .send()
        .await;
    stranger.assert_unauthorized();
}

#[tokio::test]
async fn forms_say_as_much_as_json() {
    let app = TestApp::start().await;
    app.create("b1").await;
    let set = |path: &str| app.post(path).global();
    // Keys that come again make a list, with brackets or without; texts say true and false.
    let answer = set("/webhook/set/b1")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("webhook[enabled]=true&webhook[url]=https://example.com&webhook[byEvents]=false&webhook[events]=CALL&webhook[events]=SEND_MESSAGE")
        .send()
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    assert_eq!(answer.body["events"], json!(["CALL", "SEND_MESSAGE"]));

    let part = |name: &str, value: &str| {
        format!("--limit\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let fields = part("websocket[enabled]", "true") + &part("websocket[events][]", "CALL");
    let multipart = |body: String| {
        set("/websocket/set/b1")
            .header("content-type", "multipart/form-data; boundary=limit")
            .body(body)
            .send()
    };
    let answer = multipart(fields.clone() + "--limit--\r\n").await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    assert_eq!(answer.body["events"], json!(["CALL"]));
    let empty = multipart("--limit--\r\n".into()).await;
    empty.assert_bad_request(&json!([["websocket requires property \"enabled\""]]));

    // Files are for routes that take them, and what is cut off is not half accepted.
    let file = "--limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\
                Content-Type: image/png\r\n\r\nPNG\r\n--limit--\r\n";
    let refused = multipart(fields.clone() + file).await;
    refused.assert_bad_request(&json!(["Unexpected field"]));
    let cut = multipart(fields).await;
    assert_eq!(cut.status, StatusCode::BAD_REQUEST, "{}", cut.body);
    assert_eq!(cut.body["error"], "Internal Server Error");
    let nameless = set("/websocket/set/b1")
        .header("content-type", "multipart/form-data")
        .body("x")
        .send()
        .await;
    assert_eq!(
        nameless.status,
        StatusCode::BAD_REQUEST,
        "{}",
        nameless.body
    );
}

#[tokio::test]
async fn the_limit_holds_whatever_the_sender_says() {
    let app = TestApp::start().await;
    let message = json!(["request body is larger than 1114112 bytes"]);
    let large = || {
        app.post("/instance/create")
            .global()
            .body(vec![b' '; 2 << 20])
    };
    for call in [
        large(),
        large().chunked(),
        large().header("content-length", "2097152"),
        large()
            .header("content-length", "2097152")
            .header("expect", "100-continue"),
        large()
            .header("content-type", "multipart/form-data; boundary=x")
            .chunked(),
    ] {
        call.send()
            .await
            .assert_error(413, "Payload Too Large", &message);
    }
    // Up to the limit it is a body like any other.
    let blank = app
        .post("/instance/create")
        .global()
        .body(vec![b' '; 1_114_112]);
    let answer = blank.chunked().send().await;
    answer.assert_bad_request(&json!([["instance requires property \"instanceName\""]]));
}

/// A client that writes all before it reads gets the answer, not a reset connection.
#[tokio::test]
async fn the_answer_to_a_body_that_nobody_reads_arrives() {
    let app = TestApp::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, app.router()).into_future());
    for (path, key, status) in [
        ("/instance/create", GLOBAL_KEY, 413),
        ("/instance/create", "wrong", 401),
        ("/nowhere", GLOBAL_KEY, 404),
    ] {
        for announced in [true, false] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let length = if announced {
                "Content-Length: 16777216"
            } else {
                "Transfer-Encoding: chunked"
            };
            let head =
                format!("POST {path} HTTP/1.1\r\nHost: x\r\napikey: {key}\r\n{length}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            let piece = vec![b'x'; 1 << 16];
            for _ in 0..256 {
                if !announced {
                    stream.write_all(b"10000\r\n").await.unwrap();
                }
                stream.write_all(&piece).await.unwrap();
                if !announced {
                    stream.write_all(b"\r\n").await.unwrap();
                }
            }
            if !announced {
                stream.write_all(b"0\r\n\r\n").await.unwrap();
            }
            let mut answer = vec![0; 4096];
            let read = timeout(LONG, stream.read(&mut answer)).await.unwrap();
            let answer = String::from_utf8_lossy(&answer[..read.unwrap()]);
            let wanted = format!("HTTP/1.1 {status} ");
            assert!(answer.starts_with(&wanted), "{path} {key}: {answer}");
        }
    }
    server.abort();
}

/// Who asks before it sends is told no without sending, and yes when somebody reads.
#[tokio::test]
async fn who_asks_first_is_not_waited_for() {
    let app = TestApp::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, app.router()).into_future());
    for (key, length, status) in [
        ("wrong", 16_777_216, "401"),
        (GLOBAL_KEY, 16_777_216, "413"),
        (GLOBAL_KEY, 2, "100"),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /instance/create HTTP/1.1\r\nHost: x\r\napikey: {key}\r\n\
             Content-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        let read = stream.read_exact(&mut answer);
        // Far less than the time that a sender is given.
        timeout(Duration::from_secs(5), read)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&answer),
            format!("HTTP/1.1 {status}")
        );
    }
    server.abort();
}
