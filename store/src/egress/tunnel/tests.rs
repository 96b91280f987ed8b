//! Tunnels through proxies on loopback.

use std::net::SocketAddr;

use fake_proxy::{EXIT, FakeProxy, Speaks};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::crypto::ring::default_provider;
use zeroize::Zeroizing;

use super::*;
use crate::egress::Exchange;

const PATIENCE: Duration = Duration::from_secs(30);
const KINDS: [(Speaks, ProxyProtocol); 2] = [
    (Speaks::Http, ProxyProtocol::Http),
    (Speaks::Socks5, ProxyProtocol::Socks5),
];

fn proxy(protocol: ProxyProtocol, port: u16, password: Option<&str>) -> Proxy {
    Proxy {
        protocol,
        host: "127.0.0.1".into(),
        port,
        credentials: password.map(|password| Credentials {
            username: "ana".into(),
            password: Zeroizing::new(password.to_owned()),
        }),
    }
}

fn tunnel(proxy: Proxy) -> Tunnel {
    Tunnel::new(proxy, Reach::PublicAndPrivate, PATIENCE)
}

/// A server that says who has connected, and then what it hears.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, peer)) = listener.accept().await {
            tokio::spawn(async move {
                let who = format!("{}\n", peer.ip());
                stream.write_all(who.as_bytes()).await.unwrap();
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    addr
}

async fn say(mut stream: TunnelStream) -> String {
    stream.write_all(b"hello").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.unwrap();
    heard
}

#[tokio::test]
async fn bytes_go_through_the_proxy_both_ways() {
    let server = echo().await;
    for (speaks, protocol) in KINDS {
        let open = FakeProxy::start(speaks).await;
        let guarded = FakeProxy::start_for(speaks, "ana", "hush").await;
        for (fake, password) in [(&open, None), (&guarded, Some("hush"))] {
            let tunnel = tunnel(proxy(protocol, fake.port(), password));
            // A name is the proxy's to resolve.
            for host in ["127.0.0.1", "localhost"] {
                let stream = tunnel.open(host, server.port()).await.unwrap();
                assert_eq!(say(stream).await, format!("{EXIT}\nhello"), "{speaks:?}");
            }
            let port = server.port();
            let wanted = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
            assert_eq!(fake.targets(), wanted, "{speaks:?}");
        }
    }
}

/// A way through a proxy that speaks TLS, for a client that knows its certificate.
fn sealed(fake: &FakeProxy, host: &str, password: &str) -> Tunnel {
    let mut roots = RootCertStore::empty();
    roots.add(fake.certificate()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let proxy = Proxy {
        host: host.into(),
        ..proxy(ProxyProtocol::Https, fake.port(), Some(password))
    };
    tunnel(proxy).trusting(config)
}

#[tokio::test]
async fn bytes_go_through_a_proxy_that_speaks_tls() {
    let server = echo().await;
    let fake = FakeProxy::start_for(Speaks::Https, "ana", "hush").await;
    let tunnel = sealed(&fake, "localhost", "hush");
    let stream = tunnel.open("127.0.0.1", server.port()).await.unwrap();
    assert_eq!(say(stream).await, format!("{EXIT}\nhello"));
    assert_eq!(fake.targets(), [format!("127.0.0.1:{}", server.port())]);

    let wrong = sealed(&fake, "localhost", "wrong");
    let error = wrong.open("127.0.0.1", server.port()).await.err().unwrap();
    assert!(matches!(error, Error::Proxy(_)), "{error:?}");
    assert_eq!(fake.turned_away(), 1);
}

/// Who only says to be the proxy is told neither password nor target.
#[tokio::test]
async fn a_proxy_must_be_the_one_that_was_named() {
    let fake = FakeProxy::start_for(Speaks::Https, "ana", "hush").await;
    let unknown = Proxy {
        host: "localhost".into(),
        ..proxy(ProxyProtocol::Https, fake.port(), Some("hush"))
    };
    // No public root knows it; and it has another name.
    for tunnel in [tunnel(unknown), sealed(&fake, "127.0.0.1", "hush")] {
        let error = tunnel.open("127.0.0.1", 1).await.err().unwrap();
        assert!(matches!(error, Error::Connect(_)), "{error:?}");
        assert!(
            pombal_domain::Chain(&error)
                .to_string()
                .contains("certificate")
        );
    }
    assert_eq!(fake.turned_away() + fake.targets().len(), 0);
}

#[tokio::test]
async fn a_wrong_password_is_no_way_through() {
    let server = echo().await;
    for (speaks, protocol) in KINDS {
        let fake = FakeProxy::start_for(speaks, "ana", "hush").await;
        for password in [None, Some("wrong")] {
            let tunnel = tunnel(proxy(protocol, fake.port(), password));
            let error = tunnel.open("127.0.0.1", server.port()).await.err().unwrap();
            assert!(matches!(error, Error::Proxy(_)), "{speaks:?}: {error:?}");
            let shown = format!("{error:?} {}", pombal_domain::Chain(&error));
            assert!(
                !shown.contains("wrong") && !shown.contains("ana"),
                "{shown}"
            );
        }
        assert_eq!(
            (fake.turned_away(), fake.targets().len()),
            (2, 0),
            "{speaks:?}"
        );
    }
}

#[tokio::test]
async fn a_dead_proxy_and_a_dead_target_are_told_apart() {
    let server = echo().await;
    for (speaks, protocol) in KINDS {
        let fake = FakeProxy::start(speaks).await;
        let tunnel = tunnel(proxy(protocol, fake.port(), None));
        // Nothing listens on port 1 of loopback.
        let error = tunnel.open("127.0.0.1", 1).await.err().unwrap();
        assert!(matches!(error, Error::Proxy(_)), "{speaks:?}: {error:?}");
        fake.kill();
        let mut error = None;
        while error.is_none() {
            // Its port closes a moment later.
            error = tunnel.open("127.0.0.1", server.port()).await.err();
        }
        let dead = |error: &Error| matches!(error, Error::Connect(_) | Error::Proxy(_));
        assert!(error.as_ref().is_some_and(dead), "{speaks:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_proxy_that_says_nothing_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    for (_, protocol) in KINDS {
        let proxy = proxy(protocol, port, None);
        let tunnel = Tunnel::new(proxy, Reach::PublicAndPrivate, Duration::from_millis(200));
        let error = tunnel.open("127.0.0.1", 443).await.err().unwrap();
        assert!(matches!(error, Error::TimedOut), "{error:?}");
    }
}

#[tokio::test]
async fn a_proxy_at_a_private_address_is_not_dialled() {
    let fake = FakeProxy::start(Speaks::Http).await;
    for (host, reach) in [
        ("127.0.0.1", Reach::Public),
        ("localhost", Reach::Public),
        ("10.0.0.1", Reach::Public),
        // Where clouds keep credentials: never.
        ("169.254.169.254", Reach::PublicAndPrivate),
    ] {
        let proxy = Proxy {
            host: host.into(),
            ..proxy(ProxyProtocol::Http, fake.port(), None)
        };
        let tunnel = Tunnel::new(proxy, reach, PATIENCE);
        let error = tunnel.open("127.0.0.1", 1).await.err().unwrap();
        assert!(matches!(error, Error::Blocked { .. }), "{host}: {error:?}");
    }
    assert_eq!(fake.turned_away() + fake.targets().len(), 0);
}

#[tokio::test]
async fn an_exchange_stays_in_public_networks() {
    let fake = FakeProxy::start(Speaks::Http).await;
    let tunnel = tunnel(proxy(ProxyProtocol::Http, fake.port(), None));
    for (url, what) in [
        ("https://127.0.0.1/", "out of bounds"),
        ("https://localhost/", "out of bounds"),
        ("http://mmg.whatsapp.test/", "not https"),
    ] {
        let exchange = Exchange {
            method: http::Method::GET,
            url: url.parse().unwrap(),
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
            timeout: PATIENCE,
            max_answer_bytes: 10,
        };
        let error = tunnel.exchange(exchange).await.unwrap_err();
        assert!(error.to_string().contains(what), "{url}: {error}");
    }
    assert_eq!(fake.targets(), [] as [String; 0]);
}
