//! Messages between devices: routing, acknowledgements, receipts.

mod receipt;
mod route;
mod stanza;
