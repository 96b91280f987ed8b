//! The API's description in OpenAPI 3.1, made of the types that handlers answer with.
//!
//! Each controller describes its own routes in a file `describe.rs` beside its handlers; the
//! others are in here. `docs/adding-an-endpoint.md` says how. Nothing of this runs in a server:
//! it serves `docs/openapi.json`, which a test compares with what is made here.

mod document;
mod errors;
mod general;
mod named;
mod operation;
mod parameters;

pub(super) use document::Document;
pub(super) use operation::{Operation, business, global, instance, public};
pub(super) use utoipa::openapi::HttpMethod::{Delete, Get, Post, Put};

use utoipa::openapi::OpenApi;

use super::{absent, admin, instance, message, meta, proxy, settings, sink, template, webhook};

/// The description of every route. Made anew by each call.
///
/// # Panics
/// When two types are described under one name: a slip that tests see.
#[must_use]
pub fn document() -> OpenApi {
    let mut document = Document::new();
    general::describe(&mut document);
    instance::describe(&mut document);
    message::describe(&mut document);
    webhook::describe(&mut document);
    sink::describe(&mut document);
    settings::describe(&mut document);
    proxy::describe(&mut document);
    message::describe_cloud(&mut document);
    template::describe(&mut document);
    meta::describe(&mut document);
    absent::describe(&mut document);
    admin::describe(&mut document);
    document.finish()
}
