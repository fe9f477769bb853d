//! RIPE Atlas results (the JSON of its measurement API, version 4460 and later): traceroutes and pings.
//!
//! A result becomes one observation by the vantage `atlas-` and the number of the probe. What the probe resolved is kept
//! as a resolution by the view `atlas`; results without an address are passed over and counted. Where the name is itself
//! an address, and another one was measured, what was measured counts. What `pehra trace` writes in this form
//! ([`crate::export`]) names its vantage, and is read back as it was measured.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::Deserialize;

use super::record::{Fault, Record};
use super::vantages::Vantages;
use super::{Read, address, bare};
use crate::moment::Rtt;
use crate::observation::Observation;
use crate::printable::Printable;
use crate::resolution::{AddressFamily, Addressed, Answer, Outcome, Resolution, View};
use crate::trace::Protocol;
use crate::workload::{Endpoint, Host, HostName};

mod ping;
mod traceroute;

/// The observation in a result of that kind. One without a kind is a traceroute: that is how old downloads have them.
/// One without an address measured nothing: its probe could not resolve the name, or never sent anything, and which of
/// them, and why, it says in words of its own that are no answer of a name server.
pub(super) fn read(record: Record<'_>, kind: Option<&str>, vantages: &Vantages) -> Result<Read, Fault> {
    let skipped = |kind: &str| Ok(Read::Skipped(format!("RIPE Atlas {kind}")));
    let head: Head = match kind {
        Some("traceroute" | "ping") | None => record.read()?,
        Some(other) => return skipped(&Printable(other).to_string()),
    };
    let Some(target) = head.target()? else {
        return skipped(&format!("{} without an address", kind.unwrap_or("traceroute")));
    };
    let endpoint = head.endpoint(target)?;
    let is_misnamed = matches!(endpoint.host(), Host::Address(named) if *named != target);
    let endpoint = if is_misnamed { Endpoint::from(target) } else { endpoint };
    let mut observation = head.observation(endpoint, target, vantages)?;
    let (protocol, started) = (head.protocol()?, observation.observed);
    if kind == Some("ping") {
        observation.pings.push(ping::read(record, protocol, target, started)?);
    } else {
        let (trace, elapsed) = traceroute::read(record, protocol, target, started)?;
        observation.traces.push(trace);
        observation.elapsed_ns = elapsed;
    }
    let observation = Box::new(observation);
    Ok(if is_misnamed { Read::Misnamed(observation) } else { Read::Observation(observation) })
}

/// What all results have.
#[derive(Deserialize)]
struct Head {
    af: Option<u8>,
    proto: Option<String>,
    prb_id: u64,
    timestamp: i64,
    dst_name: Option<String>,
    dst_addr: Option<String>,
    /// Of traces of ours, as `timestamp` has whole seconds.
    started: Option<Timestamp>,
    /// Of traces of ours, which no probe of RIPE Atlas made.
    vantage: Option<String>,
}

impl Head {
    /// What was asked for.
    fn endpoint(&self, target: IpAddr) -> Result<Endpoint, String> {
        let name = self.dst_name.clone().unwrap_or_else(|| target.to_string());
        name.parse().map_err(|error| format!("dst_name: {error}"))
    }

    fn observation(&self, endpoint: Endpoint, target: IpAddr, vantages: &Vantages) -> Result<Observation, String> {
        let wrong = |_| format!("timestamp: {} is out of range: write seconds since 1970", self.timestamp);
        let observed = Timestamp::from_second(self.timestamp).map_err(wrong)?;
        let observed = self.started.unwrap_or(observed);
        let resolution = self.resolution(&endpoint, target, observed);
        let vantage = self.vantage.clone().unwrap_or_else(|| format!("atlas-{}", self.prb_id));
        let mut observation = bare(endpoint, vantages.find(&vantage), observed);
        observation.resolutions.extend(resolution);
        Ok(observation)
    }

    /// `None` for a name without an address.
    fn target(&self) -> Result<Option<IpAddr>, String> {
        let written = self.dst_addr.as_deref().filter(|text| !text.is_empty());
        if written.is_none() && self.dst_name.is_none() {
            return Err("neither dst_name nor dst_addr: it names no destination".to_owned());
        }
        written.map(|text| address("dst_addr", text)).transpose()
    }

    /// What the probe made of the name; nothing when the destination was an address.
    fn resolution(&self, endpoint: &Endpoint, address: IpAddr, asked: Timestamp) -> Option<Resolution> {
        let name: HostName = match endpoint.host() {
            Host::Name(name) => name.clone(),
            Host::Address(_) => return None,
        };
        let addresses = vec![Addressed { address, ttl: 0 }];
        Some(Resolution {
            name,
            family: if self.af == Some(6) { AddressFamily::Aaaa } else { AddressFamily::A },
            view: View("atlas".to_owned()),
            server: None,
            asked,
            elapsed_ns: Rtt::default(),
            outcome: Outcome::Answered(Answer { chain: Vec::new(), addresses, authenticated: false, left_out: 0 }),
            followed: Vec::new(),
            subnet: None,
        })
    }

    fn protocol(&self) -> Result<Protocol, String> {
        match self.proto.as_deref() {
            Some("ICMP") | None => Ok(Protocol::Icmp),
            Some("UDP") => Ok(Protocol::Udp),
            Some("TCP") => Ok(Protocol::Tcp),
            Some(other) => Err(format!("proto: {} is not ICMP, UDP or TCP", Printable(other))),
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
