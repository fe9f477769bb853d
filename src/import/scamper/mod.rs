//! scamper's results as `sc_warts2json` prints them, one a line: traces and pings.
//!
//! Who measured is the `monitor` of a result, or the `hostname` of the cycle it belongs to (the `cycle-start` line before
//! it), or its `src` address: the first of these that the vantages file describes, else the first that is there. Lines of
//! cycles and lists are administration.

use std::borrow::Cow;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::Deserialize;

use super::record::{Fault, Record};
use super::vantages::Vantages;
use super::{Read, address, bare};
use crate::observation::Observation;
use crate::printable::Printable;
use crate::trace::{AnswerKind, Protocol};
use crate::vantage::Vantage;

mod ping;
mod trace;

/// The longest name of a monitor, in bytes: a host name's.
const LONGEST_NAME: usize = 255;

/// `TCP` flag: reset.
const RST: u8 = 0x04;

/// Reads a file's results one after the other, because each belongs to the cycle that began before it.
#[derive(Debug, Default)]
pub(super) struct Reader {
    hostname: Option<String>,
}

/// What all results have.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    src: Option<Cow<'a, str>>,
    #[serde(borrow)]
    dst: Cow<'a, str>,
    #[serde(borrow)]
    monitor: Option<Cow<'a, str>>,
    start: Start,
}

#[derive(Deserialize)]
struct Start {
    sec: i64,
    #[serde(default)]
    usec: i32,
}

#[derive(Deserialize)]
struct Cycle {
    hostname: Option<String>,
}

impl Reader {
    pub(super) fn handle_record(&mut self, record: Record<'_>, kind: &str, vantages: &Vantages) -> Result<Read, Fault> {
        match kind {
            "trace" | "ping" => {}
            "cycle-start" => {
                self.hostname = record.read::<Cycle>()?.hostname;
                return Ok(Read::Nothing);
            }
            "cycle-stop" => {
                self.hostname = None;
                return Ok(Read::Nothing);
            }
            "cycle-def" | "list" => return Ok(Read::Nothing),
            other => return Ok(Read::Skipped(format!("scamper {}", Printable(other)))),
        }
        let head: Head<'_> = record.read()?;
        let target = address("dst", &head.dst)?;
        let mut observation = self.observation(&head, target, vantages)?;
        if kind == "trace" {
            observation.traces.push(trace::read(record, head.protocol()?, target, observation.observed)?);
        } else {
            observation.pings.push(ping::read(record, head.protocol()?, target, observation.observed)?);
        }
        Ok(Read::Observation(Box::new(observation)))
    }

    fn observation(&self, head: &Head<'_>, target: IpAddr, vantages: &Vantages) -> Result<Observation, String> {
        let endpoint = target.to_string().parse().map_err(|error| format!("dst: {error}"))?;
        Ok(bare(endpoint, self.vantage(head, vantages)?, head.start.timestamp()?))
    }

    fn vantage(&self, head: &Head<'_>, vantages: &Vantages) -> Result<Vantage, String> {
        let names = [
            ("monitor", head.monitor.as_deref()),
            ("hostname", self.hostname.as_deref()),
            ("src", head.src.as_deref()),
        ];
        let given: Vec<_> = names.into_iter().filter_map(|(field, name)| Some((field, name?))).collect();
        if let Some((field, name)) = given.iter().find(|(_, name)| !is_name(name)) {
            return Err(format!("{field}: {:?} is not the name of a vantage", Printable(name).to_string()));
        }
        let found = || given.iter().map(|(_, name)| vantages.find(name));
        let described = found().find(|vantage| vantage.position.is_some());
        let nobody = "neither monitor nor src, and no cycle with a hostname: nobody knows who measured";
        described.or_else(|| found().next()).ok_or_else(|| nobody.to_owned())
    }
}

/// Whether `text` can be shown as a name.
fn is_name(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl Head<'_> {
    /// The methods are `icmp-echo`, `icmp-echo-paris`, `icmp-time`, `udp`, `udp-paris`, `udp-dport`, `tcp`, `tcp-ack`,
    /// `tcp-syn` and the like.
    fn protocol(&self) -> Result<Protocol, String> {
        match self.method.split('-').next() {
            Some("icmp") => Ok(Protocol::Icmp),
            Some("udp") => Ok(Protocol::Udp),
            Some("tcp") => Ok(Protocol::Tcp),
            Some(_) | None => Err(format!("method: {} is not of icmp, udp or tcp", Printable(&self.method))),
        }
    }
}

impl Start {
    fn timestamp(&self) -> Result<Timestamp, String> {
        let wrong = |_| format!("start: {} s and {} us are no time: write seconds since 1970", self.sec, self.usec);
        Timestamp::new(self.sec, self.usec.saturating_mul(1000)).map_err(wrong)
    }
}

/// What an answer said, by its `ICMP` type and code or its `TCP` flags.
fn kind_of(from: IpAddr, icmp: Option<(u8, u8)>, tcp_flags: Option<u8>) -> AnswerKind {
    let (time_exceeded, echo_reply, port_unreachable, unreachable) =
        if from.is_ipv4() { (11, 0, (3, 3), 3) } else { (3, 129, (1, 4), 1) };
    match (icmp, tcp_flags) {
        (Some(both), _) if both == port_unreachable => AnswerKind::PortUnreachable,
        (Some((kind, _)), _) if kind == time_exceeded => AnswerKind::TimeExceeded,
        (Some((kind, _)), _) if kind == echo_reply => AnswerKind::EchoReply,
        (Some((kind, _)), _) if kind == unreachable => AnswerKind::Unreachable,
        (None, Some(flags)) if flags & RST != 0 => AnswerKind::Reset,
        (Some(_) | None, _) => AnswerKind::Unstated,
    }
}

#[cfg(test)]
pub(super) mod tests;
