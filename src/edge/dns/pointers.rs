//! The names of addresses, each asked for once while its answer holds: endpoints share hosts, and every path the same
//! last hops.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use super::Resolvers;
use crate::edge::memory::{Memory, lock};
use crate::resolution::View;
use crate::resolution::pointer::{Pointed, Pointer};

/// The most addresses whose names are remembered.
const MOST: usize = 10_000;

/// How long an answer holds at least and at most, whatever its TTL.
const SHORTEST: Duration = Duration::from_secs(300);
const LONGEST: Duration = Duration::from_secs(86_400);

/// How long it holds that an address has no name.
const NAMELESS: Duration = Duration::from_secs(3600);

/// What addresses are called, as far as it was asked.
#[derive(Debug)]
pub struct Pointers {
    known: Memory<(View, IpAddr), Pointer>,
    tally: Mutex<BTreeMap<&'static str, u64>>,
}

impl Default for Pointers {
    fn default() -> Self {
        Self { known: Memory::of(MOST), tally: Mutex::default() }
    }
}

impl Pointers {
    /// What `view` calls `address`: remembered, or asked for now.
    pub async fn point(&self, resolvers: &Resolvers, view: &View, address: IpAddr) -> Pointer {
        let ask = async {
            let pointer = resolvers.point(view, address).await;
            *lock(&self.tally).entry(pointer.outcome.as_str()).or_default() += 1;
            let holds = holds(&pointer.outcome);
            (pointer, holds)
        };
        self.known.get((view.clone(), address), ask).await
    }

    /// The same for no more than so many addresses.
    #[cfg(test)]
    pub(super) fn remembering(most: usize) -> Self {
        Self { known: Memory::of(most), ..Self::default() }
    }

    /// How many addresses are remembered.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.known.len()
    }

    /// How many addresses were asked for, by what came of it: `answered`, or the failure.
    pub fn tally(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.tally).clone()
    }
}

fn holds(outcome: &Pointed) -> Duration {
    match outcome {
        Pointed::Named(named) => Duration::from_secs(named.ttl.into()).clamp(SHORTEST, LONGEST),
        Pointed::Failed(failure) if failure.is_an_answer() => NAMELESS,
        Pointed::Failed(_) => SHORTEST,
    }
}
