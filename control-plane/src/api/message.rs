//! The message controller (contract § 2.5).

mod send_text;
mod send_text_request;

pub(super) use send_text::send_text;
