//! Messages between devices: routing, acknowledgements, receipts.

mod group;
mod group_receipt;
mod media_retry;
mod receipt;
mod receipt_forward;
mod retry;
mod route;
mod stanza;
mod status_receipt;
