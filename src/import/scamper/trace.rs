//! The hops of a trace. scamper lists answers, not hops: a hop that nobody answered is a gap in the TTLs.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::Timestamp;
use serde::Deserialize;

use super::kind_of;
use crate::import::record::{Fault, Record};
use crate::import::{address, usable};
use crate::trace::extras::Extras;
use crate::trace::{AnswerKind, Ending, Hop, HopAnswer, Protocol, Trace};

#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    stop_reason: Option<Cow<'a, str>>,
    #[serde(default)]
    hop_count: u8,
    firsthop: Option<u8>,
    attempts: Option<u8>,
    sport: Option<u16>,
    #[serde(borrow, default)]
    hops: Vec<WrittenHop<'a>>,
}

#[derive(Deserialize)]
struct WrittenHop<'a> {
    #[serde(borrow)]
    addr: Cow<'a, str>,
    probe_ttl: u8,
    /// Which attempt at this TTL was answered.
    #[serde(default)]
    probe_id: u8,
    rtt: f64,
    icmp_type: Option<u8>,
    icmp_code: Option<u8>,
    tcp_flags: Option<u8>,
}

/// The path to `target`.
pub(super) fn read(record: Record<'_>, protocol: Protocol, target: IpAddr, started: Timestamp) -> Result<Trace, Fault> {
    let written: Written<'_> = record.read()?;
    let hops = hops(&written)?;
    let mut trace = Trace { target, protocol, started, port: None, flow: written.sport, hops, ending: Ending::Reached };
    if !trace.target_answered() {
        trace.ending = ending(written.stop_reason.as_deref(), &trace.hops);
    }
    Ok(trace)
}

fn hops(written: &Written<'_>) -> Result<Vec<Hop>, String> {
    let mut answered: BTreeMap<u8, BTreeMap<u8, Option<HopAnswer>>> = BTreeMap::new();
    for hop in &written.hops {
        // A second answer to one probe is a duplicate.
        answered.entry(hop.probe_ttl).or_default().entry(hop.probe_id).or_insert(hop.read()?);
    }
    let asked = written.firsthop.unwrap_or(1).max(1)..=written.hop_count;
    let ttls: BTreeSet<u8> = asked.chain(answered.keys().copied()).collect();
    let attempts = written.attempts.unwrap_or(1);
    let hop = |ttl| match answered.remove(&ttl) {
        None => Hop { ttl, answers: Vec::new(), silent: attempts, inherited: None },
        Some(answers) => {
            // Attempts are numbered from 1, and an answer without a usable time is none.
            let asked = answers.keys().next_back().map_or(0, |last| usize::from(*last)).max(answers.len());
            let answers: Vec<_> = answers.into_values().flatten().collect();
            Hop { ttl, silent: u8::try_from(asked - answers.len()).unwrap_or(u8::MAX), answers, inherited: None }
        }
    };
    Ok(ttls.into_iter().map(hop).collect())
}

impl WrittenHop<'_> {
    /// `None` for an answer without a usable time.
    fn read(&self) -> Result<Option<HopAnswer>, String> {
        let from = address("hops.addr", &self.addr)?;
        let kind = kind_of(from, self.icmp_type.zip(self.icmp_code), self.tcp_flags);
        let code = self.icmp_code.filter(|_| kind == AnswerKind::Unreachable);
        let extras = code.map(|code| Box::new(Extras { code: Some(code), ..Extras::default() }));
        let answer = |rtt_ns| HopAnswer { from, rtt_ns, kind, late: false, unmatched: false, extras };
        Ok(usable(self.rtt).map(answer))
    }
}

fn ending(stop_reason: Option<&str>, hops: &[Hop]) -> Ending {
    let mut answers = hops.iter().flat_map(|hop| &hop.answers).peekable();
    match stop_reason {
        Some("LOOP") => Ending::Looped,
        Some("ERROR") if answers.peek().is_none() => Ending::Unsent,
        Some("UNREACH") if answers.any(|answer| answer.kind == AnswerKind::Unreachable) => Ending::Refused,
        Some(_) | None if hops.last().is_none_or(|hop| hop.answers.is_empty()) => Ending::Silent,
        Some(_) | None => Ending::Exhausted,
    }
}
