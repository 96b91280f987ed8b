//! A DNS resolver that hands on allowed addresses only.

use std::net::{IpAddr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::{Reach, is_allowed};

/// Why a name leads nowhere. Travels through the HTTP client's error, which hides its type.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("every address of the host is out of bounds")]
    Blocked(IpAddr),
    #[error("host name does not resolve")]
    Failed(#[source] std::io::Error),
    #[error("host name has no addresses")]
    Empty,
}

pub(super) struct GuardedResolver {
    reach: Reach,
}

impl GuardedResolver {
    pub(super) fn new(reach: Reach) -> Self {
        Self { reach }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.reach;
        Box::pin(async move {
            // The client sets the port of the URL.
            let found = tokio::net::lookup_host((name.as_str(), 0))
                .await
                .map_err(Refused::Failed)?;
            let allowed = filter(found, reach)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// The allowed ones of the addresses found, in their order.
pub(super) fn filter(
    found: impl Iterator<Item = SocketAddr>,
    reach: Reach,
) -> Result<Vec<SocketAddr>, Refused> {
    let (allowed, refused): (Vec<_>, Vec<_>) =
        found.partition(|found| is_allowed(found.ip(), reach));
    match refused.first() {
        _ if !allowed.is_empty() => Ok(allowed),
        Some(refused) => Err(Refused::Blocked(refused.ip())),
        None => Err(Refused::Empty),
    }
}
