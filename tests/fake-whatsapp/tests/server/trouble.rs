//! Refusals, removals, silence, garbage, and a server with another key.

use crate::common::{Saved, TestClient, eventually, paired, server, server_with};
use fake_whatsapp::{Config, DropHow, Error, FakeWhatsApp, Options, Refusal};
use futures::SinkExt as _;
use tokio::io::AsyncWriteExt as _;
use wacore::types::events::Event;
use whatsapp_rust::pair_code::PairCodeOptions;

const ANA: &str = "5511999990001";

#[tokio::test(flavor = "multi_thread")]
async fn pairing_code_links() {
    let server = server().await;
    let client = TestClient::start(&server, Saved::new()).await;
    client.qr().await;
    let options = PairCodeOptions {
        phone_number: ANA.to_owned(),
        ..Default::default()
    };
    let code = client.client.pair_with_code(options).await.expect("code");
    assert_eq!(server.pairings().await[0].code_for.as_deref(), Some(ANA));
    let missing = server.enter_code("5511000000000", &code, None).await;
    assert!(matches!(missing, Err(Error::NotFound(_))));
    let dashed = format!("{}-{}", &code[..4], &code[4..]).to_lowercase();
    let linked = server
        .enter_code(ANA, &dashed, Some("Ana"))
        .await
        .expect("enter");
    assert_eq!(linked.jid, format!("{ANA}:1@s.whatsapp.net"));
    client.connected(1).await;
    assert_eq!(client.push_name(), "Ana");
    assert!(server.violations().await.is_empty());
    client.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_pairing_code_is_an_error_and_the_right_one_still_works() {
    let server = server().await;
    let client = TestClient::start(&server, Saved::new()).await;
    client.qr().await;
    let options = PairCodeOptions {
        phone_number: ANA.to_owned(),
        ..Default::default()
    };
    let code = client.client.pair_with_code(options).await.expect("code");
    let wrong = if code == "ABCD1234" {
        "ABCD1235"
    } else {
        "ABCD1234"
    };
    let refused = server.enter_code(ANA, wrong, None).await;
    assert!(matches!(refused, Err(Error::Pairing(_))), "{refused:?}");
    server.enter_code(ANA, &code, None).await.expect("enter");
    client.connected(1).await;
    client.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logout_tells_a_live_client_and_refuses_a_dead_one() {
    let server = server().await;
    let (one, _) = paired(&server, ANA, "Ana").await;
    let (two, _) = paired(&server, ANA, "Ana").await;
    let saved = two.stop().await;
    eventually("one is left", || async {
        server
            .devices()
            .await
            .iter()
            .filter(|device| device.connected)
            .count()
            == 1
    })
    .await;
    assert_eq!(server.logout(ANA).await.expect("logout"), 2);
    let logged_out = |on_connect: bool| {
        move |event: &Event| match event {
            Event::LoggedOut(out) if out.on_connect == on_connect => Some(()),
            _ => None,
        }
    };
    one.wait_for("LoggedOut", logged_out(false)).await;
    assert!(server.devices().await.is_empty());
    let two = TestClient::start(&server, saved).await;
    two.wait_for("LoggedOut on connect", logged_out(true)).await;
    let refused = server.seen(Some(ANA), Some("login-refused"), 0).await.items;
    assert_eq!(refused[0].details["code"], 401);
    // The phone can link again; numbers are not reused.
    let (three, linked) = paired(&server, ANA, "Ana").await;
    assert_eq!(linked.jid, format!("{ANA}:3@s.whatsapp.net"));
    for client in [one, two, three] {
        client.stop().await;
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_logins_fail_with_the_code_and_as_often_as_asked() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let saved = ana.stop().await;
    server
        .refuse(Refusal {
            phone: Some(ANA.to_owned()),
            code: 503,
            times: Some(1),
        })
        .await;
    let ana = TestClient::start(&server, saved).await;
    ana.wait_for("ConnectFailure", |event| {
        matches!(event, Event::ConnectFailure(_)).then_some(())
    })
    .await;
    // 503 is worth another try, and the second login is allowed.
    ana.connected(1).await;
    let saved = ana.stop().await;
    server
        .refuse(Refusal {
            phone: None,
            code: 403,
            times: None,
        })
        .await;
    let ana = TestClient::start(&server, saved).await;
    ana.wait_for("LoggedOut", |event| {
        matches!(event, Event::LoggedOut(_)).then_some(())
    })
    .await;
    let saved = ana.stop().await;
    server.clear_troubles().await;
    let ana = TestClient::start(&server, saved).await;
    ana.connected(1).await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn second_live_socket_replaces_the_first_and_is_noted() {
    let server = server().await;
    server.expects_violations(["two-live-sockets"]);
    let (first, _) = paired(&server, ANA, "Ana").await;
    let second = TestClient::start(&server, Saved(first.saved.0.clone())).await;
    first
        .wait_for("StreamReplaced", |event| {
            matches!(event, Event::StreamReplaced(_)).then_some(())
        })
        .await;
    second.connected(1).await;
    let kinds: Vec<_> = server
        .violations()
        .await
        .into_iter()
        .map(|v| v.kind)
        .collect();
    assert_eq!(kinds, ["two-live-sockets"]);
    first.stop().await;
    second.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn client_logout_removes_the_device() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    ana.client.logout().await;
    eventually("the device is gone", || async {
        server.devices().await.is_empty()
    })
    .await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_keeps_tcp_and_ends() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    server.silence(ANA, true).await.expect("silence");
    server
        .send_from_phone(ANA, ANA, "held", None)
        .await
        .expect("send");
    assert!(server.devices().await[0].connected);
    assert!(ana.all_texts().is_empty());
    server.silence(ANA, false).await.expect("silence");
    ana.texts(1, |text| text == "held").await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backlog_is_pulled_in_batches() {
    let server = server().await;
    let config = Config {
        offline_batch: 10,
        ..Config::default()
    };
    server.set_config(config).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    server
        .add_contact("5511888880001", "Caio", false)
        .await
        .expect("contact");
    let saved = ana.stop().await;
    for n in 0..40 {
        let sent = server
            .send_from_phone("5511888880001", ANA, &format!("m{n}"), None)
            .await;
        sent.expect("send");
    }
    let ana = TestClient::start(&server, saved).await;
    ana.texts(40, |text| text.starts_with('m')).await;
    ana.connected(1).await;
    eventually("an empty queue", || async {
        server.devices().await[0].queued == 0
    })
    .await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_key_is_repaired_by_a_fallback() {
    let dir = tempfile::tempdir().expect("dir");
    let options = || Options {
        state_dir: Some(dir.path().to_owned()),
        ..Options::default()
    };
    let server = server_with(options()).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    // XX ends on the first registered login, which caches the key for IK.
    server
        .drop_sockets(ANA, DropHow::Close, None)
        .await
        .expect("drop");
    ana.connected(2).await;
    let saved = ana.stop().await;
    server.shutdown().await;
    drop(server);
    forget_server_key(dir.path());
    let server = server_with(options()).await;
    let ana = TestClient::start(&server, saved).await;
    ana.connected(1).await;
    let handshakes = server.seen(Some(ANA), Some("handshake"), 0).await.items;
    assert_eq!(handshakes[0].details["pattern"], "XXfallback");
    ana.stop().await;
    server.shutdown().await;
}

fn forget_server_key(dir: &std::path::Path) {
    let db = rusqlite::Connection::open(dir.join("fake-whatsapp.sqlite")).expect("db");
    db.execute("DELETE FROM state WHERE bucket = 'server'", [])
        .expect("delete");
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_closes_only_its_own_socket() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let address = server.ws_url().replace("ws://", "").replace("/ws/chat", "");
    let mut tcp = tokio::net::TcpStream::connect(&address).await.expect("tcp");
    tcp.write_all(&[0; 64]).await.expect("write");
    for garbage in [
        b"not WA at all".to_vec(),
        vec![b'W', b'A', 6, 3, 0, 0, 4, 1, 2, 3, 4],
    ] {
        let uri = server.ws_url().parse().expect("uri");
        let (mut ws, _) = tokio_websockets::ClientBuilder::from_uri(uri)
            .connect()
            .await
            .expect("ws");
        ws.send(tokio_websockets::Message::binary(garbage))
            .await
            .expect("send");
        while let Some(Ok(message)) = futures::StreamExt::next(&mut ws).await {
            assert!(message.is_close(), "an answer to garbage");
        }
    }
    eventually("failures are logged", || async {
        server
            .seen(None, Some("handshake-failed"), 0)
            .await
            .items
            .len()
            == 3
    })
    .await;
    assert!(server.devices().await[0].connected);
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test]
async fn only_loopback_is_served() {
    let ws = "0.0.0.0:0".parse().expect("address");
    let refused = FakeWhatsApp::start(Options {
        ws,
        ..Options::default()
    })
    .await;
    assert!(matches!(refused, Err(Error::NotLoopback(_))));
}
