//! The wire: framing, the Noise handshake, certificates, and one task per socket.

pub(crate) mod certs;
pub(crate) mod frames;
pub(crate) mod handshake;
pub(crate) mod listener;
pub(crate) mod noise;
pub(crate) mod parting;
pub(crate) mod payload;
pub(crate) mod session;
