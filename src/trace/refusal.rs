//! Why somebody on the way says that there is no way on.

use std::fmt;
use std::net::IpAddr;

/// What the code of an "unreachable" says: of ICMP type 3 (RFC 792, RFC 1812), of `ICMPv6` type 1 (RFC 4443).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no route to the network.
    Network,
    /// The network is here, and the host is not.
    Host,
    /// The host knows nothing of the protocol.
    Protocol,
    /// Nobody listens at the port.
    Port,
    /// Somebody forbids it.
    Prohibited,
    /// The address is none that may be spoken to from there.
    Scope,
    /// Another code.
    Other(u8),
}

/// The codes that have a meaning, of IPv4.
const V4: [(u8, Refusal); 5] =
    [(0, Refusal::Network), (1, Refusal::Host), (2, Refusal::Protocol), (3, Refusal::Port), (13, Refusal::Prohibited)];

/// The same of IPv6.
const V6: [(u8, Refusal); 5] =
    [(0, Refusal::Network), (1, Refusal::Prohibited), (2, Refusal::Scope), (3, Refusal::Host), (4, Refusal::Port)];

impl Refusal {
    /// What `code` means to the family of whoever said it.
    pub fn of(from: IpAddr, code: u8) -> Self {
        let found = codes(from).iter().find(|(known, _)| *known == code);
        found.map_or(Self::Other(code), |(_, refusal)| *refusal)
    }

    /// The code by which it is said in the family of `from`; `None` where it cannot be said.
    pub fn code(self, from: IpAddr) -> Option<u8> {
        match self {
            Self::Other(code) => Some(code),
            Self::Network | Self::Host | Self::Protocol | Self::Port | Self::Prohibited | Self::Scope => {
                codes(from).iter().find(|(_, refusal)| *refusal == self).map(|(code, _)| *code)
            }
        }
    }
}

fn codes(from: IpAddr) -> &'static [(u8, Refusal)] {
    if from.is_ipv4() { &V4 } else { &V6 }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network => f.write_str("network unreachable"),
            Self::Host => f.write_str("host unreachable"),
            Self::Protocol => f.write_str("protocol unreachable"),
            Self::Port => f.write_str("port unreachable"),
            Self::Prohibited => f.write_str("prohibited"),
            Self::Scope => f.write_str("beyond scope"),
            Self::Other(code) => write!(f, "unreachable, code {code}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_means_what_its_family_says_and_is_found_again() {
        let families: [IpAddr; 2] = ["203.0.113.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
        for from in families {
            for code in 0..=u8::MAX {
                assert_eq!(Refusal::of(from, code).code(from), Some(code));
            }
        }
        assert_eq!(families.map(|from| Refusal::of(from, 1)), [Refusal::Host, Refusal::Prohibited]);
        assert_eq!(families.map(|from| Refusal::Protocol.code(from)), [Some(2), None]);
    }
}
