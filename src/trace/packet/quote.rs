//! What an ICMP error quotes of the datagram it is about: which probe that was.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::NoMessage;
use super::checksum::Sum;
use super::ip::{ICMP, ICMPV6, TCP, UDP};
use super::probe::{self, udp_key};

/// The datagram an error quotes, as far as it tells probes apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Where the datagram was headed.
    pub target: IpAddr,
    /// What it was.
    pub probe: QuotedProbe,
    /// The token in its payload, if the quote is long enough to hold it.
    pub token: Option<u64>,
}

/// The first eight bytes of the quoted datagram's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotedProbe {
    /// An echo request.
    Echo {
        /// Its identifier.
        identifier: u16,
        /// Its sequence number.
        sequence: u16,
        /// Its checksum, without the pseudo-header for IPv6: the flow of a probe.
        checksum: u16,
    },
    /// A TCP segment.
    Tcp {
        /// Its source port.
        source_port: u16,
        /// Its destination port.
        destination_port: u16,
        /// Its sequence number.
        sequence: u32,
    },
    /// A UDP datagram.
    Udp {
        /// Its source port.
        source_port: u16,
        /// Its destination port.
        destination_port: u16,
        /// What its payload summed to, from its checksum.
        key: u16,
    },
}

impl Quote {
    /// The IPv4 datagram that begins `bytes`, which may hold as little as its header and eight bytes more.
    pub(super) fn parse_v4(bytes: &[u8]) -> Result<Self, NoMessage> {
        let (header, rest) = bytes.split_first_chunk::<20>().ok_or(NoMessage::Malformed)?;
        let [first, _, _, _, _, _, f0, f1, _, protocol, _, _, s0, s1, s2, s3, t0, t1, t2, t3] = *header;
        if first >> 4 != 4 {
            return Err(NoMessage::Malformed);
        }
        let later_fragment = u16::from_be_bytes([f0, f1]) & 0x1fff != 0;
        let options = usize::from(first & 0x0f).checked_sub(5).ok_or(NoMessage::Malformed)? * 4;
        let segment = rest.get(options..).ok_or(NoMessage::Malformed)?;
        let source = Ipv4Addr::new(s0, s1, s2, s3).into();
        let target = Ipv4Addr::new(t0, t1, t2, t3).into();
        match protocol {
            ICMP if !later_fragment => Self::echo(target, 8, segment, Sum::default()),
            TCP if !later_fragment => Self::tcp(target, segment),
            UDP if !later_fragment => Self::udp(source, target, segment),
            _ => Err(NoMessage::Unrelated),
        }
    }

    /// The IPv6 datagram that begins `bytes`. Probes carry no extension headers.
    pub(super) fn parse_v6(bytes: &[u8]) -> Result<Self, NoMessage> {
        let (fixed, rest) = bytes.split_first_chunk::<8>().ok_or(NoMessage::Malformed)?;
        let (source, rest) = rest.split_first_chunk::<16>().ok_or(NoMessage::Malformed)?;
        let (target, segment) = rest.split_first_chunk::<16>().ok_or(NoMessage::Malformed)?;
        let [first, _, _, _, _, _, next_header, _] = *fixed;
        if first >> 4 != 6 {
            return Err(NoMessage::Malformed);
        }
        let source = Ipv6Addr::from(*source).into();
        let target = Ipv6Addr::from(*target).into();
        match next_header {
            ICMPV6 => {
                let length = u16::try_from(probe::SEGMENT).unwrap_or(u16::MAX);
                Self::echo(target, 128, segment, Sum::default().pseudo_header(source, target, ICMPV6, length))
            }
            TCP => Self::tcp(target, segment),
            UDP => Self::udp(source, target, segment),
            _ => Err(NoMessage::Unrelated),
        }
    }

    /// `before` is what the checksum covers before the message.
    fn echo(target: IpAddr, request: u8, segment: &[u8], before: Sum) -> Result<Self, NoMessage> {
        let (header, payload) = segment.split_first_chunk::<8>().ok_or(NoMessage::Malformed)?;
        let [kind, code, c0, c1, i0, i1, s0, s1] = *header;
        if (kind, code) != (request, 0) {
            return Err(NoMessage::Unrelated);
        }
        let (identifier, sequence) = (u16::from_be_bytes([i0, i1]), u16::from_be_bytes([s0, s1]));
        let checksum = !before.word_to(!u16::from_be_bytes([c0, c1]));
        Ok(Self { target, probe: QuotedProbe::Echo { identifier, sequence, checksum }, token: probe::token(payload) })
    }

    fn tcp(target: IpAddr, segment: &[u8]) -> Result<Self, NoMessage> {
        let (header, _) = segment.split_first_chunk::<8>().ok_or(NoMessage::Malformed)?;
        let [s0, s1, d0, d1, sequence @ ..] = *header;
        let source_port = u16::from_be_bytes([s0, s1]);
        let destination_port = u16::from_be_bytes([d0, d1]);
        let probe = QuotedProbe::Tcp { source_port, destination_port, sequence: u32::from_be_bytes(sequence) };
        Ok(Self { target, probe, token: None })
    }

    fn udp(source: IpAddr, target: IpAddr, segment: &[u8]) -> Result<Self, NoMessage> {
        let (header, payload) = segment.split_first_chunk::<8>().ok_or(NoMessage::Malformed)?;
        let [s0, s1, d0, d1, l0, l1, c0, c1] = *header;
        let source_port = u16::from_be_bytes([s0, s1]);
        let destination_port = u16::from_be_bytes([d0, d1]);
        let (length, checksum) = (u16::from_be_bytes([l0, l1]), u16::from_be_bytes([c0, c1]));
        let key = udp_key((source, source_port), (target, destination_port), length, checksum);
        let probe = QuotedProbe::Udp { source_port, destination_port, key };
        Ok(Self { target, probe, token: probe::token(payload) })
    }
}
