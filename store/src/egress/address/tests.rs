use super::*;

const PUBLIC: &str = "
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 126.255.255.255 128.0.0.0 100.63.255.255 100.128.0.0
    169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0
    192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0
    198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0 223.255.255.255 2000:: 2001:200::
    2001:db7:ffff:: 2001:db9:: 2606:4700:4700::1111 3ffe:ffff:: 3fff:1000:: ::ffff:8.8.8.8
    64:ff9b::8.8.8.8 2002:808:808::1
";

const PRIVATE: &str = "
    10.0.0.0 10.255.255.255 127.0.0.1 127.255.255.255 172.16.0.0 172.31.255.255 192.168.0.0
    192.168.255.255 100.64.0.0 100.127.255.255 ::1 fc00:: fd12:3456::1 fdff:ffff:: fd00:ec2::254
    ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:192.168.1.1 ::ffff:100.64.0.1 64:ff9b::127.0.0.1
    64:ff9b::10.1.2.3 2002:7f00:1:: 2002:a00:1::1 2002:c0a8:101::1 2002:ac10:1::1
";

const NEVER: &str = "
    0.0.0.0 0.1.2.3 0.255.255.255 169.254.0.0 169.254.169.254 169.254.170.2 169.254.255.255
    192.0.0.0 192.0.0.170 192.0.2.0 192.0.2.255 198.51.100.7 203.0.113.255 192.88.99.1
    198.18.0.0 198.19.255.255 224.0.0.0 224.0.0.251 239.255.255.255 240.0.0.0 254.255.255.255
    255.255.255.255 :: ::2 ::7f00:1 ::10.0.0.1 ::8.8.8.8 ::ffff:0:7f00:1 100::1 fe80::1
    febf:ffff:: fec0::1 feff::1 ff00:: ff02::1 ffff:: 2001:: 2001:0:7f00:1::1 2001:2::1
    2001:10::1 2001:20::1 2001:1ff:ffff:: 2001:db8::1 3fff::1 3fff:fff:ffff:: 4000:: 5f00::1
    1fff:: 64:ff9b:1::1 64:ff9b:1::8.8.8.8 64:ff9a::8.8.8.8 64:ff9b::1:0808:0808
    ::ffff:169.254.169.254 ::ffff:0.0.0.0 ::ffff:224.0.0.1 ::ffff:255.255.255.255
    64:ff9b::169.254.169.254 64:ff9b:: 2002:a9fe:a9fe::1 2002::1 2002:e000:1::
";

#[test]
fn every_special_range_is_judged_at_its_edges() {
    for (addresses, public, private) in [
        (PUBLIC, true, true),
        (PRIVATE, false, true),
        (NEVER, false, false),
    ] {
        for address in addresses.split_whitespace() {
            let addr: IpAddr = address.parse().unwrap();
            assert_eq!(is_allowed(addr, Reach::Public), public, "{address}");
            assert_eq!(
                is_allowed(addr, Reach::PublicAndPrivate),
                private,
                "{address}"
            );
        }
    }
}

#[test]
fn an_address_fares_no_better_in_ipv6() {
    // Every /16 of IPv4, its first and its last address.
    for top in 0..=0xffff_u32 {
        for addr in [top << 16, (top << 16) | 0xffff] {
            let v4 = Ipv4Addr::from(addr);
            let [a, b, c, d] = v4.octets().map(u16::from);
            let (high, low) = ((a << 8) | b, (c << 8) | d);
            for v6 in [
                v4.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            ] {
                for reach in [Reach::Public, Reach::PublicAndPrivate] {
                    let allowed = is_allowed(v4.into(), reach);
                    assert_eq!(is_allowed(v6.into(), reach), allowed, "{v6}");
                }
            }
            let compatible = Ipv6Addr::from_bits(u128::from(v4.to_bits()));
            assert!(
                !is_allowed(compatible.into(), Reach::Public),
                "{compatible}"
            );
        }
    }
}
