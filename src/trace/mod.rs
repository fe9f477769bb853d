//! Address → path: a traceroute as a value, and the machine that measures it.
//!
//! A [`plan::Plan`] is carried out by a [`tracer::Tracer`], which decides what to ask next and when to stop; the
//! [`switchboard::Switchboard`] gives many tracers one socket's worth of keys, turns their probes into bytes and
//! arriving bytes into replies. Neither knows of sockets or clocks. [`multipath`] stands above both: it finds all the
//! ways to an address by traces of many flows.
//!
//! # The contract
//!
//! `handle_*` takes what happened, `poll_*` says what to do, and `now` does not go backwards between calls (only a
//! reply may have come earlier than it is told). After any `handle_*` and after a start, drain `poll_transmit` and
//! `poll_trace` until they say `None`, then wait until `poll_timeout` at the latest.
//!
//! # What is asked, and when it ends
//!
//! 1. The window: never more than `window` probes are unanswered and within their deadline.
//! 2. Attempts: every hop is asked `attempts` times, all hops once before any hop twice, near hops before far ones.
//! 3. The target answered, with whatever words but that the TTL ran out: nothing further is asked, and what was asked
//!    further is cut away. The attempts up to there are completed, then the trace has `Reached`. That the TTL ran out says
//!    somebody on the way, and the path goes on: in the target's name a translator of its address does, and whoever is
//!    behind that.
//! 4. Somebody else says that the path ends, or (5.) it is a loop: as in 3, but what is in flight beyond is awaited,
//!    and should the target answer it, rule 3 holds. Otherwise the trace was `Refused`.
//! 5. A loop: the path came back twice to a router it had left. Once does not count, as unrelated networks use the
//!    same private addresses; nor does the target's name, behind which many routers may be. The trace has `Looped`.
//! 6. The gap: no hop is asked that is more than `gap_limit` beyond the last one that answered. When all those have
//!    spent their attempts in silence, the trace is `Silent`; when `last_ttl` came first, it is `Exhausted`.
//! 7. The deadline of the whole trace, which counts from when it was asked for, or that nobody waits for it any longer, ends it as `Overdue`, with what is in
//!    flight counted as silent.
//! 8. A probe that could not be sent is neither answered nor silent, but it was an attempt. When the first `attempts`
//!    probes could not be sent, no more are tried, and the trace is `Unsent`.
//! 9. An answer after its deadline, while the trace runs, is booked as `late`, and its probe is silent no more. Every
//!    other answer after the first to one probe is ignored. So answers and silent probes are the probes sent.
//! 10. Over a sleep of this host its clock stands still. What was sent before and is not answered is silent for good: its
//!     answer would seem quicker than it was.
//! 11. Retries: when all attempts at a hop were silent although somebody further on answered, it is asked up to `retries`
//!     times more, each when the one before has been silent as well.
//! 12. Sharing, for plans that allow it: hops that the traces to neighbouring targets have found alike are not asked again
//!     (`commons` has the rules). They are *inherited* and say when they were measured; the target and the hop before
//!     it never are. A trace may wait for what others find, and its deadline passes meanwhile.
//! 13. The expected distance: a plan may say how far the target was. Nothing further is asked before a probe to there has
//!     been answered or has fallen silent. A target that moved is found all the same, and the trace is what it would be.
//! 14. The routers nearest to us are asked no faster than they answer (`levels` has the rules).
//!
//! # Who is a witness of distance
//!
//! Where an answer came from is written by whoever sent it, and a firewall near us may refuse in the target's name. So
//! the target's distance is witnessed only by what the target alone can know or say: an echo reply, and port
//! unreachable to a UDP probe, which brought back what tells the probe apart. Other answers in its name end the trace
//! and prove nothing: a proxy on the way completes handshakes, and a firewall resets them, and both know all that the
//! target would. That a probe ran out of hops, in its name, is of nobody known, and proves nothing either. An answer to a probe that was [sent on elsewhere](extras::Extras::rewritten) is about another path.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::moment::Rtt;

