//! The names of addresses, each asked for once while its answer holds: endpoints share hosts, and every path the same
//! last hops.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Resolvers;
use crate::edge::clock;
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
    known: Mutex<BTreeMap<(View, IpAddr), Arc<Cell>>>,
    tally: Mutex<BTreeMap<&'static str, u64>>,
    most: usize,
}

/// One address: held while it is asked for, so that whoever asks meanwhile waits for the same answer.
#[derive(Debug, Default)]
struct Cell(tokio::sync::Mutex<Option<(Instant, Pointer)>>);

impl Default for Pointers {
    fn default() -> Self {
        Self { known: Mutex::default(), tally: Mutex::default(), most: MOST }
    }
}

impl Pointers {
    /// What `view` calls `address`: remembered, or asked for now.
    pub async fn point(&self, resolvers: &Resolvers, view: &View, address: IpAddr) -> Pointer {
        let cell = self.cell(view, address);
        let mut kept = cell.0.lock().await;
        let begun = clock::now().mono;
        if let Some((until, pointer)) = kept.as_ref()
            && *until > begun
        {
            return pointer.clone();
        }
        let pointer = resolvers.point(view, address).await;
        *lock(&self.tally).entry(pointer.outcome.as_str()).or_default() += 1;
        *kept = Some((begun + holds(&pointer.outcome), pointer.clone()));
        pointer
    }

    /// The same for no more than so many addresses.
    #[cfg(test)]
    pub(super) fn remembering(most: usize) -> Self {
        Self { most, ..Self::default() }
    }

    /// How many addresses are remembered.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        lock(&self.known).len()
    }

    /// How many addresses were asked for, by what came of it: `answered`, or the failure.
    pub fn tally(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.tally).clone()
    }

    /// The cell of an address. When there are too many, those that nobody uses are forgotten, the expired ones first.
    fn cell(&self, view: &View, address: IpAddr) -> Arc<Cell> {
        let key = (view.clone(), address);
        let mut known = lock(&self.known);
        if known.len() >= self.most && !known.contains_key(&key) {
            let now = clock::now().mono;
            known.retain(|_, cell| cell.is_of_use(now));
            if known.len() >= self.most {
                known.retain(|_, cell| Arc::strong_count(cell) > 1);
            }
        }
        Arc::clone(known.entry(key).or_default())
    }
}

impl Cell {
    /// Whether somebody is asking, or the answer still holds.
    fn is_of_use(&self, now: Instant) -> bool {
        self.0.try_lock().map_or(true, |kept| kept.as_ref().is_some_and(|(until, _)| *until > now))
    }
}

fn holds(outcome: &Pointed) -> Duration {
    match outcome {
        Pointed::Named(named) => Duration::from_secs(named.ttl.into()).clamp(SHORTEST, LONGEST),
        Pointed::Failed(failure) if failure.is_an_answer() => NAMELESS,
        Pointed::Failed(_) => SHORTEST,
    }
}

/// What is behind these locks is whole whenever a task can break off.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
