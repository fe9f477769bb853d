//! Bytes ↔ probes and replies. Nothing here keeps state, and no bytes can make it panic.

#![deny(clippy::indexing_slicing)]

use std::net::IpAddr;

pub mod checksum;
mod extension;
pub mod ip;
pub mod message;
pub mod probe;
pub mod quote;
pub mod tcp;

/// The version of IP a message came by: the numbers differ, the meaning does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// IPv4 and ICMP.
    V4,
    /// IPv6 and `ICMPv6`.
    V6,
}

impl Version {
    /// The version of `address`.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

/// Why bytes say nothing of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoMessage {
    /// They are cut short, or damaged.
    Malformed,
    /// They are something that no probe of ours can cause.
    Unrelated,
}

#[cfg(test)]
mod tests;
