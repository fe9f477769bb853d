//! The times of a ping. Its own summary (`min`, `avg`, `max`) is not read: it may count what is no sample.
//!
//! Where a reply came from is only said of those that came from elsewhere than the first. What another host answered is no
//! time of the target.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::import::record::{Fault, Record};
use crate::import::{self, count, usable};
use crate::observation::{Ping, PingBest};
use crate::trace::Protocol;

#[derive(Deserialize)]
struct Pinged {
    result: Vec<WrittenReply>,
}

/// A reply has a time, silence an `x`, and what could not be sent an `error`.
#[derive(Deserialize)]
struct WrittenReply {
    rtt: Option<f64>,
    #[serde(alias = "src_Addr")]
    src_addr: Option<String>,
    late: Option<IgnoredAny>,
    dup: Option<IgnoredAny>,
}

/// The times of the answers.
pub(super) fn read(record: Record<'_>, protocol: Protocol, address: IpAddr, started: Timestamp) -> Result<Ping, Fault> {
    let written: Pinged = record.read()?;
    let probes = || written.result.iter().filter(|reply| reply.late.is_none() && reply.dup.is_none());
    let is_from_target = |from: &String| import::address("src_addr", from) == Ok(address);
    // Where one that differs from the first is the target's, the first is not, nor are those like it.
    let first_is_another = probes().filter_map(|reply| reply.src_addr.as_ref()).any(is_from_target);
    let is_sample = |reply: &&WrittenReply| reply.src_addr.as_ref().map_or(!first_is_another, is_from_target);
    let samples = || probes().filter(is_sample).filter_map(|reply| usable(reply.rtt?));
    Ok(Ping {
        address,
        protocol,
        started,
        attempts: count(probes().count()),
        resets: 0,
        best: samples().min().map(|rtt_ns| PingBest { rtt_ns, samples: count(samples().count()) }),
    })
}
