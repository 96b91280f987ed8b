//! The proxy controller, described.

use serde_json::json;
use utoipa::ToSchema;

use super::{ProxyRow, SetReply};
use crate::api::openapi::{Document, Get, Post, Put, instance};

/// A proxy as the creation of an instance takes it.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
pub(in crate::api) struct ProxyFields {
    /// Empty for none. One that is named is tried.
    proxy_host: Option<String>,
    proxy_port: Option<String>,
    /// `http`, `https` or `socks5`.
    proxy_protocol: Option<String>,
    proxy_username: Option<String>,
    proxy_password: Option<String>,
}

/// A proxy. It may also stand under `proxy`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct SetProxyBody {
    /// `false` alone switches it off.
    enabled: bool,
    host: Option<String>,
    port: Option<String>,
    /// `http`, `https` or `socks5`.
    protocol: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

pub(in crate::api) fn describe(document: &mut Document) {
    document.chapter("Proxy", "Through what an instance connects to WhatsApp.");
    let kept = json!({
        "enabled": false,
        "host": "proxy.example.com",
        "port": "1080",
        "protocol": "socks5",
        "username": "ana",
        "password": "secret",
    });
    document.at(
        [Post, Put],
        "/proxy/set/{name}",
        instance("Set the proxy")
            .about("One that is on is tried before it is stored. An instance that is connected connects anew.")
            .body::<SetProxyBody>(&[
                ("off", json!({ "enabled": false })),
                ("kept for later", kept),
            ])
            .answers::<SetReply>(201, "What is stored."),
    );
    document.at(
        [Get],
        "/proxy/find/{name}",
        instance("Find the proxy").answers_or_null::<ProxyRow>(200, "Null before the first set."),
    );
}
