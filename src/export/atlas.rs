//! A trace as a RIPE Atlas traceroute result: one JSON object, for a line of its own.
//!
//! The form is that of [firmware 5000 and
//! later](https://atlas.ripe.net/docs/apis/measurement-result-format/version-5000): seconds since 1970, milliseconds
//! as numbers, `{"x":"*"}` for a probe that nobody answered, `err` for what an ICMP error says of why there is no way
//! on (`N` network, `H` host, `P` protocol, `p` port unreachable, `A` prohibited, `h` beyond scope, the number of any
//! other code; none for the port that UDP asks for, as the probes' own source has it: readers take any `err` for a
//! failure), `flags` for those of a TCP answer (`SA` SYN and ACK, `RA` reset), `icmpext` for MPLS labels, `edst` for
//! where a probe was headed that somebody had sent on elsewhere. No probe of RIPE Atlas made it, so that `prb_id` and
//! `msm_id` are 0 and `lts`, when its clock was last set, is -1: not known.
//!
//! What that form cannot say stands in fields of our own, which other readers pass over, and with which
//! [`crate::import::atlas`] reads the very trace back:
//!
//! | where | field | says |
//! |---|---|---|
//! | result | `ending` | how the trace ended ([`Ending`]) |
//! | result | `broken_off` | somebody broke it off before all was asked, though the target may have answered |
//! | result | `started` | when it began, to the nanosecond; `timestamp` is its whole seconds |
//! | result | `port` | the port that TCP probes knocked at |
//! | result | `vantage` | the name of who traced, where it has one |
//! | hop | `inherited` | it was not measured by this trace, but by that to a neighbour of the target |
//! | hop | `measured` | when that was |
//! | answer | `kind` | what it said ([`AnswerKind`]) |
//! | answer | `after_timeout` | it came when it was no longer awaited. `late` of RIPE Atlas is no word for it: that stands at a later hop, and has no time |
//! | answer | `unmatched` | it did not say to which probe it was: its time is an upper bound, and anybody may have sent it |

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::Traced;
use crate::moment::Rtt;
use crate::network::Protocol;
use crate::trace::extras::{Extras, Label};
use crate::trace::refusal::Refusal;
use crate::trace::{AnswerKind, Ending, Hop, HopAnswer, Trace};

/// The firmware whose form it has.
const FIRMWARE: u16 = 5000;

/// One result.
#[derive(Debug, Serialize)]
pub struct AtlasResult<'a> {
    fw: u16,
    lts: i8,
    msm_id: u8,
    msm_name: &'static str,
    prb_id: u8,
    #[serde(rename = "type")]
    kind: &'static str,
    af: u8,
    proto: &'static str,
    dst_name: String,
    dst_addr: IpAddr,
    timestamp: i64,
    endtime: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    paris_id: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    result: WrittenHops<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vantage: Option<&'a str>,
    started: Timestamp,
    ending: Ending,
    #[serde(skip_serializing_if = "is_not")]
    broken_off: bool,
}

/// The hops of a trace, written one by one: with thousands of traces, lists made for it are most of the cost.
#[derive(Debug)]
struct WrittenHops<'a>(&'a Trace);

impl Serialize for WrittenHops<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.hops.iter().map(|hop| WrittenHop::new(hop, self.0.protocol)))
    }
}

/// What came back from one hop.
#[derive(Debug)]
struct WrittenReplies<'a>(&'a Hop, Protocol);

impl Serialize for WrittenReplies<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(hop, to) = *self;
        let answers = hop.answers.iter().map(|answer| WrittenReply::Answer(WrittenAnswer::new(answer, to)));
        serializer.collect_seq(answers.chain((0..hop.silent).map(|_| WrittenReply::Silence { x: "*" })))
    }
}

#[derive(Debug, Serialize)]
struct WrittenHop<'a> {
    hop: u8,
    result: WrittenReplies<'a>,
    #[serde(skip_serializing_if = "is_not")]
    inherited: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum WrittenReply<'a> {
    Answer(WrittenAnswer<'a>),
    Silence { x: &'static str },
}

#[derive(Debug, Serialize)]
struct WrittenAnswer<'a> {
    from: IpAddr,
    /// Milliseconds.
    rtt: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    err: Option<WrittenError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flags: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edst: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmpext: Option<WrittenExtension<'a>>,
    kind: &'a AnswerKind,
    #[serde(skip_serializing_if = "is_not")]
    after_timeout: bool,
    #[serde(skip_serializing_if = "is_not")]
    unmatched: bool,
}

