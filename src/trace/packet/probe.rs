//! Probes → bytes.
//!
//! Routers may quote no more than 28 bytes of a probe (RFC 792), so what tells it apart is in the first eight bytes of
//! its transport header, and none of that is what load balancers look at: ICMP type, code and checksum are those of
//! the flow, and identifier and sequence number are the key; UDP ports are those of the flow, and the checksum is the
//! key. Two bytes of the payload compensate, eight are a token that echo replies and long quotes must bring back, and
//! the rest says to whoever looks what this is.

use std::net::IpAddr;

use super::checksum::Sum;
use super::ip::UDP;

/// What the payload of every probe ends with.
pub const LABEL: [u8; 6] = *b"pehra:";

/// The identifiers of echo requests are this and above, so that three quarters of what other programs of this host are
/// answered can be told from what answers a probe by any quote.
pub const FIRST_IDENTIFIER: u16 = 0xc000;

/// Length of the payload of a probe: compensation, token, label.
pub const PAYLOAD: usize = 16;

/// Length of a probe from its transport header on, ICMP and UDP alike.
pub const SEGMENT: usize = 8 + PAYLOAD;

/// The payload with this token whose words sum to `sum`, given that the words before it sum to `before`.
fn payload(before: Sum, token: u64, sum: u16) -> [u8; PAYLOAD] {
    let rest = before.bytes(&token.to_be_bytes()).bytes(&LABEL);
    let [c0, c1] = rest.word_to(sum).to_be_bytes();
    let [t0, t1, t2, t3, t4, t5, t6, t7] = token.to_be_bytes();
    let [l0, l1, l2, l3, l4, l5] = LABEL;
    [c0, c1, t0, t1, t2, t3, t4, t5, t6, t7, l0, l1, l2, l3, l4, l5]
}

/// The token in a payload, as far as it was brought back; `None` when it was not, or only as padding.
pub fn token(payload: &[u8]) -> Option<u64> {
    let (_, rest) = payload.split_first_chunk::<2>()?;
    let token = u64::from_be_bytes(*rest.first_chunk::<8>()?);
    (token != 0).then_some(token)
}

/// An echo request to `target` with everything but what the kernel fills in: for IPv4 the whole ICMP message, whose
/// checksum is `checksum`; for IPv6 the kernel completes the checksum with the pseudo-header, which a trace keeps.
pub fn echo_request(target: IpAddr, identifier: u16, sequence: u16, token: u64, checksum: u16) -> [u8; SEGMENT] {
    let kind: u8 = if target.is_ipv4() { 8 } else { 128 };
    let before = Sum::default().bytes(&[kind, 0]).word(identifier).word(sequence);
    let payload = payload(before, token, !checksum);
    let [c0, c1] = before.bytes(&payload).checksum().to_be_bytes();
    let [i0, i1] = identifier.to_be_bytes();
    let [s0, s1] = sequence.to_be_bytes();
    joined([kind, 0, c0, c1, i0, i1, s0, s1], payload)
}

/// The payload of a UDP probe whose checksum is to be `key` once ports, length and addresses are added.
pub fn udp_payload(token: u64, key: u16) -> [u8; PAYLOAD] {
    payload(Sum::default(), token, key)
}

/// A UDP datagram with its header, as a raw socket wants it.
pub fn udp_segment(source: (IpAddr, u16), target: (IpAddr, u16), payload: &[u8; PAYLOAD]) -> [u8; SEGMENT] {
    const LENGTH: u16 = 8 + 16;
    let sum = udp_header_sum(source, target, LENGTH).bytes(payload);
    let [c0, c1] = Some(sum.checksum()).filter(|&c| c != 0).unwrap_or(0xffff).to_be_bytes();
    let [s0, s1] = source.1.to_be_bytes();
    let [d0, d1] = target.1.to_be_bytes();
    let [l0, l1] = LENGTH.to_be_bytes();
    joined([s0, s1, d0, d1, l0, l1, c0, c1], *payload)
}

/// The key of a UDP probe, from the header that a router quoted: what its payload must have summed to.
pub(super) fn udp_key(source: (IpAddr, u16), target: (IpAddr, u16), length: u16, checksum: u16) -> u16 {
    udp_header_sum(source, target, length).word_to(!checksum)
}

fn udp_header_sum(source: (IpAddr, u16), target: (IpAddr, u16), length: u16) -> Sum {
    Sum::default().pseudo_header(source.0, target.0, UDP, length).word(source.1).word(target.1).word(length)
}

fn joined(header: [u8; 8], payload: [u8; PAYLOAD]) -> [u8; SEGMENT] {
    let mut segment = [0; SEGMENT];
    for (place, byte) in segment.iter_mut().zip(header.into_iter().chain(payload)) {
        *place = byte;
    }
    segment
}
