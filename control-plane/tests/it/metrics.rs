//! `GET /metrics`: what it says, and to whom.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pombal_control_plane::config::{MetricsConfig, MetricsLogin};
use pombal_domain::{ConnectionState, Instance, InstanceId};
use pombal_store::Registry;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::app::{Answer, GLOBAL_KEY, TestApp};
use crate::connector::{in_state, open, project};

const USER: &str = "prometheus";
const PASSWORD: &str = "s:ecret";

/// With metrics for who has the login, if there is one, and asks from these addresses.
async fn watched(with_login: bool, addresses: &[&str]) -> TestApp {
    let config = MetricsConfig {
        login: with_login.then(|| MetricsLogin::new(USER, PASSWORD)),
        addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
    };
    TestApp::start_with(|options| options.metrics = Some(config)).await
}

async fn scrape(app: &TestApp) -> String {
    let answer = app.get("/metrics").global().send().await;
    assert_eq!(answer.status, StatusCode::OK, "{}", text(&answer));
    text(&answer)
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.bytes.to_vec()).unwrap()
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// The samples of a text: everything but comments.
fn samples(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with('#')).collect()
}

/// Adds instances that differ in name and token from one that was created.
pub(crate) async fn multiply(registry: &Registry, row: &Instance, count: usize) {
    for n in 0..count {
        let copy = Instance {
            id: InstanceId::random(),
            name: format!("n{n:05}").parse().unwrap(),
            token_hash: format!("{n:064}"),
            ..row.clone()
        };
        registry.create_instance(&copy).await.unwrap();
    }
}