pub use crate::network::Protocol;

use extras::Extras;

pub(crate) mod commons;
pub mod courtesy;
pub mod extras;
pub mod levels;
pub mod multipath;
pub mod pace;
pub mod packet;
pub mod plan;
pub mod refusal;
pub mod suspicion;
pub mod switchboard;
pub mod tally;
pub mod tracer;

/// The path to one address as one flow saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Where it was headed.
    pub target: IpAddr,
    /// What the probes were.
    pub protocol: Protocol,
    /// When it began.
    pub started: Timestamp,
    /// The port of the target that TCP probes knocked at; `None` for other probes, and when another tool did not say.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub port: Option<u16>,
    /// The flow identity every probe carried (Paris traceroute); `None` when another tool measured and did not say.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub flow: Option<u16>,
    /// The hops asked, in order of TTL, none beyond the ending.
    pub hops: Vec<Hop>,
    /// How it ended.
    pub ending: Ending,
}

/// How far addresses are, by the protocol that found out.
pub type Distances = BTreeMap<(IpAddr, Protocol), u8>;

/// What came back at one distance. `answers` and `silent` together are the attempts made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// The TTL or hop limit of the probes.
    pub ttl: u8,
    /// What answered, in the order of arrival.
    pub answers: Vec<HopAnswer>,
    /// How many probes went unanswered for good.
    pub silent: u8,
    /// When this was measured, if it was not by a probe of this trace: by one to a neighbour of the target, whose way goes
    /// through the hop that follows. It says which way packets most likely go, and is no witness of anything.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub inherited: Option<Timestamp>,
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
    /// Whether it did not say to which probe it is: it stands where it most likely belongs, its time is counted from the
    /// oldest probe it may be to, and it is no witness of distance, as whoever guesses the port can forge it. So is one that
    /// did say, but proved [too little](switchboard) for anybody to be held to it.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub unmatched: bool,
    /// What few answers say besides.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub extras: Option<Box<Extras>>,
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
    /// TCP SYN and ACK: the target, or a proxy on the way that speaks in its name.
    SynAck,
    /// TCP reset: the target, or a firewall on the way that speaks in its name.
    Reset,
    /// Another tool measured and did not say.
    Unstated,
}

impl HopAnswer {
    /// The MPLS labels that its probe carried, outermost first, if it carried any.
    pub fn labelled(&self) -> Option<&[extras::Label]> {
        self.extras.as_ref().map(|extras| extras.labels.as_slice()).filter(|labels| !labels.is_empty())
    }

    /// Why there is no way on, as whoever answered has it; `None` for other answers, and where that was not said.
    pub fn refusal(&self) -> Option<refusal::Refusal> {
        Some(refusal::Refusal::of(self.from, self.extras.as_ref()?.code?))
    }

    /// Where its probe was headed when it arrived, if that was not the target.
    pub fn rewritten(&self) -> Option<IpAddr> {
        self.extras.as_ref()?.rewritten
    }
}

impl AnswerKind {
    /// Whether it is what a port says to TCP, or whoever stands in the way in its name.
    pub fn is_of_tcp(self) -> bool {
        match self {
            Self::SynAck | Self::Reset => true,
            Self::TimeExceeded | Self::EchoReply | Self::PortUnreachable | Self::Unreachable | Self::Unstated => false,
        }
    }

    /// Whether who says so passes probes on, in whatever name: a translator of destinations, and those behind it, say so in
    /// the name of the target.
    pub fn is_on_the_way(self) -> bool {
        self == Self::TimeExceeded
    }

