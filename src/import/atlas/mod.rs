//! RIPE Atlas results (the JSON of its measurement API, version 4460 and later): traceroutes and pings.
//!
//! A result becomes one observation by the vantage `atlas-` and the number of the probe. What the probe resolved is kept
//! as a resolution by the view `atlas`; results whose name could not be resolved become observations that say so.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::Deserialize;

use super::record::{Fault, Record};
use super::vantages::Vantages;
use super::{Read, address, bare};
use crate::moment::Rtt;
use crate::observation::{Declared, Observation};
use crate::printable::Printable;
use crate::resolution::{AddressFamily, Addressed, Answer, NameFailure, Outcome, Resolution, View};
use crate::trace::Protocol;
use crate::workload::{Endpoint, Host, HostName};

mod ping;
mod traceroute;

/// The observation in a result of that kind. One without a kind is a traceroute: that is how old downloads have them.
pub(super) fn read(
    record: Record<'_>,
    kind: Option<&str>,
    vantages: &Vantages,
    declared: &Declared,
) -> Result<Read, Fault> {
    let head: Head = match kind {
        Some("traceroute" | "ping") | None => record.read()?,
        Some(other) => return Ok(Read::Skipped(format!("RIPE Atlas {}", Printable(other)))),
    };
    let target = head.target()?;
    let mut observation = head.observation(target, vantages, declared)?;
    match (kind, target) {
        (Some("ping"), target) => ping::read(record, &head, target, &mut observation)?,
        (Some(_) | None, target) => traceroute::read(record, &head, target, &mut observation)?,
    }
    Ok(Read::Observation(Box::new(observation)))
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
}

impl Head {
    fn observation(
        &self,
        target: Option<IpAddr>,
        vantages: &Vantages,
        declared: &Declared,
    ) -> Result<Observation, String> {
        let wrong = |_| format!("timestamp: {} is out of range: write seconds since 1970", self.timestamp);
        let observed = Timestamp::from_second(self.timestamp).map_err(wrong)?;
        let endpoint = self.endpoint(target)?;
        let resolution = self.resolution(&endpoint, target, observed);
        let mut observation = bare(endpoint, vantages.find(&format!("atlas-{}", self.prb_id)), observed, declared);
        observation.resolutions.extend(resolution);
        Ok(observation)
    }

    fn target(&self) -> Result<Option<IpAddr>, String> {
        self.dst_addr.as_deref().filter(|text| !text.is_empty()).map(|text| address("dst_addr", text)).transpose()
    }

    fn endpoint(&self, target: Option<IpAddr>) -> Result<Endpoint, String> {
        let text = match (&self.dst_name, target) {
            (Some(name), _) => name.clone(),
            (None, Some(address)) => address.to_string(),
            (None, None) => return Err("neither dst_name nor dst_addr: it names no destination".to_owned()),
        };
        text.parse().map_err(|error| format!("dst_name: {error}"))
    }

    /// What the probe made of the name; nothing when the destination was an address.
    fn resolution(&self, endpoint: &Endpoint, target: Option<IpAddr>, asked: Timestamp) -> Option<Resolution> {
        let name: HostName = match endpoint.host() {
            Host::Name(name) => name.clone(),
            Host::Address(_) => return None,
        };
        let address = |address| Answer {
            chain: Vec::new(),
            addresses: vec![Addressed { address, ttl: 0 }],
            authenticated: false,
            left_out: 0,
        };
        Some(Resolution {
            name,
            family: if self.af == Some(6) { AddressFamily::Aaaa } else { AddressFamily::A },
            view: View("atlas".to_owned()),
            server: None,
            asked,
            elapsed_ns: Rtt::default(),
            outcome: target.map_or(Outcome::Failed(NameFailure::ServerFailure), |a| Outcome::Answered(address(a))),
            followed: Vec::new(),
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
