//! The bytes of the simulated internet: what a sender's packet looks like on the way, and what comes back.
//!
//! Written from the standards (RFC 791, 792, 768, 9293, 8200, 4443) and not from [`crate::trace::packet`], so that each checks
//! the other.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::trace::Protocol;

use super::written::RefusalWritten;

/// A packet on its way.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    pub(super) protocol: Protocol,
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) hop_limit: u8,
    /// Everything after the IP header, checksums filled in.
    pub(super) body: Vec<u8>,
}

/// What a router has to say about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Complaint {
    TimeExceeded,
    PortUnreachable,
    Refused(RefusalWritten),
}

impl Packet {
    /// An ICMP or UDP packet as the kernel sends it: `body` with its checksum filled in.
    pub(super) fn new(protocol: Protocol, source: IpAddr, destination: IpAddr, hop_limit: u8, body: Vec<u8>) -> Self {
        let mut packet = Self { protocol, source, destination, hop_limit, body };
        let at = match protocol {
            Protocol::Icmp => 2,
            Protocol::Udp => 6,
            Protocol::Tcp => 16,
        };
        packet.fill_checksum(at);
        packet
    }

    /// The packet as somebody on the way sends it on to another address, its checksum put right.
    pub(super) fn sent_on(&self, to: IpAddr) -> Self {
        Self::new(self.protocol, self.source, to, self.hop_limit, self.body.clone())
    }

    /// The first bytes after the IP header, by which routers tell flows apart together with the addresses: the ports of
    /// UDP and TCP, type, code and checksum of ICMP (Augustin et al. 2006).
    pub(super) fn flow(&self) -> u64 {
        let addresses = octets(self.source).into_iter().chain(octets(self.destination));
        let fields = self.body.iter().take(4).copied();
        let number = self.ip_protocol();
        addresses.chain(fields).chain([number]).fold(0, |hash, byte| super::topology::mix(hash ^ u64::from(byte)))
    }

    /// The number of the protocol in the IP header.
    fn ip_protocol(&self) -> u8 {
        match (self.protocol, self.destination) {
            (Protocol::Icmp, IpAddr::V4(_)) => 1,
            (Protocol::Icmp, IpAddr::V6(_)) => 58,
            (Protocol::Tcp, _) => 6,
            (Protocol::Udp, _) => 17,
        }
    }

    fn fill_checksum(&mut self, at: usize) {
        if let Some(field) = self.body.get_mut(at..at + 2) {
            field.fill(0);
        }
        let pseudo = match (self.protocol, self.source, self.destination) {
            (Protocol::Icmp, IpAddr::V4(_), _) => Vec::new(),
            (_, source, destination) => pseudo_header(source, destination, self.ip_protocol(), self.body.len()),
        };
        let sum = checksum(&[pseudo.as_slice(), self.body.as_slice()].concat());
        if let Some(field) = self.body.get_mut(at..at + 2) {
            field.copy_from_slice(&sum.to_be_bytes());
        }
    }

    /// The IP header, with the hop limit as whoever quotes the packet saw it.
    fn header(&self, hop_limit: u8) -> Vec<u8> {
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                ipv4_header(source, destination, self.ip_protocol(), hop_limit, self.body.len())
            }
            (source, destination) => {
                ipv6_header(as_v6(source), as_v6(destination), self.ip_protocol(), hop_limit, self.body.len())
            }
        }
    }

    /// The header and the first `bytes` of the body: what an ICMP error quotes.
    pub(super) fn quote(&self, bytes: usize) -> Vec<u8> {
        let mut quote = self.header(1);
        quote.extend(self.body.iter().take(bytes));
        quote
    }
}

/// The SYN of a port at another, without its checksum: no option, and a window of 65535.
pub(super) fn syn(from: u16, to: u16, sequence: u32) -> Vec<u8> {
    segment(from, to, sequence, 0, 0x02)
}

fn segment(from: u16, to: u16, sequence: u32, acknowledged: u32, flags: u8) -> Vec<u8> {
    let ports = [from.to_be_bytes(), to.to_be_bytes()].concat();
    let numbers = [sequence.to_be_bytes(), acknowledged.to_be_bytes()].concat();
    [&ports[..], &numbers, &[0x50, flags, 0xff, 0xff, 0, 0, 0, 0]].concat()
}

/// What arrives at a raw TCP socket when the destination takes the connection that `syn` asks for, or resets it.
pub(super) fn handshake(syn: &Packet, takes_it: bool) -> Option<Vec<u8>> {
    let [s0, s1, d0, d1, q0, q1, q2, q3] = *syn.body.first_chunk()?;
    let (from, to) = (u16::from_be_bytes([d0, d1]), u16::from_be_bytes([s0, s1]));
    let next = u32::from_be_bytes([q0, q1, q2, q3]).wrapping_add(1);
    let (sequence, flags) = if takes_it { (0x1234_5678, 0x12) } else { (0, 0x14) };
    Some(heard(Protocol::Tcp, syn.destination, syn.source, &segment(from, to, sequence, next, flags)))
}