#[tokio::test]
async fn they_have_the_names_and_labels_of_the_original() {
    let app = watched(false, &[]).await;
    let registry = &app.stores.registry;
    app.create("b1").await;
    app.create("b2").await;
    app.create("b3").await;
    let row = app.stores.row("b1").await;
    project(registry, &row, open(&row)).await;
    let row = app.stores.row("b2").await;
    let connecting = in_state(&row, ConnectionState::Connecting);
    project(registry, &row, connecting).await;
    let answer = app.get("/Metrics/").global().send().await;
    assert_eq!(
        answer.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let text = text(&answer);
    let integration = r#"integration="WHATSAPP-BAILEYS""#;
    let wanted = [
        r#"evolution_environment_info{clientName="evolution",serverUrl="http://gateway.test",version="2.3.6"} 1"#.to_owned(),
        format!(r#"evolution_instance_state{{instance="b1",{integration},state="open"}} 1"#),
        format!(r#"evolution_instance_state{{instance="b2",{integration},state="connecting"}} 1"#),
        format!(r#"evolution_instance_state{{instance="b3",{integration},state="close"}} 1"#),
        format!(r#"evolution_instance_up{{instance="b1",{integration}}} 1"#),
        format!(r#"evolution_instance_up{{instance="b2",{integration}}} 0"#),
        format!(r#"evolution_instance_up{{instance="b3",{integration}}} 0"#),
        "evolution_instances_total 3".to_owned(),
    ];
    assert_eq!(samples(&text), wanted);
    for family in [
        "evolution_environment_info",
        "evolution_instances_total",
        "evolution_instance_up",
        "evolution_instance_state",
    ] {
        assert!(text.contains(&format!("# TYPE {family} gauge\n")), "{text}");
        assert!(text.contains(&format!("# HELP {family} ")), "{text}");
    }
    // Who is gone is not shown any more.
    let deleted = app.delete("/instance/delete/b2").global().send();
    assert_eq!(deleted.await.status, StatusCode::OK);
    let text = scrape(&app).await;
    assert!(!text.contains("b2"), "{text}");
    assert!(text.ends_with("evolution_instances_total 2\n"), "{text}");
}

#[tokio::test]
async fn a_name_can_break_out_of_no_label() {
    let app = watched(false, &[]).await;
    let name = r#"a"} 7"#;
    app.create(name).await;
    let text = scrape(&app).await;
    let wanted = r#"evolution_instance_up{instance="a\"} 7",integration="WHATSAPP-BAILEYS"} 0"#;
    assert!(samples(&text).contains(&wanted), "{text}");
}

#[tokio::test]
async fn nobody_is_left_out_where_there_are_thousands() {
    let app = watched(false, &[]).await;
    app.create("b1").await;
    let row = app.stores.row("b1").await;
    multiply(&app.stores.registry, &row, 2000).await;
    let text = scrape(&app).await;
    let mut counts = BTreeMap::new();
    for sample in samples(&text) {
        let end = sample.find(['{', ' ']).unwrap();
        *counts.entry(&sample[..end]).or_insert(0) += 1;
    }
    let wanted = [
        ("evolution_environment_info", 1),
        ("evolution_instance_state", 2001),
        ("evolution_instance_up", 2001),
        ("evolution_instances_total", 1),
    ];
    assert_eq!(counts, BTreeMap::from(wanted));
    assert!(text.ends_with("evolution_instances_total 2001\n"));
}

#[tokio::test]
async fn they_are_no_route_unless_they_are_asked_for() {
    let app = TestApp::start().await;
    let answer = app.get("/metrics").global().send().await;
    answer.assert_error(404, "Not Found", &json!(["Cannot GET /metrics"]));
}

#[tokio::test]
async fn without_any_guard_only_the_global_key_opens_them() {
    let app = watched(false, &[]).await;
    let token = app.create("b1").await;
    let login = basic(USER, PASSWORD);
    for (header, value) in [
        ("x-nothing", ""),
        ("apikey", ""),
        ("apikey", "global-key-of-the-test"),
        ("apikey", &token),
        ("authorization", &login),
    ] {
        let answer = app.get("/metrics").header(header, value).send().await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{header}: {value}");
        assert_eq!(text(&answer), "Unauthorized");
        assert_eq!(answer.header("www-authenticate"), "");
    }
    assert!(scrape(&app).await.contains("b1"));
}

#[tokio::test]
async fn a_login_that_is_required_has_to_be_right() {
    let app = watched(true, &[]).await;
    app.create("b1").await;
    let right = app.get("/metrics");
    let right = right.header("authorization", &basic(USER, PASSWORD));
    let answer = right.send().await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(text(&answer).contains("b1"));
    for wrong in [
        String::new(),
        "Basic".to_owned(),
        basic("", ""),
        basic(USER, ""),
        basic(USER, "s"),
        basic("", PASSWORD),
        basic(PASSWORD, USER),
        basic("Prometheus", PASSWORD),
        basic(USER, "s:ecret "),
        basic(USER, PASSWORD).replace("Basic", "Bearer"),
    ] {
        let answer = app.get("/metrics").header("authorization", &wrong);
        let answer = answer.send().await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{wrong}");
        assert_eq!(text(&answer), "Unauthorized");
        let challenge = answer.header("www-authenticate");
        assert!(challenge.starts_with("Basic realm="), "{challenge}");
    }
    // The global key opens everything.
    assert!(scrape(&app).await.contains("b1"));
}

#[tokio::test]
async fn who_asks_is_told_by_the_connection_and_by_no_header() {
    let app = watched(false, &["10.0.0.1", "::1"]).await;
    app.create("b1").await;
    for (peer, status) in [
        (Some("10.0.0.1:4000"), StatusCode::OK),
        (Some("[::1]:4000"), StatusCode::OK),
        // As a socket that takes both kinds of addresses shows it.
        (Some("[::ffff:10.0.0.1]:4000"), StatusCode::OK),
        (Some("10.0.0.2:4000"), StatusCode::FORBIDDEN),
        (None, StatusCode::FORBIDDEN),
    ] {
        let mut call = app.get("/metrics");
        for header in ["x-forwarded-for", "forwarded", "x-real-ip"] {
            call = call.header(header, "10.0.0.1");
        }
        if let Some(peer) = peer {
            let peer: SocketAddr = peer.parse().unwrap();
            call = call.extension(ConnectInfo(peer));
        }
        let answer = call.send().await;
        assert_eq!(answer.status, status, "{peer:?}");
        let shown = text(&answer);
        if status == StatusCode::FORBIDDEN {
            assert_eq!(shown, "Forbidden");
        } else {
            assert!(shown.contains("b1"), "{shown}");
        }
    }
    assert!(scrape(&app).await.contains("b1"));
}

#[tokio::test]
async fn the_socket_tells_who_asks() {
    let app = watched(false, &["127.0.0.1"]).await;
    let router = app.router();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move { axum::serve(listener, service).await });
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("evolution_instances_total 0"), "{answer}");
    server.abort();
}

#[tokio::test]
async fn uses_of_the_key_count_here_as_well() {
    let app = TestApp::start_with(|options| {
        options.metrics = Some(MetricsConfig::default());
        options.limits.requests_per_minute = std::num::NonZeroU64::new(1);
    })
    .await;
    // Three within two minutes are one too many in one of them.
    let mut refused = 0;
    for _ in 0..3 {
        let answer = app.get("/metrics").key(GLOBAL_KEY).send().await;
        refused += usize::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(refused > 0);
}
