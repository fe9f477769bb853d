//! What one trace is asked to do: target, protocol, TTL range, attempts, window, deadlines, flow identity.

use std::net::IpAddr;
use std::time::Duration;

use super::Protocol;

/// One trace, as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where the probes are headed.
    pub target: IpAddr,
    /// What they are.
    pub protocol: Protocol,
    /// The hop limit of the first probes.
    pub first_ttl: u8,
    /// The largest hop limit.
    pub last_ttl: u8,
    /// How many probes are sent to each distance.
    pub attempts: u8,
    /// How many probes may be on their way at once.
    pub window: u8,
    /// How long a reply is waited for.
    pub reply_timeout: Duration,
    /// After how many silent hops in a row the trace ends.
    pub gap_limit: u8,
    /// How long the trace may take.
    pub deadline: Duration,
    /// The flow identity of every probe (Paris traceroute).
    pub flow: u16,
}
