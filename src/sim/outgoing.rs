//! What left the host of the daemon: to whom, and how much of each kind in each second.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

/// What left the host since the step before.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    to: BTreeSet<IpAddr>,
    /// By kind and second.
    counts: BTreeMap<(&'static str, u64), usize>,
}

impl Outgoing {
    /// So many of a kind leave for an address.
    pub(super) fn send(&mut self, kind: &'static str, to: IpAddr, count: usize, elapsed: Duration) {
        self.to.insert(to);
        self.ask(kind, count, elapsed);
    }

    /// So many of a kind leave for a resolver.
    pub(super) fn ask(&mut self, kind: &'static str, count: usize, elapsed: Duration) {
        *self.counts.entry((kind, elapsed.as_secs())).or_default() += count;
    }

    /// Holds it against what is expected of it.
    pub(super) fn as_expected(
        &self,
        spoken_to: Option<&Vec<IpAddr>>,
        per_second_at_most: &BTreeMap<String, usize>,
    ) -> Vec<String> {
        let others = spoken_to.filter(|expected| self.to != expected.iter().copied().collect());
        let others = others.map(|expected| format!("spoken to {:?}, {expected:?} expected", self.to));
        let bursts = per_second_at_most.iter().filter_map(|(kind, most)| {
            let of_kind = self.counts.iter().filter(|((of, _), _)| of == kind);
            match of_kind.map(|((_, second), count)| (*count, *second)).max() {
                None => Some(format!("no {kind} were sent")),
                Some((count, second)) if count > *most => {
                    Some(format!("{count} {kind} in second {second}, at most {most} expected"))
                }
                Some(_) => None,
            }
        });
        others.into_iter().chain(bursts).collect()
    }
}
