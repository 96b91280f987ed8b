//! From WhatsApp's types to the contract's.

pub(crate) mod call;
pub(crate) mod history;
pub(crate) mod message;
pub(crate) mod proto_json;
pub(crate) mod receipt;
