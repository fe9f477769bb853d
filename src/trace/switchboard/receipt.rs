//! What comes to a switchboard beside datagrams, and what becomes of all that comes.

use std::net::IpAddr;

use crate::trace::packet::NoMessage;
use crate::trace::{AnswerKind, Protocol};

/// What the kernel told a socket about a datagram it had sent: the error queue's way of delivering ICMP, which leaves
/// the quoted transport header out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuedError<'a> {
    /// Who sent the ICMP message.
    pub from: IpAddr,
    /// Its type.
    pub kind: u8,
    /// Its code.
    pub code: u8,
    /// What it quoted of the payload of the datagram: often nothing.
    pub payload: &'a [u8],
}

/// What became of something received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Receipt {
    /// It answered a probe.
    Booked(Protocol, AnswerKind),
    /// It was cut short or damaged.
    Malformed,
    /// It has nothing to do with any probe: other programs of this host are being answered as well.
    Unrelated,
    /// It concerns one of the flows being traced, but no probe that was sent, or it came from the wrong place.
    Forged,
    /// It answered a probe that had been answered before, or after its trace had ended, or it cannot be told which
    /// probe it answers.
    Surplus,
}

impl Receipt {
    /// That of what says nothing of a probe.
    pub(super) fn of(none: NoMessage) -> Self {
        match none {
            NoMessage::Malformed => Self::Malformed,
            NoMessage::Unrelated => Self::Unrelated,
        }
    }
}
