//! The times of a ping. Its own summary (`min`, `avg`, `max`) is not read: it may count what is no sample.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::import::record::{Fault, Record};
use crate::import::{count, usable};
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
    late: Option<IgnoredAny>,
    dup: Option<IgnoredAny>,
}

/// The times of the answers.
pub(super) fn read(record: Record<'_>, protocol: Protocol, address: IpAddr, started: Timestamp) -> Result<Ping, Fault> {
    let written: Pinged = record.read()?;
    let probes = || written.result.iter().filter(|reply| reply.late.is_none() && reply.dup.is_none());
    let samples = || probes().filter_map(|reply| usable(reply.rtt?));
    Ok(Ping {
        address,
        protocol,
        started,
        attempts: count(probes().count()),
        resets: 0,
        best: samples().min().map(|rtt_ns| PingBest { rtt_ns, samples: count(samples().count()) }),
    })
}
