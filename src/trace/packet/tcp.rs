//! TCP (RFC 9293), as far as a probe needs it: a SYN goes out, a SYN with ACK or a reset comes back.
//!
//! A probe is told apart by its sequence number, all of whose 32 bits nobody can guess: routers quote it, as it is within
//! the first eight bytes, and the target acknowledges it. Nobody here completes the handshake: the kernel, which knows of
//! no such connection, answers a SYN with ACK by a reset, so that nothing stays half open. Until that reset has come the
//! port answers no other probe of the flow in words that tell which: probes beyond it are lost there, and it is asked again
//! only after its first answer, which the reset follows at once.

use std::net::IpAddr;

use super::checksum::Sum;
use super::ip::TCP;
use super::message::without_header;
use super::probe::SEGMENT;
use super::{NoMessage, Version};
use crate::trace::AnswerKind;

/// The flags that tell what a segment is for: the end of what is sent.
pub const FIN: u8 = 0x01;
/// The beginning of a connection.
pub const SYN: u8 = 0x02;
/// That there is no connection.
pub const RST: u8 = 0x04;
/// That something is acknowledged.
pub const ACK: u8 = 0x10;

/// What a SYN says it can take, as that of any host does: what Ethernet carries over either version of IP.
const SEGMENT_SIZE: u16 = 1440;

/// The window of a SYN: what common systems begin with.
const WINDOW: u16 = 64_240;

/// What the target, or somebody in its name, says to a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The port it comes from.
    pub source_port: u16,
    /// The port it goes to.
    pub destination_port: u16,
    /// The sequence number of the probe, if it is to one.
    pub sequence: u32,
    /// What it says.
    pub kind: AnswerKind,
}

/// A SYN as a raw socket wants it, without data, and with the one option that hosts expect.
pub fn syn(source: (IpAddr, u16), target: (IpAddr, u16), sequence: u32) -> [u8; SEGMENT] {
    const LENGTH: u16 = 24;
    let [s0, s1] = source.1.to_be_bytes();
    let [d0, d1] = target.1.to_be_bytes();
    let [q0, q1, q2, q3] = sequence.to_be_bytes();
    let [w0, w1] = WINDOW.to_be_bytes();
    let [m0, m1] = SEGMENT_SIZE.to_be_bytes();
    let words = |c0, c1| [s0, s1, d0, d1, q0, q1, q2, q3, 0, 0, 0, 0, 6 << 4, SYN, w0, w1, c0, c1, 0, 0, 2, 4, m0, m1];
    let sum = Sum::default().pseudo_header(source.0, target.0, TCP, LENGTH).bytes(&words(0, 0));
    let [c0, c1] = sum.checksum().to_be_bytes();
    words(c0, c1)
}

impl Answer {
    /// What a raw socket of `version` received: with the IP header for IPv4, without it for IPv6. Its checksum is not looked
    /// at: the kernel leaves it to hardware, and between hosts on one machine nobody fills it in.
    pub fn parse(version: Version, bytes: &[u8]) -> Result<Self, NoMessage> {
        let segment = match version {
            Version::V4 => without_header(bytes).ok_or(NoMessage::Malformed)?,
            Version::V6 => bytes,
        };
        let (header, _) = segment.split_first_chunk::<20>().ok_or(NoMessage::Malformed)?;
        let [s0, s1, d0, d1, _, _, _, _, a0, a1, a2, a3, _, flags, ..] = *header;
        let kind = match flags & (ACK | RST | SYN) {
            flags if flags == ACK | SYN => AnswerKind::SynAck,
            flags if flags == ACK | RST => AnswerKind::Reset,
            _ => return Err(NoMessage::Unrelated),
        };
        Ok(Self {
            source_port: u16::from_be_bytes([s0, s1]),
            destination_port: u16::from_be_bytes([d0, d1]),
            // A SYN counts as one.
            sequence: u32::from_be_bytes([a0, a1, a2, a3]).wrapping_sub(1),
            kind,
        })
    }
}
