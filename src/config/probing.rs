//! `[probing]`: how endpoints are measured.

use std::net::Ipv4Addr;
use std::time::Duration;

use ipnet::IpNet;
use toml::de::DeValue;

use crate::trace::Protocol;
use crate::trace::plan::Plan;

use super::section::{Reading, Section};
use super::value;

/// How endpoints are measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbingConfig {
    /// The most probes a second that leave this host, all traces together.
    pub packets_per_second: u32,
    /// What traces are made of, in the order in which they are tried; empty for none.
    pub protocols: Vec<Protocol>,
    /// How many probes are sent to each distance.
    pub attempts: u8,
    /// The hop limit of the first probes.
    pub first_ttl: u8,
    /// The largest hop limit.
    pub last_ttl: u8,
    /// How many probes of one trace may be on their way at once.
    pub window: u8,
    /// After how many silent hops in a row a trace ends.
    pub gap_limit: u8,
    /// How long a reply is waited for.
    pub reply_timeout: Duration,
    /// How long one trace may take.
    pub trace_timeout: Duration,
    /// How many connections are attempted to the workload's own port; 0 for none.
    pub contact_attempts: u8,
    /// How long one connection may take.
    pub contact_timeout: Duration,
    /// The most addresses of one endpoint that are traced and contacted.
    pub max_addresses: usize,
    /// Whether the names of addresses, and of the last hops before them, are asked for.
    pub names: bool,
    /// Networks that a name may lead into although they are not global, and that are spoken to all the same.
    pub allow: Vec<IpNet>,
}

impl Default for ProbingConfig {
    /// Traces as [`Plan::for_address`] has them, within 200 packets a second; three connections.
    fn default() -> Self {
        let plan = Plan::for_address(Ipv4Addr::UNSPECIFIED.into(), Protocol::Icmp, 0);
        Self {
            packets_per_second: 200,
            protocols: vec![Protocol::Icmp, Protocol::Udp],
            attempts: plan.attempts,
            first_ttl: plan.first_ttl,
            last_ttl: plan.last_ttl,
            window: plan.window,
            gap_limit: plan.gap_limit,
            reply_timeout: plan.reply_timeout,
            trace_timeout: plan.deadline,
            contact_attempts: 3,
            contact_timeout: Duration::from_secs(3),
            max_addresses: 32,
            names: true,
            allow: Vec::new(),
        }
    }
}

/// Reads the section.
pub(super) fn read(root: &Section<'_>) -> ProbingConfig {
    let default = ProbingConfig::default();
    let section = root.section("probing");
    let shortest = Duration::from_millis(10);
    let protocols = section.list("protocols", protocol);
    let allow = section.list("allow", value::prefix);
    let protocols = protocols.map_or(default.protocols, |list| list.into_iter().map(|at| at.value).collect());
    let config = ProbingConfig {
        packets_per_second: section.or("packets_per_second", default.packets_per_second, value::whole(1, 100_000)),
        protocols,
        attempts: section.or("attempts", default.attempts, value::whole(1, 10)),
        first_ttl: section.or("first_ttl", default.first_ttl, value::whole(1, 255)),
        last_ttl: section.or("last_ttl", default.last_ttl, value::whole(1, 255)),
        window: section.or("window", default.window, value::whole(1, 64)),
        gap_limit: section.or("gap_limit", default.gap_limit, value::whole(1, 255)),
        reply_timeout: section.or("reply_timeout", default.reply_timeout, value::duration(shortest)),
        trace_timeout: section.or("trace_timeout", default.trace_timeout, value::duration(shortest)),
        contact_attempts: section.or("contact_attempts", default.contact_attempts, value::whole(0, 20)),
        contact_timeout: section.or("contact_timeout", default.contact_timeout, value::duration(shortest)),
        max_addresses: section.or("max_addresses", default.max_addresses, value::whole(1, 256)),
        names: section.or("names", default.names, value::flag),
        allow: allow.map_or(default.allow, |list| list.into_iter().map(|at| at.value).collect()),
    };
    if config.first_ttl > config.last_ttl {
        let message = format!("{} is beyond last_ttl, {}: write a smaller one", config.first_ttl, config.last_ttl);
        section.faults().error(&section.spot_of("first_ttl"), message);
    }
    if config.protocols.is_empty() && config.contact_attempts == 0 {
        let message = "nothing is measured, neither traces nor contacts: every place will rest on databases alone";
        section.faults().warn(&section.spot_of("protocols"), message);
    }
    config
}

fn protocol(value: &DeValue<'_>) -> Reading<Protocol> {
    value::word(value, &[("icmp", Protocol::Icmp), ("udp", Protocol::Udp)])
}
