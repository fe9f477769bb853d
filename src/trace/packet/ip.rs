//! The datagram around a probe, for those who carry it themselves: the kernel does this for real sockets.

use std::net::IpAddr;

use super::checksum::Sum;
use super::probe::SEGMENT;

/// The protocol number of ICMP.
pub const ICMP: u8 = 1;
/// The protocol number of TCP.
pub const TCP: u8 = 6;
/// The protocol number of UDP.
pub const UDP: u8 = 17;
/// The next header number of `ICMPv6`.
pub const ICMPV6: u8 = 58;

/// The protocol number of the ICMP that `address` speaks.
pub fn icmp(address: IpAddr) -> u8 {
    if address.is_ipv4() { ICMP } else { ICMPV6 }
}

/// An ICMP message with the pseudo-header in its checksum, if it is one for IPv6.
pub fn completed(source: IpAddr, target: IpAddr, mut message: [u8; SEGMENT]) -> [u8; SEGMENT] {
    if let (IpAddr::V6(_), [_, _, c0, c1, rest @ ..]) = (target, &mut message) {
        let length = u16::try_from(SEGMENT).unwrap_or(u16::MAX);
        let sum = Sum::default().pseudo_header(source, target, ICMPV6, length).word(u16::from_be_bytes([128, 0]));
        [*c0, *c1] = sum.bytes(rest).checksum().to_be_bytes();
    }
    message
}

/// An IP datagram. Source and target are of one family, or it has the form of the target's with an unspecified source.
pub fn datagram(source: IpAddr, target: IpAddr, ttl: u8, protocol: u8, segment: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(segment.len() + 40);
    write(source, target, ttl, protocol, segment, &mut bytes);
    bytes
}

/// Adds that datagram to what is there.
pub fn write(source: IpAddr, target: IpAddr, ttl: u8, protocol: u8, segment: &[u8], to: &mut Vec<u8>) {
    let length = u16::try_from(segment.len()).unwrap_or(u16::MAX);
    match target {
        IpAddr::V4(target) => {
            let [l0, l1] = length.saturating_add(20).to_be_bytes();
            let source = if let IpAddr::V4(source) = source { source.octets() } else { [0; 4] };
            let before = [0x45, 0, l0, l1, 0, 0, 0x40, 0, ttl, protocol];
            let sum = Sum::default().bytes(&before).bytes(&source).bytes(&target.octets());
            for part in [&before[..], &sum.checksum().to_be_bytes(), &source, &target.octets()] {
                to.extend_from_slice(part);
            }
        }
        IpAddr::V6(target) => {
            let [l0, l1] = length.to_be_bytes();
            let source = if let IpAddr::V6(source) = source { source.octets() } else { [0; 16] };
            for part in [&[0x60, 0, 0, 0, l0, l1, protocol, ttl][..], &source, &target.octets()] {
                to.extend_from_slice(part);
            }
        }
    }
    to.extend_from_slice(segment);
}
