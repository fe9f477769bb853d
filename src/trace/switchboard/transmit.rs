//! What leaves a switchboard: a probe, its bytes, and what tells it apart.

use std::net::IpAddr;

use super::TraceId;
use crate::trace::Protocol;
use crate::trace::packet::quote::{Quote, QuotedProbe};
use crate::trace::packet::{ip, probe, tcp};

/// What tells a probe apart from every other probe in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProbeKey {
    pub(super) protocol: Protocol,
    pub(super) target: IpAddr,
    /// Identifier or source port: the same for all probes of a trace.
    pub(super) tag: u16,
    /// Destination port, where there is one.
    pub(super) port: u16,
    /// Sequence number, or what the payload sums to: 16 bits, or 32 of TCP.
    pub(super) key: u32,
}

/// A probe to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// The trace it belongs to.
    pub trace: TraceId,
    /// What to call it if it cannot be sent.
    pub key: ProbeKey,
    /// Where to.
    pub target: IpAddr,
    /// The TTL or hop limit.
    pub ttl: u8,
    /// The bytes.
    pub content: Content,
}

/// What goes into the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A whole ICMP message; the checksum of one for IPv6 lacks the pseudo-header, which the sender adds.
    Icmp([u8; probe::SEGMENT]),
    /// The payload of a UDP datagram.
    Udp {
        /// Its source port.
        source_port: u16,
        /// Its destination port.
        destination_port: u16,
        /// The payload.
        payload: [u8; probe::PAYLOAD],
    },
    /// A TCP SYN.
    Tcp {
        /// Its source port.
        source_port: u16,
        /// Its destination port.
        destination_port: u16,
        /// Its sequence number.
        sequence: u32,
    },
}

impl ProbeKey {
    /// That of the probe that was quoted.
    pub(super) fn quoted(quote: &Quote) -> Self {
        let (protocol, tag, port, key) = match quote.probe {
            QuotedProbe::Echo { identifier, sequence, .. } => (Protocol::Icmp, identifier, 0, sequence.into()),
            QuotedProbe::Udp { source_port, destination_port, key } => {
                (Protocol::Udp, source_port, destination_port, key.into())
            }
            QuotedProbe::Tcp { source_port, destination_port, sequence } => {
                (Protocol::Tcp, source_port, destination_port, sequence)
            }
        };
        Self { protocol, target: quote.target, tag, port, key }
    }

    /// What the probe is.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }
}

impl Transmit {
    /// The whole IP datagram, as it leaves a host with the address `source`.
    pub fn datagram(&self, source: IpAddr) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(source, &mut bytes);
        bytes
    }

    /// Adds that datagram to what is there.
    pub fn write(&self, source: IpAddr, to: &mut Vec<u8>) {
        let (protocol, segment) = match &self.content {
            Content::Icmp(message) => (ip::icmp(self.target), ip::completed(source, self.target, *message)),
            Content::Udp { source_port, destination_port, payload } => {
                (ip::UDP, probe::udp_segment((source, *source_port), (self.target, *destination_port), payload))
            }
            Content::Tcp { source_port, destination_port, sequence } => {
                (ip::TCP, tcp::syn((source, *source_port), (self.target, *destination_port), *sequence))
            }
        };
        ip::write(source, self.target, self.ttl, protocol, &segment, to);
    }

    /// What the probe is.
    pub fn protocol(&self) -> Protocol {
        self.key.protocol
    }
}
