//! The `whatsapp-rust` client, as we use it.

pub(crate) mod client;
pub(crate) mod dialer;
pub(crate) mod endpoint;
pub(crate) mod heard;
pub(crate) mod http;
pub(crate) mod qr;
pub(crate) mod route;
