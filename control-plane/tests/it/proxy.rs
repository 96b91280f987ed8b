//! `POST /proxy/set/{name}`, `GET /proxy/find/{name}`, and proxies at creation.

use std::time::Duration;

use fake_proxy::{FakeProxy, Speaks};
use pombal_control_plane::ProxyCheck;
use pombal_domain::Op;
use pombal_store::egress::Reach;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::app::{Answer, LONG, TestApp};
use crate::connector::{FakeConnector, open, project};

/// An API that takes proxies on loopback if they lead to this listener.
async fn app() -> (TestApp, TcpListener) {
    app_within(Reach::PublicAndPrivate).await
}

async fn app_within(reach: Reach) -> (TestApp, TcpListener) {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = target.local_addr().unwrap().port();
    let app = TestApp::start_with(|options| {
        options.proxy_check = ProxyCheck {
            host: "127.0.0.1".to_owned(),
            port,
            reach,
            timeout: Duration::from_secs(3),
        };
    })
    .await;
    (app, target)
}

fn body(proxy: &FakeProxy, protocol: &str, password: &str) -> Value {
    json!({
        "enabled": true, "host": "127.0.0.1", "port": proxy.port().to_string(),
        "protocol": protocol, "username": "ana", "password": password,
    })
}

async fn set(app: &TestApp, token: &str, body: &Value) -> Answer {
    app.post("/proxy/set/b1").key(token).json(body).await
}

async fn find(app: &TestApp, token: &str) -> Answer {
    app.get("/proxy/find/b1").key(token).send().await
}

#[tokio::test]
async fn a_proxy_that_leads_to_whatsapp_is_stored_and_its_owner_told() {
    let (app, _target) = app().await;
    let token = app.create("b1").await;
    find(&app, &token).await.assert_ok(200, &Value::Null);
    let row = app.stores.row("b1").await;
    project(&app.stores.registry, &row, open(&row)).await;
    let connector = FakeConnector::start(&app, |_, _| (None, None));
    let proxy = FakeProxy::start_for(Speaks::Socks5, "ana", "hush-hush").await;
    let sent = body(&proxy, "socks5h", "hush-hush");
    let answer = set(&app, &token, &sent).await;
    let mut shown = sent.clone();
    shown["protocol"] = json!("socks5");
    let wanted = json!({ "proxy": { "instanceName": "b1", "proxy": shown } });
    answer.assert_ok(201, &wanted);
    assert_eq!(proxy.targets().len(), 1);

    let found = find(&app, &token).await.body;
    for (field, value) in shown.as_object().unwrap() {
        assert_eq!(&found[field], value, "{field}");
    }
    assert_eq!(found["instanceId"], json!(row.id));
    let fetched = app.get("/instance/fetchInstances").key(&token).send().await;
    assert_eq!(fetched.body[0]["Proxy"], found);
    let stored = app.stores.row("b1").await.proxy.unwrap();
    let at_rest = serde_json::to_string(&stored).unwrap();
    assert!(!at_rest.contains("hush"), "{at_rest}");
    let sealed = stored.server.unwrap().password_sealed.unwrap();
    assert!(!String::from_utf8_lossy(&sealed).contains("hush"));
    let deadline = tokio::time::Instant::now() + LONG;
    while connector.seen().is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "the nudge arrives");
        tokio::task::yield_now().await;
    }
    assert_eq!(connector.seen(), [Op::Reconcile]);
}

#[tokio::test]
async fn a_proxy_that_does_not_lead_there_is_refused_and_changes_nothing() {
    let (app, target) = app().await;
    let token = app.create("b1").await;
    let proxy = FakeProxy::start_for(Speaks::Http, "ana", "hush").await;
    let wrong_password = body(&proxy, "http", "wrong");
    let mut wrong_port = body(&proxy, "http", "hush");
    wrong_port["port"] = json!("1");
    // An HTTP proxy makes nothing of SOCKS.
    let wrong_protocol = body(&proxy, "socks5", "hush");
    for body in [wrong_password, wrong_port, wrong_protocol] {
        let answer = set(&app, &token, &body).await;
        answer.assert_bad_request(&json!(["Invalid proxy"]));
    }
    drop(target);
    let answer = set(&app, &token, &body(&proxy, "http", "hush")).await;
    answer.assert_bad_request(&json!(["Invalid proxy"]));
    find(&app, &token).await.assert_ok(200, &Value::Null);
}