/// The port that a TCP segment knocks at.
pub(super) fn port(packet: &Packet) -> Option<u16> {
    Some(u16::from_be_bytes(*packet.body.get(2..)?.first_chunk()?))
}

/// What arrives at a raw ICMP socket when `from` answers the echo request `request` to `to`; `None` when it is none.
pub(super) fn echo_reply(from: IpAddr, request: &Packet) -> Option<Vec<u8>> {
    let rest = request.body.get(4..)?;
    let (kind, expected) = if request.destination.is_ipv4() { (0, 8) } else { (129, 128) };
    if request.body.first() != Some(&expected) {
        return None;
    }
    Some(received(from, request.source, &[&[kind, 0, 0, 0], rest].concat()))
}

/// What arrives at a raw ICMP socket when `from` complains to `to` about the packet quoted.
pub(super) fn complaint(from: IpAddr, to: IpAddr, complaint: Complaint, quote: &[u8]) -> Vec<u8> {
    let (kind, code) = if to.is_ipv4() { type_and_code_v4(complaint) } else { type_and_code_v6(complaint) };
    received(from, to, &[&[kind, code, 0, 0, 0, 0, 0, 0], quote].concat())
}

fn type_and_code_v4(complaint: Complaint) -> (u8, u8) {
    match complaint {
        Complaint::TimeExceeded => (11, 0),
        Complaint::PortUnreachable => (3, 3),
        Complaint::Refused(RefusalWritten::Network | RefusalWritten::Nothing) => (3, 0),
        Complaint::Refused(RefusalWritten::Host) => (3, 1),
        Complaint::Refused(RefusalWritten::Prohibited) => (3, 13),
    }
}

fn type_and_code_v6(complaint: Complaint) -> (u8, u8) {
    match complaint {
        Complaint::TimeExceeded => (3, 0),
        Complaint::PortUnreachable => (1, 4),
        Complaint::Refused(RefusalWritten::Network | RefusalWritten::Nothing) => (1, 0),
        Complaint::Refused(RefusalWritten::Host) => (1, 3),
        Complaint::Refused(RefusalWritten::Prohibited) => (1, 1),
    }
}

fn received(from: IpAddr, to: IpAddr, message: &[u8]) -> Vec<u8> {
    heard(Protocol::Icmp, from, to, message)
}

/// A message as a raw socket hands it over: with its IP header over IPv4, without over IPv6.
fn heard(protocol: Protocol, from: IpAddr, to: IpAddr, message: &[u8]) -> Vec<u8> {
    let packet = Packet::new(protocol, from, to, 64, message.to_vec());
    let mut bytes = if to.is_ipv4() { packet.header(57) } else { Vec::new() };
    bytes.extend(&packet.body);
    bytes
}

fn ipv4_header(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8, ttl: u8, body: usize) -> Vec<u8> {
    let length = u16::try_from(body + 20).unwrap_or(u16::MAX).to_be_bytes();
    let mut header = vec![0x45, 0, length[0], length[1], 0, 0, 0x40, 0, ttl, protocol, 0, 0];
    header.extend(source.octets());
    header.extend(destination.octets());
    let sum = checksum(&header).to_be_bytes();
    if let Some(field) = header.get_mut(10..12) {
        field.copy_from_slice(&sum);
    }
    header
}

fn ipv6_header(source: Ipv6Addr, destination: Ipv6Addr, protocol: u8, hop_limit: u8, body: usize) -> Vec<u8> {
    let length = u16::try_from(body).unwrap_or(u16::MAX).to_be_bytes();
    let mut header = vec![0x60, 0, 0, 0, length[0], length[1], protocol, hop_limit];
    header.extend(source.octets());
    header.extend(destination.octets());
    header
}

fn pseudo_header(source: IpAddr, destination: IpAddr, protocol: u8, length: usize) -> Vec<u8> {
    let mut header = octets(source);
    header.extend(octets(destination));
    let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    // IPv4 has the same numbers in a narrower form (RFC 768), of which the sum is the same.
    header.extend(length);
    header.extend([0, 0, 0, protocol]);
    header
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

fn as_v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| match pair {
        [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
        [high] => u32::from(u16::from_be_bytes([*high, 0])),
        [] | [_, _, _, ..] => 0,
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_example_in_rfc_1071() {
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
    }

    #[test]
    fn a_filled_checksum_sums_to_zero() {
        let (source, destination) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let packet = Packet::new(Protocol::Icmp, source, destination, 1, vec![8, 0, 0, 0, 1, 2, 3, 4, 5]);
        assert_eq!(checksum(&packet.body), 0);
        assert_eq!(checksum(&packet.header(1)), 0);
    }
}
