//! All the ways to one address, as a value.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::Serialize;

use super::confidence::Confidence;
use super::{Method, Protocol};
use crate::moment::Rtt;
use crate::trace::{AnswerKind, Ending};

/// All the ways to one address that flows were seen to take.
#[derive(Clone, Debug, PartialEq)]
pub struct Multipaths {
    /// Where they lead.
    pub target: IpAddr,
    /// What the probes were.
    pub protocol: Protocol,
    /// When the first probe was to be sent.
    pub started: Timestamp,
    /// How next hops were looked for.
    pub method: Method,
    /// How sure each hop was to be.
    pub confidence: Confidence,
    /// How many probes were sent at most: what the first trace asked beyond the target is not known to the last one.
    pub probes: usize,
    /// Whether all was asked that there was to ask.
    pub completion: Completion,
    /// How the ways end: [`Ending::Reached`] when the target answered any flow, else as the first trace did.
    pub ending: Ending,
    /// The hops asked, in order of TTL; none beyond the last that answered.
    pub hops: Vec<MultipathHop>,
    /// Where ways part and meet again, in order of TTL.
    pub diamonds: Vec<Diamond>,
}

/// Whether all was asked that there was to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Completion {
    /// It was.
    Whole,
    /// So many probes were not allowed.
    Spent,
    /// Somebody stopped it, or time ran out.
    Stopped,
}

/// Who is at one distance.
#[derive(Clone, Debug, PartialEq)]
pub struct MultipathHop {
    /// The TTL or hop limit of the probes.
    pub ttl: u8,
    /// Everyone who answered, in order of address.
    pub vertices: Vec<Vertex>,
    /// Who was met behind whom of the hop before, in order of addresses. Who is in none was never seen to follow anybody.
    pub edges: Vec<Edge>,
    /// How many flows were asked here.
    pub flows: usize,
    /// How many of them nobody answered.
    pub silent: usize,
    /// What can be said of there being nobody else.
    pub assurance: Assurance,
}

/// Somebody at a hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vertex {
    /// Who answered.
    pub address: IpAddr,
    /// How many flows were answered.
    pub flows: usize,
    /// The shortest round-trip time; an upper bound where it is `unmatched`.
    pub rtt: Rtt,
    /// What was said; of several things, the one that proves least.
    pub kind: AnswerKind,
    /// Whether no answer said to which probe it was: anybody may have sent it.
    pub unmatched: bool,
}

/// Flows that met one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Somebody at the hop before.
    pub from: IpAddr,
    /// Somebody at this hop.
    pub to: IpAddr,
    /// How many flows met both.
    pub flows: usize,
}

/// What can be said of a hop having no other vertices than those found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assurance {
    /// With the confidence that was asked for there are none on ways that flows of the protocol can tell apart, if
    /// routers spread flows evenly: over the hop as a whole, or
    /// where next hops were looked for behind everyone of the hop before, behind each of those.
    Stated,
    /// It cannot be told: of some flows, nobody answered a probe here.
    Doubtful,
    /// Nobody answered any flow.
    Silent,
    /// It was not asked to the end.
    Unfinished,
}

/// Hops in a row with several vertices each, between the hop where ways part and the hop where they meet again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Diamond {
    /// The TTL of the hop before the first of them: 0 is this host.
    pub parts_at: u8,
    /// The TTL of the hop behind the last of them.
    pub meets_at: u8,
    /// The most vertices of one hop.
    pub width: usize,
    /// Whether there are more edges somewhere than it takes to link all.
    pub meshed: bool,
    /// By how much vertices of a hop differ, at most, in how many others follow them, or are followed (width asymmetry).
    pub asymmetry: usize,
    /// Whether next hops were looked for behind each vertex by itself.
    pub thorough: bool,
}

impl Diamond {
    /// How many hops it is from where ways part to where they meet.
    pub fn length(&self) -> u8 {
        self.meets_at.saturating_sub(self.parts_at)
    }
}

impl Multipaths {
    /// The shortest round-trip time of the target, where all it said was what the target alone can say.
    pub fn target_rtt(&self) -> Option<Rtt> {
        let is_its_own_word = |kind| match self.protocol {
            Protocol::Icmp | Protocol::Tcp => kind == AnswerKind::EchoReply,
            Protocol::Udp => matches!(kind, AnswerKind::EchoReply | AnswerKind::PortUnreachable),
        };
        let vertices = self.hops.iter().flat_map(|hop| &hop.vertices).filter(|vertex| vertex.address == self.target);
        vertices.filter(|vertex| is_its_own_word(vertex.kind) && !vertex.unmatched).map(|vertex| vertex.rtt).min()
    }

    /// Everyone who answered, each once, in order of TTL.
    pub fn responders(&self) -> Vec<IpAddr> {
        let mut seen = Vec::new();
        for vertex in self.hops.iter().flat_map(|hop| &hop.vertices) {
            if !seen.contains(&vertex.address) {
                seen.push(vertex.address);
            }
        }
        seen
    }
}
