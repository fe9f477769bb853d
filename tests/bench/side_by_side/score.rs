//! What a tracer saw, held against the truth.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::internet::Flows;
use super::seen::{Seen, Sight};
use super::world::{There, World};

/// How well a tracer saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Score {
    /// Distances at which a router stands that speaks, on the ways of all destinations, and how many were named.
    pub(crate) true_hops: u64,
    pub(crate) found_hops: u64,
    /// Hosts that speak, and how many were named at their true distance.
    pub(crate) true_hosts: u64,
    pub(crate) found_hosts: u64,
    /// Addresses that were named at a distance where they cannot have been met.
    pub(crate) wrong: u64,
    /// Half of the times that were told were further from the truth, in microseconds.
    pub(crate) median_rtt_error_us: f64,
}

/// Somebody who can be met, and how long that takes in nanoseconds.
type Met = (Ipv4Addr, u64);

impl Score {
    /// The score for `destinations`, of which probes of `flows` were sent.
    ///
    /// A hop is what the probes to that distance met. Where none was sent, as the hop is told without having been asked, it
    /// may be what any flow to the destination would have met: one router, for a tracer that keeps its flow. That a host answers at every distance beyond its
    /// own is true, and counts for nothing. A destination that was never asked is judged by some flow.
    pub(crate) fn of(world: &World, destinations: &[Ipv4Addr], flows: &Flows, seen: &Seen) -> Self {
        let mut score = Self::default();
        let mut errors_us = Vec::new();
        for host in destinations {
            let asked = flows.get(host).map_or(&[(0, 0)][..], Vec::as_slice);
            let sights = seen.0.get(host).map_or(&[][..], Vec::as_slice);
            score.add(world, *host, asked, sights, &mut errors_us);
        }
        errors_us.sort_unstable_by(f64::total_cmp);
        score.median_rtt_error_us = errors_us.get(errors_us.len() / 2).copied().unwrap_or(f64::NAN);
        score
    }

    fn add(&mut self, world: &World, host: Ipv4Addr, flows: &[(u8, u64)], sights: &[Sight], errors_us: &mut Vec<f64>) {
        let distance = world.distance(host).unwrap_or(0);
        for ttl in 1..=distance {
            let met = met(world, host, ttl, flows);
            let (exist, found) = if ttl == distance {
                (&mut self.true_hosts, &mut self.found_hosts)
            } else {
                (&mut self.true_hops, &mut self.found_hops)
            };
            let is_met = |sight: &&Sight| sight.ttl == ttl && met.iter().any(|(address, _)| *address == sight.from);
            *exist += u64::from(!met.is_empty());
            *found += u64::from(sights.iter().any(|sight| is_met(&sight)));
        }
        let mut wrong = BTreeSet::new();
        for sight in sights {
            match (met(world, host, sight.ttl, flows).iter().find(|(address, _)| *address == sight.from), sight.rtt_ns)
            {
                (Some((_, truth_ns)), Some(rtt_ns)) => errors_us.push((rtt_ns - float(*truth_ns)).abs() / 1000.0),
                (Some(_), None) => {}
                (None, _) => _ = wrong.insert((sight.ttl, sight.from)),
            }
        }
        self.wrong += wrong.len() as u64;
    }

    pub(crate) fn hops_share(&self) -> f64 {
        share(self.found_hops, self.true_hops)
    }

    pub(crate) fn hosts_share(&self) -> f64 {
        share(self.found_hosts, self.true_hosts)
    }
}

/// Who speaks at one distance on the ways of the flows that were sent there, or of all.
fn met(world: &World, host: Ipv4Addr, ttl: u8, flows: &[(u8, u64)]) -> Vec<Met> {
    let asked = flows.iter().any(|(probed, _)| *probed == ttl);
    let speaking = |(_, flow): &(u8, u64)| {
        let there = world.at(host, ttl, *flow)?;
        let address = match there {
            There::Router(_, router) => (!router.silent).then_some(router.address),
            There::Host { dead, .. } => (!dead).then_some(host),
        };
        Some((address?, world.round_trip_ns(host, ttl, there)))
    };
    flows.iter().filter(|(probed, _)| *probed == ttl || !asked).filter_map(speaking).collect()
}

fn share(found: u64, exist: u64) -> f64 {
    float(found) / float(exist)
}

#[expect(clippy::cast_precision_loss, reason = "counts and nanoseconds, far below 2^53")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}
