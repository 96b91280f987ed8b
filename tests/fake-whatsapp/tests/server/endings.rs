//! Every way in which the server ends a connection, as a real client sees it.

use std::time::Duration;

use crate::common::{Saved, TestClient, eventually, paired, server, server_with};
use fake_whatsapp::{Config, Ending, FakeWhatsApp, Options, Stage, Trouble};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use wacore::types::events::Event;
use whatsapp_rust::transport::DisconnectReason;

const ANA: &str = "5511999990001";
const CONTACT: &str = "5511888880001";
/// Long enough for an answer on loopback to arrive; none must.
const NO_ANSWER: Duration = Duration::from_millis(300);

fn failure(reason: u16) -> Ending {
    Ending::Failure {
        reason,
        code: None,
        expire: None,
    }
}

fn conflict(kind: &str, code: Option<u16>) -> Ending {
    Ending::Conflict {
        kind: kind.to_owned(),
        code,
    }
}

/// What the client makes of the end of a connection.
fn shown(event: &Event) -> Option<String> {
    Some(match event {
        Event::LoggedOut(out) => format!("logged out {:?}", out.reason),
        Event::TemporaryBan(ban) => format!("banned for {}", ban.expire.num_seconds()),
        Event::ClientOutdated(_) => "outdated".to_owned(),
        Event::ConnectFailure(failure) => format!("refused {:?}", failure.reason),
        Event::StreamReplaced(_) => "replaced".to_owned(),
        Event::StreamError(error) => format!("stream error {}", error.code),
        Event::Disconnected(gone) => match &gone.reason {
            DisconnectReason::ServerClose { .. } => "closed".to_owned(),
            DisconnectReason::StreamEnded => "ended".to_owned(),
            DisconnectReason::ReadError(_) => "broken".to_owned(),
            DisconnectReason::Unknown => "unknown".to_owned(),
        },
        _ => return None,
    })
}

async fn order(server: &FakeWhatsApp, stage: Stage, ending: Ending) {
    let trouble = Trouble {
        phone: None,
        stage,
        ending,
        times: Some(1),
    };
    server.order(trouble).await.expect("order");
}

/// A client that has just logged in with what was saved.
async fn back(server: &FakeWhatsApp, saved: Saved) -> TestClient {
    let client = TestClient::start(server, saved).await;
    client.connected(1).await;
    client
}