/// Why there is no way on.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
enum WrittenError {
    Letter(&'static str),
    Code(u8),
}

impl From<Refusal> for WrittenError {
    fn from(refusal: Refusal) -> Self {
        Self::Letter(match refusal {
            Refusal::Network => "N",
            Refusal::Host => "H",
            Refusal::Protocol => "P",
            Refusal::Port => "p",
            Refusal::Prohibited => "A",
            Refusal::Scope => "h",
            Refusal::Other(code) => return Self::Code(code),
        })
    }
}

/// MPLS labels, as the one object of an extension (RFC 4884, RFC 4950).
#[derive(Debug, Serialize)]
struct WrittenExtension<'a> {
    version: u8,
    /// Whether the router said where its extensions begin.
    rfc4884: u8,
    obj: [WrittenObject<'a>; 1],
}

#[derive(Debug, Serialize)]
struct WrittenObject<'a> {
    class: u8,
    #[serde(rename = "type")]
    kind: u8,
    mpls: &'a [Label],
}

impl<'a> WrittenExtension<'a> {
    /// `None` without labels.
    fn new(extras: &'a Extras) -> Option<Self> {
        let obj = [WrittenObject { class: 1, kind: 1, mpls: &extras.labels }];
        (!extras.labels.is_empty()).then(|| Self { version: 2, rfc4884: u8::from(!extras.unannounced), obj })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_not(flag: &bool) -> bool {
    !flag
}

impl<'a> AtlasResult<'a> {
    /// The result of a trace that was made from `vantage`.
    pub fn new(traced: &'a Traced, vantage: Option<&'a str>) -> Self {
        let trace = &traced.trace;
        Self {
            fw: FIRMWARE,
            lts: -1,
            msm_id: 0,
            msm_name: "Traceroute",
            prb_id: 0,
            kind: "traceroute",
            af: if trace.target.is_ipv4() { 4 } else { 6 },
            proto: match trace.protocol {
                Protocol::Icmp => "ICMP",
                Protocol::Udp => "UDP",
                Protocol::Tcp => "TCP",
            },
            dst_name: traced.name.as_ref().map_or_else(|| trace.target.to_string(), ToString::to_string),
            dst_addr: trace.target,
            timestamp: trace.started.as_second(),
            endtime: traced.ended.as_second(),
            paris_id: trace.flow,
            port: trace.port,
            result: WrittenHops(trace),
            vantage,
            started: trace.started,
            ending: trace.ending,
            broken_off: traced.is_broken_off,
        }
    }
}

impl<'a> WrittenHop<'a> {
    fn new(hop: &'a Hop, to: Protocol) -> Self {
        let (inherited, measured) = (hop.inherited.is_some(), hop.inherited);
        Self { hop: hop.ttl, result: WrittenReplies(hop, to), inherited, measured }
    }
}

impl<'a> WrittenAnswer<'a> {
    fn new(answer: &'a HopAnswer, to: Protocol) -> Self {
        let (err, flags) = match answer.kind {
            AnswerKind::PortUnreachable if to == Protocol::Udp => (None, None),
            AnswerKind::PortUnreachable => (Some(Refusal::Port), None),
            AnswerKind::Unreachable => (answer.refusal().or(Some(Refusal::Host)), None),
            AnswerKind::SynAck => (None, Some("SA")),
            AnswerKind::Reset => (None, Some("RA")),
            AnswerKind::TimeExceeded | AnswerKind::EchoReply | AnswerKind::Unstated => (None, None),
        };
        Self {
            from: answer.from,
            rtt: Rtt::ms(answer.rtt_ns),
            err: err.map(WrittenError::from),
            flags,
            edst: answer.rewritten(),
            icmpext: answer.extras.as_deref().and_then(WrittenExtension::new),
            kind: &answer.kind,
            after_timeout: answer.late,
            unmatched: answer.unmatched,
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