#[tokio::test]
async fn a_proxy_at_a_private_address_is_refused_unasked() {
    let (app, _target) = app_within(Reach::Public).await;
    let token = app.create("b1").await;
    let proxy = FakeProxy::start_for(Speaks::Http, "ana", "hush").await;
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "10.0.0.1",
        "169.254.169.254",
    ] {
        let mut body = body(&proxy, "http", "hush");
        body["host"] = json!(host);
        let answer = set(&app, &token, &body).await;
        answer.assert_bad_request(&json!(["Invalid proxy"]));
    }
    assert_eq!(proxy.targets().len() + proxy.turned_away(), 0);
}

#[tokio::test]
async fn off_needs_nothing_else_and_on_again_needs_no_password() {
    let (app, _target) = app().await;
    let token = app.create("b1").await;
    // Also before there was one, and with what dashboards send.
    for off in [
        json!({ "enabled": false }),
        json!({ "enabled": false, "host": "", "port": "", "protocol": "", "password": null }),
        json!({ "proxy": { "enabled": "false", "port": "x", "protocol": "none" } }),
    ] {
        assert_eq!(set(&app, &token, &off).await.status, 201);
        assert_eq!(find(&app, &token).await.body["enabled"], false);
    }
    let proxy = FakeProxy::start_for(Speaks::Http, "ana", "hush").await;
    assert_eq!(
        set(&app, &token, &body(&proxy, "http", "hush"))
            .await
            .status,
        201
    );
    assert_eq!(
        set(&app, &token, &json!({ "enabled": false })).await.status,
        201
    );
    let found = find(&app, &token).await.body;
    assert_eq!(
        (&found["enabled"], &found["password"]),
        (&json!(false), &json!("hush"))
    );
    assert_eq!(
        set(&app, &token, &json!({ "enabled": true })).await.status,
        201
    );
    assert_eq!(app.stores.row("b1").await.proxy.unwrap().revision, 6);
    assert_eq!(proxy.targets().len(), 2);

    // Another proxy is not told this one's password.
    let other = FakeProxy::start(Speaks::Http).await;
    let moved = json!({
        "enabled": true, "host": "127.0.0.1", "port": other.port(), "protocol": "http",
    });
    assert_eq!(set(&app, &token, &moved).await.status, 201);
    let found = find(&app, &token).await.body;
    assert_eq!(
        (&found["username"], &found["password"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let (app, _target) = app().await;
    let token = app.create("b1").await;
    let missing = |name: &str| format!("instance requires property \"{name}\"");
    for (body, wanted) in [
        (
            json!({}),
            vec![
                missing("enabled"),
                missing("host"),
                missing("port"),
                missing("protocol"),
            ],
        ),
        (
            json!({ "enabled": true, "host": "p.test" }),
            vec![missing("port"), missing("protocol")],
        ),
        (
            json!({ "enabled": true, "host": "http://p.test", "port": "80", "protocol": "http" }),
            vec!["host is not the name or address of a host".into()],
        ),
        (
            json!({ "enabled": true, "host": "p.test", "port": "70000", "protocol": "http" }),
            vec!["port is not a port from 1 to 65535".into()],
        ),
        (
            json!({ "enabled": true, "host": "p.test", "port": "80", "protocol": "socks4" }),
            vec!["protocol is not one of enum values: http,https,socks5".into()],
        ),
        (
            json!({ "enabled": true, "host": "", "port": "80", "protocol": "http" }),
            vec!["The \"host\" cannot be empty".into()],
        ),
    ] {
        let answer = set(&app, &token, &body).await;
        answer.assert_bad_request(&json!([wanted]));
    }
    find(&app, &token).await.assert_ok(200, &Value::Null);
}

#[tokio::test]
async fn an_instance_is_created_with_its_proxy_or_not_at_all() {
    let (app, _target) = app().await;
    let proxy = FakeProxy::start_for(Speaks::Http, "ana", "hush").await;
    let create = |name: &str, password: &str| {
        json!({
            "instanceName": name, "integration": "WHATSAPP-BAILEYS",
            "proxyHost": "127.0.0.1", "proxyPort": proxy.port().to_string(),
            "proxyProtocol": "http", "proxyUsername": "ana", "proxyPassword": password,
        })
    };
    let app = &app;
    let post = |body: Value| async move { app.post("/instance/create").global().json(&body).await };
    let refused = post(create("b1", "wrong")).await;
    refused.assert_bad_request(&json!(["Invalid proxy"]));
    let mut half = create("b1", "hush");
    half.as_object_mut().unwrap().remove("proxyPort");
    let refused = post(half).await;
    refused.assert_bad_request(&json!([["instance requires property \"proxyPort\""]]));
    let created = post(create("b1", "hush")).await;
    assert_eq!(created.status, 201, "{}", created.body);
    // As dashboards send it.
    let mut none = create("b2", "");
    none["proxyHost"] = json!("");
    assert_eq!(post(none).await.status, 201);
}