    /// The word used in metrics (`kind`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TimeExceeded => "time-exceeded",
            Self::EchoReply => "echo-reply",
            Self::PortUnreachable => "port-unreachable",
            Self::Unreachable => "unreachable",
            Self::SynAck => "syn-ack",
            Self::Reset => "reset",
            Self::Unstated => "unstated",
        }
    }
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
    /// Time ran out, or nobody waited any longer.
    Overdue,
    /// The probes could not be sent.
    Unsent,
}

impl Trace {
    /// The smallest round-trip time of an answer from the target itself, and how many such answers there were.
    ///
    /// A hop's answer is never the destination's: only witnesses whose source is the target count. Neither is an answer in
    /// the target's name that came from nearer than some hop on the way.
    pub fn target_rtt(&self) -> Option<(Rtt, usize)> {
        let others = |hop: &&Hop| hop.answers.iter().any(|answer| !self.is_arrival(answer));
        let last_on_the_way = self.hops.iter().filter(others).map(|hop| hop.ttl).max().unwrap_or(0);
        let is_beyond = |hop: &&Hop| hop.ttl >= last_on_the_way && hop.inherited.is_none();
        let beyond = || self.hops.iter().filter(is_beyond).flat_map(|hop| &hop.answers);
        let counts = |answer: &&HopAnswer| answer.from == self.target && self.is_witness(answer);
        let best = beyond().filter(counts).map(|answer| answer.rtt_ns).min();
        best.map(|best| (best, beyond().filter(counts).count()))
    }

    /// How far the target is: the nearest TTL at which it answered.
    pub fn distance(&self) -> Option<u8> {
        let is_there = |hop: &&Hop| hop.answers.iter().any(|answer| self.is_arrival(answer));
        self.hops.iter().find(is_there).map(|hop| hop.ttl)
    }

    /// Whether the target answered, a reset included.
    pub fn target_answered(&self) -> bool {
        let measured = self.hops.iter().filter(|hop| hop.inherited.is_none());
        measured.flat_map(|hop| &hop.answers).any(|answer| self.is_arrival(answer))
    }

    /// Whether this answer, if it is true, is the target's: it is in its name, and does not say that the probe
    /// [ran out of hops](AnswerKind::is_on_the_way) before it.
    pub fn is_arrival(&self, answer: &HopAnswer) -> bool {
        answer.from == self.target && !answer.kind.is_on_the_way()
    }

    /// Whether the time of this answer shows that its probe got as far as its TTL, or to the target: nobody nearer had
    /// reason to say this in this name, and it [took time](Rtt::SHORTEST).
    pub fn is_witness(&self, answer: &HopAnswer) -> bool {
        let is_target = answer.from == self.target;
        let is_their_own_word = match answer.kind {
            AnswerKind::TimeExceeded => !is_target,
            AnswerKind::EchoReply => is_target,
            AnswerKind::PortUnreachable => is_target && self.protocol == Protocol::Udp,
            AnswerKind::SynAck | AnswerKind::Reset | AnswerKind::Unreachable => false,
            AnswerKind::Unstated => true,
        };
        let is_of_this_way = !answer.unmatched && answer.rewritten().is_none();
        is_their_own_word && is_of_this_way && answer.rtt_ns >= Rtt::SHORTEST
    }

    /// Everyone who answered on the way, also where that was [taken over](Hop::inherited), each once, in order of TTL.
    pub fn responders(&self) -> Vec<IpAddr> {
        once_each(&self.hops)
    }

    /// Everyone who answered this trace itself, each once, in order of TTL.
    pub fn met(&self) -> Vec<IpAddr> {
        once_each(self.hops.iter().filter(|hop| hop.inherited.is_none()))
    }
}

fn once_each<'a>(hops: impl IntoIterator<Item = &'a Hop>) -> Vec<IpAddr> {
    let mut seen = Vec::new();
    for answer in hops.into_iter().flat_map(|hop| &hop.answers) {
        if !seen.contains(&answer.from) {
            seen.push(answer.from);
        }
    }
    seen
}

#[cfg(test)]
mod tests;
