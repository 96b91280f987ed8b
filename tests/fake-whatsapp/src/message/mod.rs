//! Messages between devices: routing, acknowledgements, receipts.

mod group;
mod group_receipt;
mod receipt;
mod route;
mod stanza;
