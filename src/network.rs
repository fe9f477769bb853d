//! Who carries things: autonomous systems, and what an address can be at all.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// An autonomous system number (RFC 6793: 32 bits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Asn(pub u32);

impl fmt::Display for Asn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AS{}", self.0)
    }
}

/// Why a text is not an autonomous system number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an AS number: write 23888 or AS23888")]
pub struct InvalidAsn(String);

impl FromStr for Asn {
    type Err = InvalidAsn;

    /// Accepts `23888` and `AS23888`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("AS").or_else(|| text.strip_prefix("as")).unwrap_or(text);
        digits.parse().map(Self).map_err(|_| InvalidAsn(text.chars().take(40).collect()))
    }
}

/// How addresses of a network relate to places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkKind {
    /// An access, transit or hosting network: an address of it is in one place.
    #[default]
    Ordinary,
    /// A shared content-delivery or scrubbing network: where its addresses are served depends on who asks.
    Edge,
    /// A hyperscaler that mixes regions and edges in one network: its addresses may be either.
    Cloud,
}

impl NetworkKind {
    /// The kind that allows the fewest conclusions, where sources disagree.
    #[must_use]
    pub fn max_sharing(self, other: Self) -> Self {
        match (self, other) {
            (Self::Edge, _) | (_, Self::Edge) => Self::Edge,
            (Self::Cloud, _) | (_, Self::Cloud) => Self::Cloud,
            (Self::Ordinary, Self::Ordinary) => Self::Ordinary,
        }
    }
}

/// What an address can be, by the IANA special-purpose registries (RFC 6890 and its updates) of
/// [IPv4](https://www.iana.org/assignments/iana-ipv4-special-registry) and
/// [IPv6](https://www.iana.org/assignments/iana-ipv6-special-registry).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddressScope {
    /// Globally reachable unicast.
    Global,
    /// Private use (RFC 1918, RFC 4193).
    Private,
    /// Shared by carriers behind NAT (RFC 6598).
    Shared,
    /// The host itself (RFC 1122, RFC 4291).
    Loopback,
    /// One link only (RFC 3927, RFC 4291).
    LinkLocal,
    /// Several receivers (RFC 5771, RFC 4291).
    Multicast,
    /// Reached by way of whichever site or relay is next to who asks, and so in no place: AS112 (RFC 7534, RFC 7535), AMT
    /// (RFC 7450), 6to4 (RFC 3056, RFC 3068), Teredo (RFC 4380), IPv4 translated into IPv6 (RFC 6052, RFC 8215).
    Relayed,
    /// Everything else that never answers on the Internet: documentation, benchmarking, discard,
    /// identifiers that are no locators (ORCHID, `SRv6`), reserved, unspecified.
    Reserved,
}

impl AddressScope {
    /// The scope of `address`. An IPv4-mapped IPv6 address has the scope of the IPv4 address in it.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::of_v4(v4),
            IpAddr::V6(v6) => Self::of_v6(v6),
        }
    }

    /// Whether an address of this scope can be located at all.
    pub fn is_global(self) -> bool {
        self == Self::Global
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        let [a, b, c, _] = address.octets();
        match (a, b, c) {
            (10, _, _) | (172, 16..=31, _) | (192, 168, _) => Self::Private,
            (100, 64..=127, _) => Self::Shared,
            (127, _, _) => Self::Loopback,
            (169, 254, _) => Self::LinkLocal,
            (224..=239, _, _) => Self::Multicast,
            (192, 31, 196) | (192, 52, 193) | (192, 88, 99) | (192, 175, 48) => Self::Relayed,
            (0 | 240..=255, _, _) | (192, 0, 0 | 2) | (198, 18..=19, _) | (198, 51, 100) | (203, 0, 113) => {
                Self::Reserved
            }
            _ => Self::Global,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        let [first, second, third, fourth, ..] = address.segments();
        if address.is_loopback() {
            Self::Loopback
        } else if address.is_multicast() {
            Self::Multicast
        } else if first & 0xfe00 == 0xfc00 {
            Self::Private
        } else if first & 0xffc0 == 0xfe80 {
            Self::LinkLocal
        } else {
            match (first, second, third, fourth) {
                // IPv4 translated, by the prefix known to all.
                (0x64, 0xff9b, 0, 0) if address.segments()[4..6] == [0, 0] => Self::Relayed,
                // Teredo, AMT and AS112 among the assignments to protocols, 6to4, AS112 once more, and local translations.
                (0x2001, 0 | 3, ..)
                | (0x2001, 4, 0x112, _)
                | (0x2002, ..)
                | (0x2620, 0x4f, 0x8000, _)
                | (0x64, 0xff9b, 1, _) => Self::Relayed,
                // Other assignments to protocols, and documentation.
                (0x2001, 0..=0x1ff | 0xdb8, ..) | (0x3fff, 0..=0xfff, ..) => Self::Reserved,
                (0x2000..=0x3fff, ..) => Self::Global,
                _ => Self::Reserved,
            }
        }
    }
}

/// What a probe is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Echo request of `ICMP` or `ICMPv6`.
    Icmp,
    /// UDP to a high port.
    Udp,
    /// TCP to the workload's own port ([`crate::contact`] measures the whole handshake).
    Tcp,
}

