//! Clients that people run manage instances, unchanged: what they send is understood, and they
//! understand what they are told.

mod n8n;
mod python;
