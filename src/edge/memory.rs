//! Answers by what was asked, each asked for once while it holds, by one asker at a time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::edge::clock;

/// What is remembered, no more than so many answers.
#[derive(Debug)]
pub(in crate::edge) struct Memory<K, V> {
    known: Mutex<BTreeMap<K, Arc<Cell<V>>>>,
    most: usize,
}

/// One answer, and until when it holds: held while it is asked for, so that whoever asks meanwhile waits for the same.
#[derive(Debug)]
struct Cell<V>(tokio::sync::Mutex<Option<(Instant, V)>>);

impl<V> Default for Cell<V> {
    fn default() -> Self {
        Self(tokio::sync::Mutex::new(None))
    }
}

impl<K: Ord, V: Clone> Memory<K, V> {
    /// Remembers `most` answers.
    pub(in crate::edge) fn of(most: usize) -> Self {
        Self { known: Mutex::default(), most }
    }

    /// What is remembered of `key`; else what `ask` finds out now, and for how long that holds.
    pub(in crate::edge) async fn get(&self, key: K, ask: impl Future<Output = (V, Duration)>) -> V {
        let cell = self.cell(key);
        let mut kept = cell.0.lock().await;
        let begun = clock::now().mono;
        if let Some((until, answer)) = kept.as_ref()
            && *until > begun
        {
            return answer.clone();
        }
        let (answer, holds) = ask.await;
        *kept = Some((begun + holds, answer.clone()));
        answer
    }

    /// How many are remembered.
    #[cfg(test)]
    pub(in crate::edge) fn len(&self) -> usize {
        lock(&self.known).len()
    }

    /// The cell of a key. When there are too many, those that nobody uses are forgotten, the expired ones first.
    fn cell(&self, key: K) -> Arc<Cell<V>> {
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

impl<V> Cell<V> {
    /// Whether somebody is asking, or the answer still holds.
    fn is_of_use(&self, now: Instant) -> bool {
        self.0.try_lock().map_or(true, |kept| kept.as_ref().is_some_and(|(until, _)| *until > now))
    }
}

/// What is behind these locks is whole whenever a task can break off.
pub(in crate::edge) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
