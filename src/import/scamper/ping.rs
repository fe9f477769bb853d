//! The times of a ping.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::Deserialize;

use super::kind_of;
use crate::import::record::{Fault, Record};
use crate::import::{address, count, usable};
use crate::moment::Rtt;
use crate::observation::{Ping, PingBest};
use crate::trace::{AnswerKind, Protocol};

#[derive(Deserialize)]
struct Written<'a> {
    ping_sent: Option<u16>,
    #[serde(borrow, default)]
    flags: Vec<Cow<'a, str>>,
    #[serde(borrow, default)]
    responses: Vec<WrittenReply<'a>>,
}

#[derive(Deserialize)]
struct WrittenReply<'a> {
    #[serde(borrow)]
    from: Option<Cow<'a, str>>,
    seq: u32,
    rtt: f64,
    icmp_type: Option<u8>,
    icmp_code: Option<u8>,
    tcp_flags: Option<u8>,
}

/// The times of the answers from `target` itself, each to another probe.
pub(super) fn read(record: Record<'_>, protocol: Protocol, target: IpAddr, started: Timestamp) -> Result<Ping, Fault> {
    let written: Written<'_> = record.read()?;
    let mut first: BTreeMap<u32, (AnswerKind, Option<Rtt>)> = BTreeMap::new();
    for reply in &written.responses {
        let from = reply.from.as_deref().map(|text| address("responses.from", text)).transpose()?;
        if from == Some(target) {
            let kind = kind_of(target, reply.icmp_type.zip(reply.icmp_code), reply.tcp_flags);
            first.entry(reply.seq).or_insert((kind, usable(reply.rtt)));
        }
    }
    // A probe in another's name was not sent from here, or its answer did not come here.
    let is_spoofed = written.flags.iter().any(|flag| flag == "spoof");
    let is_sample = |kind: AnswerKind| kind != AnswerKind::Reset && !is_spoofed;
    let samples = || first.values().filter(|(kind, _)| is_sample(*kind)).filter_map(|(_, rtt)| *rtt);
    Ok(Ping {
        address: target,
        protocol,
        started,
        attempts: written.ping_sent.unwrap_or_else(|| count(first.len())),
        resets: count(first.values().filter(|(kind, _)| *kind == AnswerKind::Reset).count()),
        best: samples().min().map(|rtt_ns| PingBest { rtt_ns, samples: count(samples().count()) }),
    })
}
