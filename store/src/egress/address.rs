//! Which addresses may be reached.
//!
//! The registries: <https://www.iana.org/assignments/iana-ipv4-special-registry> and
//! <https://www.iana.org/assignments/iana-ipv6-special-registry>.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far requests may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The public internet only.
    Public,
    /// Also loopback and private networks.
    PublicAndPrivate,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Public,
    /// Loopback, and networks that an operator may run.
    Private,
    /// What no receiver has: link-local, multicast, reserved, documentation.
    Never,
}

/// Whether requests within `reach` may go to `addr`. IPv6 addresses that carry an IPv4
/// address (mapped, NAT64, 6to4) are judged by it.
#[must_use]
pub fn is_allowed(addr: IpAddr, reach: Reach) -> bool {
    let class = match addr {
        IpAddr::V4(addr) => class_v4(addr),
        IpAddr::V6(addr) => class_v6(addr),
    };
    match class {
        Class::Public => true,
        Class::Private => reach == Reach::PublicAndPrivate,
        Class::Never => false,
    }
}

fn class_v4(addr: Ipv4Addr) -> Class {
    match addr.octets() {
        // Loopback; private (RFC 1918); shared by carriers, and by overlay networks.
        [127, ..] | [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => {
            Class::Private
        }
        // This network; link-local, with the clouds' metadata services.
        [0, ..] | [169, 254, ..] => Class::Never,
        // Protocol assignments; documentation; 6to4 relays; benchmarking.
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Class::Never,
        [192, 88, 99, _] | [198, 18..=19, ..] => Class::Never,
        // Multicast; reserved; broadcast.
        [224..=255, ..] => Class::Never,
        _ => Class::Public,
    }
}

fn class_v6(addr: Ipv6Addr) -> Class {
    let s = addr.segments();
    match s {
        [0, 0, 0, 0, 0, 0, 0, 1] => Class::Private,
        // IPv4-mapped and NAT64 (RFC 6052): the address is at the end.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            class_v4(embedded(high, low))
        }
        // 6to4: after the prefix.
        [0x2002, high, low, ..] => class_v4(embedded(high, low)),
        // Unique local.
        [0xfc00..=0xfdff, ..] => Class::Private,
        // Protocol assignments with Teredo, benchmarking and ORCHID; documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Class::Never,
        // All that is assigned for the public internet so far.
        [0x2000..=0x3fff, ..] => Class::Public,
        _ => Class::Never,
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
}

#[cfg(test)]
mod tests;
