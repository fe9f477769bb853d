//! `[probing]`: how endpoints are measured.

use std::net::Ipv4Addr;
use std::time::Duration;

use toml::de::DeValue;

use crate::round::deny::DenyList;
use crate::round::{Beyond, Probing};
use crate::trace::Protocol;
use crate::trace::courtesy::Courtesy;
use crate::trace::plan::Plan;

use super::denied;
use super::section::{Reading, Section};
use super::value;

/// How endpoints are measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbingConfig {
    /// The most probes a second that leave this host, all traces together.
    pub packets_per_second: u32,
    /// The most of them that are headed to one /24 of IPv4 or /48 of IPv6.
    pub network_packets_per_second: u32,
    /// How much a round may ask.
    pub round: Probing,
}

impl Default for ProbingConfig {
    /// Traces as [`Plan::for_address`] has them, within 200 packets a second and 50 to one network; nothing
    /// shared, one retry; three connections; a minute for it all.
    fn default() -> Self {
        let plan = Plan::for_address(Ipv4Addr::UNSPECIFIED.into(), Protocol::Icmp, 0);
        let round = Probing {
            protocols: vec![Protocol::Icmp, Protocol::Udp],
            attempts: plan.attempts,
            retries: 1,
            first_ttl: plan.first_ttl,
            last_ttl: plan.last_ttl,
            window: plan.window,
            gap_limit: plan.gap_limit,
            reply_timeout: plan.reply_timeout,
            trace_timeout: plan.deadline,
            contact_attempts: 3,
            contact_timeout: Duration::from_secs(3),
            beyond: Beyond { converse: true, redirects: 5, resources: false, zone: true },
            max_addresses: 32,
            share: false,
            names: true,
            deadline: Duration::from_secs(60),
            allow: Vec::new(),
            deny: DenyList::default(),
        };
        Self { packets_per_second: 200, network_packets_per_second: 50, round }
    }
}

impl ProbingConfig {
    /// How fast probes may leave.
    pub fn courtesy(&self) -> Courtesy {
        Courtesy::per_second(self.packets_per_second, self.network_packets_per_second)
    }
}

/// Reads the section, and of `[schedule]` how long a round may take.
pub(super) fn read(root: &Section<'_>, schedule: &Section<'_>) -> ProbingConfig {
    let ProbingConfig { packets_per_second, network_packets_per_second, round: default } = ProbingConfig::default();
    let section = root.section("probing");
    let shortest = Duration::from_millis(10);
    let protocols = section.list("protocols", protocol);
    let allow = section.list("allow", value::prefix);
    let deny = section.list("deny", value::prefix);
    denied::warn_of_shadowed(
        allow.as_deref().unwrap_or_default(),
        deny.as_deref().unwrap_or_default(),
        section.faults(),
    );
    let protocols = protocols.map_or(default.protocols, |list| list.into_iter().map(|at| at.value).collect());
    let packets_per_second = section.or("packets_per_second", packets_per_second, value::whole(1, 100_000));
    let network_packets_per_second =
        section.or("network_packets_per_second", network_packets_per_second, value::whole(1, 100_000));
    let round = Probing {
        protocols,
        attempts: section.or("attempts", default.attempts, value::whole(1, 10)),
        retries: section.or("retries", default.retries, value::whole(0, 10)),
        first_ttl: section.or("first_ttl", default.first_ttl, value::whole(1, 255)),
        last_ttl: section.or("last_ttl", default.last_ttl, value::whole(1, 255)),
        window: section.or("window", default.window, value::whole(1, 64)),
        gap_limit: section.or("gap_limit", default.gap_limit, value::whole(1, 255)),
        reply_timeout: section.or("reply_timeout", default.reply_timeout, value::duration(shortest)),
        trace_timeout: section.or("trace_timeout", default.trace_timeout, value::duration(shortest)),
        contact_attempts: section.or("contact_attempts", default.contact_attempts, value::whole(0, 20)),
        contact_timeout: section.or("contact_timeout", default.contact_timeout, value::duration(shortest)),
        beyond: Beyond {
            converse: section.or("converse", default.beyond.converse, value::flag),
            redirects: section.or("redirects", default.beyond.redirects, value::whole(0, 10)),
            resources: section.or("resources", default.beyond.resources, value::flag),
            zone: section.or("zone", default.beyond.zone, value::flag),
        },
        max_addresses: section.or("max_addresses", default.max_addresses, value::whole(1, 256)),
        share: section.or("share", default.share, value::flag),
        names: section.or("names", default.names, value::flag),
        deadline: schedule.or("round_timeout", default.deadline, value::duration(Duration::from_secs(1))),
        allow: allow.map_or(default.allow, |list| list.into_iter().map(|at| at.value).collect()),
        deny: deny.into_iter().flatten().map(|at| at.value).collect(),
    };
    if round.first_ttl > round.last_ttl {
        let message = format!("{} is beyond last_ttl, {}: write a smaller one", round.first_ttl, round.last_ttl);
        section.faults().error(&section.spot_of("first_ttl"), message);
    }
    if round.protocols.is_empty() && round.contact_attempts == 0 {
        let message = "nothing is measured, neither traces nor contacts: every place will rest on databases alone";
        section.faults().warn(&section.spot_of("protocols"), message);
    }
    ProbingConfig { packets_per_second, network_packets_per_second, round }
}

fn protocol(value: &DeValue<'_>) -> Reading<Protocol> {
    value::word(value, &[("icmp", Protocol::Icmp), ("udp", Protocol::Udp), ("tcp", Protocol::Tcp)])
}
