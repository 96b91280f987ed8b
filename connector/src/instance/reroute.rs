//! When an instance has to connect again because it goes another way.

use pombal_domain::{Instance, ProxyConfig, ProxyServer};

use crate::instance::supervisor::Supervisor;

impl Supervisor {
    /// Whether the client that runs goes on with `row`, once adopted.
    pub(super) fn would_go_on(&self, row: &Instance) -> bool {
        self.would_want_socket(row) && !self.would_reroute(row)
    }

    /// Whether `row`, once adopted, leads through another proxy than the client that runs.
    pub(super) fn would_reroute(&self, row: &Instance) -> bool {
        let newest = newest(self.row.proxy.as_ref(), row.proxy.as_ref());
        active(newest) != active(self.row.proxy.as_ref())
    }
}

/// The later of two looks at an instance's proxy. Rows may be read before a change and arrive
/// after it; such a row must not lead around a proxy that is known already.
pub(super) fn newest<'a>(
    known: Option<&'a ProxyConfig>,
    read: Option<&'a ProxyConfig>,
) -> Option<&'a ProxyConfig> {
    match (known, read) {
        (Some(known), Some(read)) if read.revision < known.revision => Some(known),
        (Some(known), None) => Some(known),
        (_, read) => read,
    }
}

fn active(proxy: Option<&ProxyConfig>) -> Option<&ProxyServer> {
    proxy.and_then(ProxyConfig::active)
}

#[cfg(test)]
mod tests {
    use super::*;

    use pombal_domain::ProxyProtocol;
    use pombal_domain::time::UnixMs;

    fn proxy(revision: u64, enabled: bool) -> ProxyConfig {
        let server = ProxyServer {
            protocol: ProxyProtocol::Http,
            host: "proxy.test".into(),
            port: 80,
            username: None,
            password_sealed: None,
        };
        ProxyConfig {
            id: Default::default(),
            revision,
            enabled,
            server: Some(server),
            created_at: UnixMs(0),
            updated_at: UnixMs(0),
        }
    }

    #[test]
    fn an_old_row_leads_around_no_proxy() {
        let (old, new) = (proxy(1, false), proxy(2, true));
        assert_eq!(newest(Some(&new), None), Some(&new));
        assert_eq!(newest(Some(&new), Some(&old)), Some(&new));
        assert_eq!(newest(Some(&old), Some(&new)), Some(&new));
        assert_eq!(newest(None, Some(&new)), Some(&new));
        assert_eq!(newest(None, None), None);
        // Switched off later: that counts.
        let off = proxy(3, false);
        assert_eq!(active(newest(Some(&new), Some(&off))), None);
        assert!(active(Some(&new)).is_some());
    }
}
