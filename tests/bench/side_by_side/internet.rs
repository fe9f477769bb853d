//! What becomes of a probe, and who remembers it: rates, losses, and which flows went where.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::packet::Probe;
use super::world::{There, World, mix};

/// What goes wrong on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Weather {
    /// How many answers a router of the limited levels gives in a second; `None` for any number.
    pub(crate) replies_a_second: Option<u32>,
    /// The first so many levels are limited.
    pub(crate) limited_levels: u8,
    /// How many answers of a million are lost.
    pub(crate) lost_of_a_million: u32,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Probes that arrived.
    pub(crate) probes: u64,
    /// Answers that were begun.
    pub(crate) answers: u64,
    /// Answers that a router was not allowed to give.
    pub(crate) limited: u64,
    /// Answers that got lost on purpose.
    pub(crate) lost: u64,
    /// Packets that are no probes.
    pub(crate) others: u64,
}

/// How far each probe to a host was to go, and of which flow it was: one for a tracer that keeps it, many for others.
pub(crate) type Flows = BTreeMap<Ipv4Addr, Vec<(u8, u64)>>;

/// More than this of one host is not remembered.
const MOST_FLOWS: usize = 1024;

/// The world under way.
pub(crate) struct Internet<'a> {
    world: &'a World,
    weather: Weather,
    /// For each router when its bucket of answers is full again (the generic cell rate algorithm).
    full_at_ns: Vec<u64>,
    counts: Counts,
    flows: Flows,
}

impl<'a> Internet<'a> {
    pub(crate) fn new(world: &'a World, weather: Weather) -> Self {
        let full_at_ns = vec![0; world.routers().len()];
        Self { world, weather, full_at_ns, counts: Counts::default(), flows: Flows::new() }
    }

    /// Writes the answer to what arrived at `now_ns`, and says how long it takes; nothing when there is none.
    pub(crate) fn answer(&mut self, bytes: &[u8], now_ns: u64, out: &mut Vec<u8>) -> Option<u64> {
        let known = Probe::read(bytes).and_then(|probe| {
            let flow = probe.flow();
            Some((probe, flow, self.world.at(probe.destination, probe.ttl, flow)?))
        });
        let Some((probe, flow, there)) = known else {
            self.counts.others += 1;
            return None;
        };
        self.counts.probes += 1;
        self.remember(probe.destination, (probe.ttl, flow));
        match there {
            There::Router(_, router) if router.silent => return None,
            There::Router(index, router) if !self.may_answer(index, router.level, now_ns) => {
                self.counts.limited += 1;
                return None;
            }
            There::Router(_, router) => probe.time_exceeded(router.address, router.terse, router.label, out),
            There::Host { dead: true, .. } => return None,
            There::Host { dead: false, .. } => probe.answer(out),
        }
        if mix(self.counts.probes) % 1_000_000 < u64::from(self.weather.lost_of_a_million) {
            self.counts.lost += 1;
            return None;
        }
        self.counts.answers += 1;
        Some(self.world.round_trip_ns(probe.destination, probe.ttl, there))
    }

    fn remember(&mut self, host: Ipv4Addr, flow: (u8, u64)) {
        let flows = self.flows.entry(host).or_default();
        if flows.len() < MOST_FLOWS && !flows.contains(&flow) {
            flows.push(flow);
        }
    }

    /// A tenth of a second's answers may be given at once.
    fn may_answer(&mut self, router: usize, level: u8, now_ns: u64) -> bool {
        let Some(rate) = self.weather.replies_a_second.filter(|_| level <= self.weather.limited_levels) else {
            return true;
        };
        let interval_ns = 1_000_000_000 / u64::from(rate.max(1));
        let full_at_ns = self.full_at_ns[router].max(now_ns);
        let may = full_at_ns - now_ns <= 100_000_000;
        if may {
            self.full_at_ns[router] = full_at_ns + interval_ns;
        }
        may
    }

    /// What was counted, and the flows.
    pub(crate) fn finish(self) -> (Counts, Flows) {
        (self.counts, self.flows)
    }
}
