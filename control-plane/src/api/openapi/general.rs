//! Routes that are about no instance.

use serde_json::json;
use utoipa::ToSchema;

use super::{Document, Get, Post, global, public};
use crate::api::root::Welcome;

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Health {
    /// `ok`, or `unavailable`.
    status: String,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct ValidCredentials {
    status: u16,
    message: String,
}

pub(super) fn describe(document: &mut Document) {
    document.chapter(
        "General",
        "Whether the API is there, and whether a key is the global one.",
    );
    document.at(
        [Get],
        "/",
        public("Say welcome")
            .about("The `version` is that of the contract.")
            .answers::<Welcome>(200, "The API is there."),
    );
    for path in ["/health", "/healthz"] {
        let alive = public("Whether the process runs");
        document.at([Get], path, alive.answers::<Health>(200, "It does."));
    }
    document.at(
        [Get],
        "/readyz",
        public("Whether the process can serve")
            .answers::<Health>(503, "The registry does not answer.")
            .answers::<Health>(200, "It can."),
    );
    document.at(
        [Post],
        "/verify-creds",
        global("Check the global key").answers::<ValidCredentials>(200, "It is the global key."),
    );
    document.at(
        [Get],
        "/media/{instance}/{name}",
        public("Show a medium")
            .about(
                "The link is the key: it comes with a message, with its `expires` and its \
                 `signature`. On AWS links lead elsewhere, and nothing is here.",
            )
            .query(
                "expires",
                "When the link ends, in seconds since the Unix epoch.",
                json!(1),
            )
            .query("signature", "What makes it a link.", json!("0"))
            .refuses(401, "It is no link, or no longer.", json!("Unauthorized"))
            .refuses(404, "Nothing is there.", json!(["Media not found"]))
            .answers_raw(200, "*/*", "The medium."),
    );
    document.at(
        [Get],
        "/metrics",
        global("Show metrics")
            .or_login()
            .about(
                "The states of all instances in Prometheus' text format. Not there unless \
                 `PROMETHEUS_METRICS` is true. The global key opens it; besides, whoever has the \
                 login and the address that `METRICS_AUTH_REQUIRED` and `METRICS_ALLOWED_IPS` ask \
                 for, if there is one of them.",
            )
            .answers_raw(401, "text/plain", "Neither the global key nor the login.")
            .answers_raw(403, "text/plain", "Not from this address.")
            .refuses(404, "There are no metrics.", json!(["Cannot GET /metrics"]))
            .answers_raw(200, "text/plain", "Prometheus' text format, 0.0.4."),
    );
    document.at(
        [Get],
        "/openapi.json",
        public("This document")
            .about("Not there when `SERVER_DISABLE_DOCS` is true.")
            .answers_raw(200, "application/json", "OpenAPI 3.1."),
    );
    document.at(
        [Get],
        "/docs",
        public("This document as a page")
            .about("Not there when `SERVER_DISABLE_DOCS` is true.")
            .answers_raw(
                200,
                "text/html",
                "A page that needs nothing from elsewhere.",
            ),
    );
}
