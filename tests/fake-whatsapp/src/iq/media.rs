//! Where to upload and download (`wacore/src/iq/mediaconn.rs`).

use wacore::iq::mediaconn::{HostType, MediaConnHostExtended, MediaConnResponseExtended};
use wacore::protocol::ProtocolNode as _;

use crate::addr::Addr;
use crate::iq::Answer;
use crate::world::World;

/// How long the list of hosts is good for, in seconds.
const ROUTE_TTL_SECS: u64 = 300;
/// How long an auth token is good for when no knob says otherwise, in seconds.
const AUTH_TTL_SECS: u64 = 6 * 3600;
const MAX_BUCKETS: u64 = 12;

impl World {
    /// Answers `<media_conn/>`.
    pub(crate) fn iq_media_conn(&self, addr: &Addr) -> Answer {
        let auth_ttl = match self.config.media_auth_ttl_secs {
            0 => AUTH_TTL_SECS,
            secs => secs,
        };
        let host = MediaConnHostExtended {
            upload: true,
            download: true,
            ..MediaConnHostExtended::simple(self.media.host(), HostType::Primary)
        };
        let answer = MediaConnResponseExtended {
            auth: self.media.issue_auth(&addr.phone, auth_ttl),
            ttl: ROUTE_TTL_SECS,
            auth_ttl: Some(auth_ttl),
            max_buckets: Some(MAX_BUCKETS),
            ip_token: None,
            set_ip_token: None,
            hosts: vec![host],
        };
        Answer::one(answer.into_node())
    }
}