impl Protocol {
    /// The word used in metrics, JSON and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Icmp => "icmp",
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is no prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPrefix {
    /// It is something else.
    #[error("{0:?} is not a prefix: write 203.101.184.0/24")]
    NoPrefix(String),
    /// It is an address alone.
    #[error("{0} is an address alone: write {1}")]
    Address(IpAddr, IpNet),
    /// It names an address in the prefix.
    #[error("{0} has host bits set: write {1} for the whole prefix")]
    HostBits(IpNet, IpNet),
}

/// A prefix whose host bits are zero.
pub fn prefix(text: &str) -> Result<IpNet, InvalidPrefix> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Err(InvalidPrefix::Address(address, address.into()));
    }
    let net: IpNet = text.parse().map_err(|_| InvalidPrefix::NoPrefix(shortened(text)))?;
    if net.trunc() == net { Ok(net) } else { Err(InvalidPrefix::HostBits(net, net.trunc())) }
}

fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_as_number_may_carry_its_prefix() {
        assert_eq!("AS23888".parse(), Ok(Asn(23888)));
        assert_eq!("23888".parse(), Ok(Asn(23888)));
        assert!("AS-1".parse::<Asn>().is_err());
        assert!("4294967296".parse::<Asn>().is_err());
    }

    #[test]
    fn scopes_follow_the_special_purpose_registries() {
        for (address, scope) in [
            ("203.101.184.84", AddressScope::Global),
            ("10.10.34.36", AddressScope::Private),
            ("100.64.0.1", AddressScope::Shared),
            ("192.0.2.1", AddressScope::Reserved),
            ("255.255.255.255", AddressScope::Reserved),
            ("::ffff:10.0.0.1", AddressScope::Private),
            ("2400:adc0::1", AddressScope::Global),
            ("2001:db8::1", AddressScope::Reserved),
            ("fe80::1", AddressScope::LinkLocal),
            ("fd00::1", AddressScope::Private),
            ("::1", AddressScope::Loopback),
            ("::", AddressScope::Reserved),
            // What a name must never lead us to: this host by other names, and what tells machines in clouds their keys.
            ("0.0.0.0", AddressScope::Reserved),
            ("127.255.255.254", AddressScope::Loopback),
            ("::ffff:127.0.0.1", AddressScope::Loopback),
            ("::127.0.0.1", AddressScope::Reserved),
            ("64:ff9b::7f00:1", AddressScope::Relayed),
            ("2002:7f00:1::", AddressScope::Relayed),
            ("169.254.169.254", AddressScope::LinkLocal),
            ("::ffff:169.254.169.254", AddressScope::LinkLocal),
            ("100.100.100.200", AddressScope::Shared),
            ("fd00:ec2::254", AddressScope::Private),
            ("fe80::a9fe:a9fe", AddressScope::LinkLocal),
            ("febf::1", AddressScope::LinkLocal),
            ("fec0::1", AddressScope::Reserved),
            ("192.31.195.255", AddressScope::Global),
            ("192.31.196.1", AddressScope::Relayed),
            ("192.52.193.1", AddressScope::Relayed),
            ("192.88.99.1", AddressScope::Relayed),
            ("192.88.100.1", AddressScope::Global),
            ("192.175.48.1", AddressScope::Relayed),
            ("2001:0:1:2::3", AddressScope::Relayed),
            ("2001:2::1", AddressScope::Reserved),
            ("2001:3::1", AddressScope::Relayed),
            ("2001:4:112::1", AddressScope::Relayed),
            ("2001:10::1", AddressScope::Reserved),
            ("2001:20::1", AddressScope::Reserved),
            ("2001:2f:ffff::1", AddressScope::Reserved),
            ("2001:1ff:ffff::1", AddressScope::Reserved),
            ("2001:200::1", AddressScope::Global),
            ("2002:7171:3656::1", AddressScope::Relayed),
            ("2003::1", AddressScope::Global),
            ("2620:4f:8000::1", AddressScope::Relayed),
            ("2620:4f:8001::1", AddressScope::Global),
            ("3fff:fff::1", AddressScope::Reserved),
            ("64:ff9b::7171:3656", AddressScope::Relayed),
            ("64:ff9b:0:0:1::1", AddressScope::Reserved),
            ("64:ff9b:1:2::1", AddressScope::Relayed),
            ("64:ff9b:2::1", AddressScope::Reserved),
            ("5f00::1", AddressScope::Reserved),
            ("100::1", AddressScope::Reserved),
        ] {
            assert_eq!(AddressScope::of(address.parse().unwrap()), scope, "{address}");
        }
    }

    #[test]
    fn what_is_no_prefix_is_told_with_its_cure() {
        for (text, why) in [
            ("203.0.113.7/24", "203.0.113.7/24 has host bits set: write 203.0.113.0/24 for the whole prefix"),
            ("203.0.113.7", "203.0.113.7 is an address alone: write 203.0.113.7/32"),
            ("2001:db8::1", "2001:db8::1 is an address alone: write 2001:db8::1/128"),
            ("203.0.113.0/33", "\"203.0.113.0/33\" is not a prefix: write 203.101.184.0/24"),
            ("\u{1b}[2J", "\"\\u{1b}[2J\" is not a prefix: write 203.101.184.0/24"),
        ] {
            assert_eq!(prefix(text).unwrap_err().to_string(), why);
        }
        assert_eq!(prefix("0.0.0.0/0").unwrap().prefix_len(), 0);
    }
}
