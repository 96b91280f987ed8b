//! How to start the server.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::config::Config;

/// Options of [`crate::FakeWhatsApp::start`].
#[derive(Clone, Debug)]
pub struct Options {
    /// Where clients connect. Port 0 takes a free one.
    pub ws: SocketAddr,
    /// Where tests and people give orders. Port 0 takes a free one.
    pub control: SocketAddr,
    /// Where files are uploaded and downloaded. Port 0 takes a free one.
    pub media: SocketAddr,
    /// Where the state is kept. Without it the state is gone at the end.
    pub state_dir: Option<PathBuf>,
    /// Knobs that can also be turned later.
    pub config: Config,
}

impl Default for Options {
    fn default() -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            ws: any,
            control: any,
            media: any,
            state_dir: None,
            config: Config::default(),
        }
    }
}
