//! ICMP (RFC 792) and `ICMPv6` (RFC 4443) messages → what they say of a probe.

use crate::trace::extras::Extras;
use crate::trace::{AnswerKind, Protocol};

use super::checksum::Sum;
use super::extension;
use super::probe;
use super::quote::{Quote, QuotedProbe};
use super::{NoMessage, Version};

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// An echo reply.
    EchoReply {
        /// The identifier of the request.
        identifier: u16,
        /// The sequence number of the request.
        sequence: u16,
        /// The token of the request, if it came back.
        token: Option<u64>,
    },
    /// A datagram was not delivered.
    Error {
        /// Why not.
        kind: AnswerKind,
        /// Which datagram it was.
        quote: Quote,
        /// What it tells of it besides.
        extras: Option<Box<Extras>>,
    },
}

impl Message {
    /// What a raw socket of `version` received: with the IP header for IPv4; without it for IPv6, where the kernel has
    /// verified the checksum.
    pub fn parse(version: Version, bytes: &[u8]) -> Result<Self, NoMessage> {
        let message = match version {
            Version::V4 => verified(without_header(bytes).ok_or(NoMessage::Malformed)?)?,
            Version::V6 => bytes,
        };
        let (header, body) = message.split_first_chunk::<8>().ok_or(NoMessage::Malformed)?;
        let [kind, code, _, _, a, b, c, d] = *header;
        if is_echo_reply(version, kind) {
            let (identifier, sequence) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            return Ok(Self::EchoReply { identifier, sequence, token: probe::token(body) });
        }
        answer_kind(version, kind, code, Protocol::Udp).ok_or(NoMessage::Unrelated)?;
        let quoted = match version {
            Version::V4 => usize::from(b) * 4,
            Version::V6 => usize::from(a) * 8,
        };
        let quote = match version {
            Version::V4 => Quote::parse_v4(original(body, quoted))?,
            Version::V6 => Quote::parse_v6(original(body, quoted))?,
        };
        let protocol = match quote.probe {
            QuotedProbe::Echo { .. } => Protocol::Icmp,
            QuotedProbe::Udp { .. } => Protocol::Udp,
            QuotedProbe::Tcp { .. } => Protocol::Tcp,
        };
        let kind = answer_kind(version, kind, code, protocol).ok_or(NoMessage::Unrelated)?;
        let mut extras = extension::extras(body, quoted);
        if kind == AnswerKind::Unreachable {
            extras.get_or_insert_default().code = Some(code);
        }
        Ok(Self::Error { kind, quote, extras })
    }
}

/// What an error of this type and code says of a probe of `protocol`; `None` for one that no probe can cause.
/// Time exceeded in reassembly is among those: probes are never fragmented. So is too big.
pub fn answer_kind(version: Version, kind: u8, code: u8, protocol: Protocol) -> Option<AnswerKind> {
    let (time_exceeded, unreachable, port, too_big) = match version {
        Version::V4 => (11, 3, 3, Some(4)),
        Version::V6 => (3, 1, 4, None),
    };
    if (kind, code) == (time_exceeded, 0) {
        Some(AnswerKind::TimeExceeded)
    } else if kind != unreachable || Some(code) == too_big {
        None
    } else if code == port && protocol == Protocol::Udp {
        Some(AnswerKind::PortUnreachable)
    } else {
        Some(AnswerKind::Unreachable)
    }
}

fn is_echo_reply(version: Version, kind: u8) -> bool {
    match version {
        Version::V4 => kind == 0,
        Version::V6 => kind == 129,
    }
}

/// The payload of an IPv4 datagram.
pub(super) fn without_header(bytes: &[u8]) -> Option<&[u8]> {
    let first = *bytes.first()?;
    let length = usize::from(first & 0x0f) * 4;
    (first >> 4 == 4 && length >= 20).then_some(())?;
    bytes.get(length..)
}

/// A raw IPv4 socket hears messages before the kernel has verified them.
fn verified(message: &[u8]) -> Result<&[u8], NoMessage> {
    (Sum::default().bytes(message).checksum() == 0).then_some(message).ok_or(NoMessage::Malformed)
}

/// The original datagram in the body of an error. Where the length attribute of RFC 4884 says that extensions follow
/// it, they are left out; a length that cannot be is ignored, as receivers before RFC 4884 do.
fn original(body: &[u8], length: usize) -> &[u8] {
    if length == 0 { body } else { body.get(..length).unwrap_or(body) }
}
