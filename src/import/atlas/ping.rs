//! The times of a ping. Its own summary (`min`, `avg`, `max`) is not read: it may count what is no sample.

use std::net::IpAddr;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Head;
use crate::import::record::{Fault, Record};
use crate::import::{count, usable};
use crate::observation::{Observation, Ping, PingBest};

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

/// Adds the times to the observation, if there was a target to ping.
pub(super) fn read(
    record: Record<'_>,
    head: &Head,
    target: Option<IpAddr>,
    observation: &mut Observation,
) -> Result<(), Fault> {
    let written: Pinged = record.read()?;
    let Some(address) = target else { return Ok(()) };
    let probes = || written.result.iter().filter(|reply| reply.late.is_none() && reply.dup.is_none());
    let samples = || probes().filter_map(|reply| usable(reply.rtt?));
    observation.pings.push(Ping {
        address,
        protocol: head.protocol()?,
        started: observation.observed,
        attempts: count(probes().count()),
        resets: 0,
        best: samples().min().map(|rtt_ns| PingBest { rtt_ns, samples: count(samples().count()) }),
    });
    Ok(())
}
