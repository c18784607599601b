//! Which addresses a token endpoint may have.
//!
//! A participant that asks for a token names the endpoint, and the server calls it. Without these rules a
//! participant could reach what only the server's machine or network can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// From where an address can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// From the internet.
    Global,
    /// From this machine.
    Loopback,
    /// From this network: RFC 1918, shared (RFC 6598) and unique local (RFC 4193) addresses.
    Private,
    /// No token endpoint has such an address: link-local addresses, where clouds keep their machines' credentials,
    /// multicast, documentation and what is reserved.
    Reserved,
}

impl Reach {
    /// From where `address` can be reached. An IPv6 address that stands for an IPv4 one is judged as that one.
    pub(super) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

fn of_v4(address: Ipv4Addr) -> Reach {
    let [first, second, third, _] = address.octets();
    match (first, second, third) {
        (127, ..) => Reach::Loopback,
        (10, ..) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) => Reach::Private,
        // This network, multicast and reserved; link-local; IETF protocols, documentation and the former
        // 6to4 relays; documentation and benchmarks; documentation.
        (0 | 224.., ..)
        | (169, 254, _)
        | (192, 0, 0 | 2)
        | (192, 88, 99)
        | (198, 51, 100)
        | (198, 18 | 19, _)
        | (203, 0, 113) => Reach::Reserved,
        _ => Reach::Global,
    }
}

fn of_v6(address: Ipv6Addr) -> Reach {
    let embedded = |high: u16, low: u16| of_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Loopback,
        // IPv4-mapped (RFC 4291), NAT64 (RFC 6052), 6to4 (RFC 3056).
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => embedded(high, low),
        // Within what is private: where Amazon's machines find their credentials. Within what is global:
        // IETF protocols with Teredo, and two for documentation.
        [0xfd00, 0x0ec2, ..] | [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => {
            Reach::Reserved
        }
        [0xfc00..=0xfdff, ..] => Reach::Private,
        [0x2000..=0x3fff, ..] => Reach::Global,
        _ => Reach::Reserved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn all_are(reach: Reach, addresses: &[&str]) {
        for address in addresses {
            assert_eq!(Reach::of(address.parse().unwrap()), reach, "{address}");
        }
    }

    #[test]
    fn the_internet_is_global() {
        all_are(
            Reach::Global,
            &[
                "1.1.1.1",
                "100.63.255.255",
                "100.128.0.0",
                "172.15.0.1",
                "172.32.0.1",
                "192.0.1.1",
                "198.17.0.1",
                "223.255.255.255",
                "2606:4700::1111",
                "2001:4860:4860::8888",
                "::ffff:1.1.1.1",
                "64:ff9b::1.1.1.1",
                "2002:101:101::1",
            ],
        );
    }

    #[test]
    fn this_machine_is_loopback_in_every_notation() {
        all_are(
            Reach::Loopback,
            &[
                "127.0.0.1",
                "127.255.255.254",
                "::1",
                "::ffff:127.0.0.1",
                "64:ff9b::127.0.0.1",
                "2002:7f00:1::",
            ],
        );
    }

    #[test]
    fn networks_of_ones_own_are_private() {
        all_are(
            Reach::Private,
            &[
                "10.0.0.1",
                "172.16.0.1",
                "172.31.255.255",
                "192.168.1.1",
                "100.64.0.1",
                "100.127.255.255",
                "fc00::1",
                "fd12:3456::1",
                "::ffff:10.0.0.1",
                "64:ff9b::192.168.0.1",
                "2002:a00:1::",
            ],
        );
    }

    #[test]
    fn the_rest_is_reserved() {
        all_are(
            Reach::Reserved,
            &[
                "0.0.0.0",
                "0.1.2.3",
                "169.254.169.254",
                "192.0.0.1",
                "192.0.2.1",
                "198.51.100.1",
                "203.0.113.1",
                "192.88.99.1",
                "198.18.0.1",
                "198.19.255.255",
                "224.0.0.1",
                "240.0.0.1",
                "255.255.255.255",
                "::",
                "::2",
                "::1.1.1.1",
                "::ffff:169.254.169.254",
                "::ffff:0:1.1.1.1",
                "64:ff9b:1::1",
                "64:ff9b::169.254.169.254",
                "100::1",
                "2001::1",
                "2001:db8::1",
                "2002:a9fe:a9fe::",
                "3fff::1",
                "5f00::1",
                "fd00:ec2::254",
                "fe80::1",
                "fec0::1",
                "ff02::1",
            ],
        );
    }
}