async fn gone(server: &FakeWhatsApp) {
    eventually("the socket is gone", || async {
        !server.devices().await[0].connected
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_logins_show_their_reason() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let mut saved = ana.stop().await;
    let ban = Ending::Failure {
        reason: 402,
        code: Some(101),
        expire: Some(3600),
    };
    for (ending, expected) in [
        (failure(400), "refused Generic"),
        (failure(401), "logged out LoggedOut"),
        (ban, "banned for 3600"),
        (failure(402), "refused TempBanned"),
        (failure(403), "logged out AccountLocked"),
        (failure(405), "outdated"),
        (failure(406), "logged out UnknownLogout"),
        (failure(409), "refused BadUserAgent"),
        (failure(418), "refused ClientUnknown"),
        (failure(500), "refused InternalServerError"),
        (failure(503), "refused ServiceUnavailable"),
        (failure(599), "refused Unknown(599)"),
    ] {
        let trouble = Trouble {
            phone: Some(ANA.to_owned()),
            stage: Stage::Login,
            ending,
            times: Some(1),
        };
        server.order(trouble).await.expect("order");
        let ana = TestClient::start(&server, saved).await;
        ana.wait_for(expected, |event| {
            (shown(event).as_deref() == Some(expected)).then_some(())
        })
        .await;
        saved = ana.stop().await;
    }
    // None of this has hurt the device.
    back(&server, saved).await.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn live_connections_end_in_every_way() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let mut saved = ana.stop().await;
    for (ending, expected) in [
        (Ending::StreamError { code: 401 }, "logged out LoggedOut"),
        (Ending::StreamError { code: 403 }, "stream error 403"),
        (Ending::StreamError { code: 409 }, "replaced"),
        (Ending::StreamError { code: 428 }, "stream error 428"),
        (Ending::StreamError { code: 500 }, "stream error 500"),
        // The client tells nothing of this one but the end of the connection.
        (Ending::StreamError { code: 503 }, "closed"),
        (Ending::StreamError { code: 516 }, "logged out LoggedOut"),
        (Ending::StreamError { code: 599 }, "stream error 599"),
        (conflict("replaced", None), "replaced"),
        (
            conflict("device_removed", Some(401)),
            "logged out LoggedOut",
        ),
        (Ending::XmlNotWellFormed, "stream error "),
        (Ending::Close, "closed"),
        (Ending::Eof, "ended"),
        (Ending::Reset, "broken"),
    ] {
        gone(&server).await;
        let ana = back(&server, saved).await;
        assert_eq!(server.end(Some(ANA), &ending).await.expect("end"), 1);
        ana.wait_for(expected, |event| {
            (shown(event).as_deref() == Some(expected)).then_some(())
        })
        .await;
        saved = ana.stop().await;
    }
    gone(&server).await;
    let ana = back(&server, saved).await;
    // These two the client takes for routine, and says nothing.
    for (n, ending) in [Ending::StreamError { code: 515 }, Ending::StreamEnd]
        .into_iter()
        .enumerate()
    {
        assert_eq!(server.end(None, &ending).await.expect("end"), 1);
        ana.connected(n + 2).await;
    }
    ana.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_handshakes_are_tried_again() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let mut saved = ana.stop().await;
    for (stage, ending) in [
        (Stage::Accepted, Ending::Eof),
        (Stage::Accepted, Ending::Reset),
        (Stage::Upgraded, Ending::Close),
        (Stage::Upgraded, Ending::Eof),
        (Stage::Hello, Ending::Reset),
        (Stage::Hello, Ending::GarbledHello),
        (Stage::Login, Ending::Close),
        (Stage::Open, Ending::Eof),
    ] {
        gone(&server).await;
        order(&server, stage, ending.clone()).await;
        let met = server.seen(None, Some("ending"), 0).await.items.len() + 1;
        let ana = TestClient::start(&server, saved).await;
        eventually(&format!("{stage:?} {ending:?}"), || async {
            server.seen(None, Some("ending"), 0).await.items.len() == met
        })
        .await;
        ana.connected(1).await;
        saved = ana.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_key_is_refused() {
    let server = server().await;
    order(&server, Stage::Hello, Ending::BadCertificate).await;
    let ana = TestClient::start(&server, Saved::new()).await;
    // The first connection fails; the code comes with the second.
    ana.qr().await;
    assert_eq!(server.seen(None, Some("dial"), 0).await.items.len(), 2);
    ana.stop().await;
}

/// Sends the upgrade request, and returns what is answered.
async fn upgrade(server: &FakeWhatsApp) -> (TcpStream, Option<String>) {
    let url = server.ws_url();
    let address = url
        .trim_start_matches("ws://")
        .trim_end_matches("/ws/chat")
        .to_owned();
    let mut tcp = TcpStream::connect(&address).await.expect("tcp");
    let request = format!(
        "GET /ws/chat HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Version: 13\r\n\r\n"
    );
    tcp.write_all(request.as_bytes()).await.expect("write");
    let mut answer = vec![0; 1024];
    let read = tokio::time::timeout(NO_ANSWER, tcp.read(&mut answer)).await;
    let text = read.ok().map(|n| {
        answer.truncate(n.expect("read"));
        String::from_utf8(answer).expect("text")
    });
    (tcp, text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_keeps_tcp_open() {
    let server = server().await;
    order(&server, Stage::Accepted, Ending::Silence).await;
    order(&server, Stage::Upgraded, Ending::Silence).await;
    let (_tcp, answer) = upgrade(&server).await;
    assert_eq!(answer, None, "not even the upgrade is answered");
    let (mut tcp, answer) = upgrade(&server).await;
    assert!(answer.is_some_and(|answer| answer.contains(" 101 ")));
    // A masked binary message with a WA header and an empty frame.
    tcp.write_all(&[0x82, 0x87, 0, 0, 0, 0, b'W', b'A', 6, 3, 0, 0, 0])
        .await
        .expect("hello");
    let silence = tokio::time::timeout(NO_ANSWER, tcp.read_u8()).await;
    assert!(silence.is_err(), "the hello is not answered: {silence:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_seen_to_end_by_the_server_when_the_client_goes() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    server
        .end(Some(ANA), &Ending::Silence)
        .await
        .expect("silence");
    assert!(server.devices().await[0].connected);
    let saved = ana.stop().await;
    gone(&server).await;
    back(&server, saved).await.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_costs_the_connection_and_no_message() {
    let server = server().await;
    server
        .add_contact(CONTACT, "Caio", false)
        .await
        .expect("contact");
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let send = async |text: &str| {
        server
            .send_from_phone(CONTACT, ANA, text, None)
            .await
            .expect("send");
    };
    server
        .end(Some(ANA), &Ending::GarbageStanza)
        .await
        .expect("garbage");
    send("after a stanza").await;
    ana.texts(1, |text| text == "after a stanza").await;
    let mut saved = ana.stop().await;
    for ending in [Ending::GarbageFrame, Ending::OversizedFrame] {
        gone(&server).await;
        let ana = back(&server, saved).await;
        server.end(Some(ANA), &ending).await.expect("garbage");
        let text = format!("{ending:?}");
        send(&text).await;
        tokio::time::sleep(NO_ANSWER).await;
        assert!(!ana.all_texts().contains(&text), "the stream is broken");
        saved = ana.stop().await;
        gone(&server).await;
        let ana = back(&server, saved).await;
        ana.texts(1, |got| got == text).await;
        eventually("an empty queue", || async {
            server.devices().await[0].queued == 0
        })
        .await;
        let texts = ana.all_texts();
        assert_eq!(texts.iter().filter(|got| **got == text).count(), 1);
        saved = ana.stop().await;
    }
}

/// Pairs, logs in again, and exchanges a text each way.
async fn whole_exchange(config: Config) {
    let server = server_with(Options {
        config,
        ..Options::default()
    })
    .await;
    server
        .add_contact(CONTACT, "Caio", true)
        .await
        .expect("contact");
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let saved = ana.stop().await;
    gone(&server).await;
    let ana = back(&server, saved).await;
    ana.send(CONTACT, "hello").await;
    ana.texts(1, |text| text == "echo: hello").await;
    ana.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_in_pieces_are_put_together() {
    whole_exchange(Config {
        frame_piece_bytes: 7,
        ..Config::default()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_hours_off_hurts_nobody() {
    for clock_skew_secs in [-6 * 3600, 6 * 3600] {
        whole_exchange(Config {
            clock_skew_secs,
            ..Config::default()
        })
        .await;
    }
}
