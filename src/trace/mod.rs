//! Address → path: a traceroute as a value.

use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::moment::Rtt;

pub mod packet;
pub mod plan;
pub mod switchboard;
pub mod tracer;

/// What a probe is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Echo request of `ICMP` or `ICMPv6`.
    Icmp,
    /// UDP to a high port.
    Udp,
    /// TCP to the workload's own port (imported traces; [`crate::contact`] measures the handshake).
    Tcp,
}

impl Protocol {
    /// The word used in metrics, JSON and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Icmp => "icmp",
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The path to one address as one flow saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Where it was headed.
    pub target: IpAddr,
    /// What the probes were.
    pub protocol: Protocol,
    /// When it began.
    pub started: Timestamp,
    /// The flow identity every probe carried (Paris traceroute); `None` when another tool measured and did not say.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub flow: Option<u16>,
    /// The hops asked, in order of TTL, none beyond the ending.
    pub hops: Vec<Hop>,
    /// How it ended.
    pub ending: Ending,
}

/// What came back at one distance. `answers` and `silent` together are the attempts made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// The TTL or hop limit of the probes.
    pub ttl: u8,
    /// What answered, in the order of arrival.
    pub answers: Vec<HopAnswer>,
    /// How many probes went unanswered for good.
    pub silent: u8,
}

/// One answer to one probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HopAnswer {
    /// Who answered.
    pub from: IpAddr,
    /// How long it took.
    pub rtt_ns: Rtt,
    /// What it said.
    pub kind: AnswerKind,
    /// Whether it came after its deadline: still a witness of distance, no longer awaited.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub late: bool,
}

/// What an answer said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerKind {
    /// The hop limit ran out here.
    TimeExceeded,
    /// Echo reply: the target.
    EchoReply,
    /// Port unreachable: the target, for UDP.
    PortUnreachable,
    /// Network, host or protocol unreachable, or prohibited: the path ends here.
    Unreachable,
    /// Another tool measured and did not say.
    Unstated,
}

/// How a trace ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// The target answered.
    Reached,
    /// A router said that there is no way on.
    Refused,
    /// Too many hops in a row were silent.
    Silent,
    /// The largest TTL was asked and the target had not answered.
    Exhausted,
    /// The path came back to a router it had left.
    Looped,
    /// Time ran out.
    Overdue,
    /// The probes could not be sent.
    Unsent,
}

impl Trace {
    /// The smallest round-trip time of an answer from the target itself, and how many such answers there were.
    ///
    /// A hop's answer is never the destination's: only answers whose source is the target count.
    pub fn target_rtt(&self) -> Option<(Rtt, usize)> {
        let from_target = || self.hops.iter().flat_map(|h| &h.answers).filter(|a| a.from == self.target);
        from_target().map(|a| a.rtt_ns).min().map(|best| (best, from_target().count()))
    }

    /// Everyone who answered on the way, each once, in order of TTL.
    pub fn responders(&self) -> Vec<IpAddr> {
        let mut seen = Vec::new();
        for answer in self.hops.iter().flat_map(|h| &h.answers) {
            if !seen.contains(&answer.from) {
                seen.push(answer.from);
            }
        }
        seen
    }
}
