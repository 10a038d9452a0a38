//! What kind of address an IP address is.
//!
//! The ranges are those of the IANA special-purpose address registries (RFC 6890 and the registries it founded).
//! An IPv6 address that stands for an IPv4 address, because a gateway or the kernel translates it, is also known
//! by the IPv4 address inside it: see [`embedded`].

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is for, where it is not for the public Internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressClass {
    /// 0.0.0.0/8 and ::, "this network".
    Unspecified,
    /// 10/8, 172.16/12, 192.168/16 and the IPv6 unique local fc00::/7.
    Private,
    /// 127/8 and ::1.
    Loopback,
    /// 169.254/16, where clouds keep their metadata services, and fe80::/10.
    LinkLocal,
    /// 100.64/10, behind a provider's address translation.
    Shared,
    /// 192.0.0/24 and 2001::/23, set aside for protocols.
    Protocol,
    /// 192.0.2/24, 198.51.100/24, 203.0.113/24, 2001:db8::/32, 3fff::/20.
    Documentation,
    /// 198.18/15, for tests of network devices.
    Benchmarking,
    /// 224/4 and ff00::/8.
    Multicast,
    /// 255.255.255.255.
    Broadcast,
    /// 64:ff9b:1::/48, an operator's own translation to IPv4. Where in it the IPv4 address stands is not settled.
    LocalTranslation,
    /// 240/4, and all of IPv6 outside 2000::/3 that has no use named here.
    Reserved,
}

impl AddressClass {
    /// Every class.
    pub const ALL: [Self; 12] = [
        Self::Unspecified,
        Self::Private,
        Self::Loopback,
        Self::LinkLocal,
        Self::Shared,
        Self::Protocol,
        Self::Documentation,
        Self::Benchmarking,
        Self::Multicast,
        Self::Broadcast,
        Self::LocalTranslation,
        Self::Reserved,
    ];

    /// The name used in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Private => "private",
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::Shared => "shared (provider NAT)",
            Self::Protocol => "protocol-assigned",
            Self::Documentation => "documentation",
            Self::Benchmarking => "benchmarking",
            Self::Multicast => "multicast",
            Self::Broadcast => "broadcast",
            Self::LocalTranslation => "local NAT64",
            Self::Reserved => "reserved",
        }
    }
}

impl fmt::Display for AddressClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The class of `address`, or `None` where it is a public unicast address. An IPv6 address is judged as such here;
/// the IPv4 address inside it, if there is one, by the caller.
#[must_use]
pub fn classify(address: IpAddr) -> Option<AddressClass> {
    match address {
        IpAddr::V4(address) => classify_v4(address),
        IpAddr::V6(address) => classify_v6(address),
    }
}

fn classify_v4(address: Ipv4Addr) -> Option<AddressClass> {
    Some(match address.octets() {
        [0, ..] => AddressClass::Unspecified,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => AddressClass::Private,
        [100, 64..=127, ..] => AddressClass::Shared,
        [127, ..] => AddressClass::Loopback,
        [169, 254, ..] => AddressClass::LinkLocal,
        [192, 0, 0, _] => AddressClass::Protocol,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => AddressClass::Documentation,
        [198, 18..=19, ..] => AddressClass::Benchmarking,
        [224..=239, ..] => AddressClass::Multicast,
        [255, 255, 255, 255] => AddressClass::Broadcast,
        [240..=255, ..] => AddressClass::Reserved,
        _ => return None,
    })
}

fn classify_v6(address: Ipv6Addr) -> Option<AddressClass> {
    if address.is_unspecified() {
        return Some(AddressClass::Unspecified);
    }
    if address.is_loopback() {
        return Some(AddressClass::Loopback);
    }
    Some(match address.segments() {
        [0xfc00..=0xfdff, ..] => AddressClass::Private,
        [0xfe80..=0xfebf, ..] => AddressClass::LinkLocal,
        [0xff00..=0xffff, ..] => AddressClass::Multicast,
        [0x64, 0xff9b, 1, ..] => AddressClass::LocalTranslation,
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..] => AddressClass::Documentation,
        [0x2001, 0..=0x01ff, ..] => AddressClass::Protocol,
        [0x2000..=0x3fff, ..] => return None,
        _ => AddressClass::Reserved,
    })
}

/// An IPv4 address that an IPv6 address stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Embedded {
    /// The IPv6 address is only another spelling: what is inside decides.
    Instead([Ipv4Addr; 2]),
    /// The IPv6 address is one in its own right as well: both decide.
    Besides(Ipv4Addr),
}

/// The IPv4 address inside an IPv6 address, if it is of a form that has one.
///
/// Mapped (::ffff:0:0/96), compatible (::/96, obsolete) and translated (::ffff:0:0:0/96, RFC 2765) forms, NAT64
/// (64:ff9b::/96, RFC 6052), 6to4 (2002::/16, RFC 3056), Teredo (2001::/32, RFC 4380: its server and, inverted,
/// its client) and interface identifiers of ISATAP (RFC 5214).
#[must_use]
pub fn embedded(address: Ipv6Addr) -> Option<Embedded> {
    if address.is_unspecified() || address.is_loopback() {
        return None;
    }
    let segments = address.segments();
    let v4 = |at: usize| {
        let [a, b] = segments[at].to_be_bytes();
        let [c, d] = segments[at + 1].to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
            Some(Embedded::Instead([v4(6); 2]))
        }
        [0x2002, ..] => Some(Embedded::Instead([v4(1); 2])),
        [0x2001, 0, ..] => {
            let client = Ipv4Addr::from_bits(!v4(6).to_bits());
            Some(Embedded::Instead([v4(2), client]))
        }
        [_, _, _, _, 0 | 0x200, 0x5efe, ..] => Some(Embedded::Besides(v4(6))),
        _ => None,
    }
}
