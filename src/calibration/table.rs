//! What all vantages measured in a span of time: for each address its facts, and the best time of every standpoint.
//!
//! Tables are joined: the least time and all facts remain, in whatever order they come.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::facts::Facts;
use crate::moment::Rtt;

/// A vantage as it was described when it measured: its place in the list of all of them.
pub(super) type Standpoint = usize;

/// By address.
#[derive(Clone, Debug, Default)]
pub(super) struct Table(BTreeMap<IpAddr, Entry>);

/// What is known of one address.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    /// What was said of it.
    pub(super) facts: Facts,
    /// The best time of each standpoint, in the order of the standpoints.
    seen: Vec<(Standpoint, Rtt)>,
}

impl Entry {
    fn see(&mut self, standpoint: Standpoint, rtt: Rtt) {
        match self.seen.binary_search_by_key(&standpoint, |(standpoint, _)| *standpoint) {
            Ok(at) => {
                if let Some((_, best)) = self.seen.get_mut(at) {
                    *best = rtt.min(*best);
                }
            }
            Err(at) => self.seen.insert(at, (standpoint, rtt)),
        }
    }

    /// Who saw it, and how fast at best.
    pub(super) fn seen(&self) -> &[(Standpoint, Rtt)] {
        &self.seen
    }
}

impl Table {
    /// Takes up a time, and what was said of the address.
    pub(super) fn add(&mut self, address: IpAddr, standpoint: Standpoint, rtt: Rtt, facts: &Facts) {
        let entry = self.0.entry(address).or_default();
        entry.facts.join(facts);
        entry.see(standpoint, rtt);
    }

    /// Takes up another table.
    pub(super) fn absorb(&mut self, other: &Self) {
        for (address, found) in &other.0 {
            let entry = self.0.entry(*address).or_default();
            entry.facts.join(&found.facts);
            found.seen.iter().for_each(|(standpoint, rtt)| entry.see(*standpoint, *rtt));
        }
    }

    /// Every address, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (IpAddr, &Entry)> {
        self.0.iter().map(|(address, entry)| (*address, entry))
    }
}
