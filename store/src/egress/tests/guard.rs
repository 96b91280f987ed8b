//! The guard: literals, names, and what gets past the first door.

use std::net::SocketAddr;

use super::*;
use crate::egress::resolver::{Refused, filter};

#[test]
fn literal_addresses_are_judged_however_they_are_written() {
    let strict = egress(false);
    for blocked in [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://0x7f.1/",
        "http://127.0.0.1./",
        "http://127.0.0.1:8080/",
        "http://%31%32%37.0.0.1/",
        "http://①②⑦.0.0.1/",
        "http://user:pass@127.0.0.1/",
        "https://10.0.0.1/",
        "http://192.168.1.1/",
        "http://172.16.0.1/",
        "http://100.64.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://0xa9fea9fe/",
        "http://2852039166/",
        "http://0/",
        "http://0.0.0.0/",
        "http://255.255.255.255/",
        "http://224.0.0.1/",
        "http://[::1]/",
        "http://[::]/",
        "http://[0:0:0:0:0:0:0:1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::10.0.0.1]/",
        "http://[2002:7f00:1::]/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://localhost/",
        "http://LOCALHOST:80/",
        "http://localhost./",
        "http://a.localhost/",
        "http://a.b.LocalHost../",
    ] {
        let url = match Url::parse(blocked) {
            Ok(url) => url,
            Err(error) => panic!("{blocked}: {error}"),
        };
        let checked = strict.check_literal(&url);
        assert!(
            matches!(checked, Err(Error::Blocked { .. })),
            "{blocked}: {checked:?}"
        );
    }
    for fine in [
        "http://example.com/",
        "https://example.com:8443/a?b",
        "http://8.8.8.8/",
        "http://[2606:4700::1111]/",
        "http://localhost.example.com/",
        "http://notlocalhost/",
    ] {
        strict.check_literal(&Url::parse(fine).unwrap()).unwrap();
    }
    for bad in [
        "ftp://example.com/",
        "file:///etc/passwd",
        "data:text/plain,x",
        "unix:/run/x",
    ] {
        let checked = strict.check_literal(&Url::parse(bad).unwrap());
        assert!(
            matches!(checked, Err(Error::InvalidUrl(_))),
            "{bad}: {checked:?}"
        );
    }
}

#[test]
fn private_addresses_can_be_allowed_but_not_link_local_ones() {
    let open = egress(true);
    for fine in [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://10.0.0.1/",
        "http://[::1]/",
    ] {
        open.check_literal(&Url::parse(fine).unwrap()).unwrap();
    }
    for never in [
        "http://169.254.169.254/",
        "http://[fe80::1]/",
        "http://0.0.0.0/",
    ] {
        let checked = open.check_literal(&Url::parse(never).unwrap());
        assert!(
            matches!(checked, Err(Error::Blocked { .. })),
            "{never}: {checked:?}"
        );
    }
}

#[tokio::test]
async fn nothing_private_is_connected_to() {
    let server = Server::start("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let strict = egress(false);
    let by_name = Url::parse(&format!("http://localhost:{}/", server.port())).unwrap();
    for url in [server.url("/"), by_name.clone()] {
        let answer = strict
            .post_json(&url, &HeaderMap::new(), Bytes::new(), PATIENCE)
            .await;
        assert!(matches!(answer, Err(Error::Blocked { .. })), "{answer:?}");
    }
    // Past the first door, as a public name with a private address gets: the resolver refuses.
    let error = strict
        .client
        .post(by_name)
        .send()
        .await
        .map_err(Error::from)
        .unwrap_err();
    assert!(
        matches!(error, Error::Blocked { addr } if addr.is_loopback()),
        "{error:?}"
    );
    assert!(server.requests().is_empty());
}

#[test]
fn a_name_leads_to_its_allowed_addresses_only() {
    let addresses = |list: &[&str]| -> Vec<SocketAddr> {
        list.iter()
            .map(|addr| SocketAddr::new(addr.parse().unwrap(), 0))
            .collect()
    };
    let mixed = addresses(&[
        "10.0.0.1",
        "8.8.8.8",
        "169.254.169.254",
        "2606:4700::1",
        "::1",
    ]);
    let public = filter(mixed.clone().into_iter(), Reach::Public).unwrap();
    assert_eq!(public, addresses(&["8.8.8.8", "2606:4700::1"]));
    let wider = filter(mixed.into_iter(), Reach::PublicAndPrivate).unwrap();
    assert_eq!(
        wider,
        addresses(&["10.0.0.1", "8.8.8.8", "2606:4700::1", "::1"])
    );
    let private = filter(addresses(&["10.0.0.1", "::1"]).into_iter(), Reach::Public);
    assert!(matches!(private, Err(Refused::Blocked(addr)) if addr.to_string() == "10.0.0.1"));
    assert!(matches!(
        filter([].into_iter(), Reach::Public),
        Err(Refused::Empty)
    ));
}
