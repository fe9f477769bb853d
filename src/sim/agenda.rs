//! What will happen and when: the virtual clock's list of appointments.

use std::collections::BTreeMap;
use std::time::Instant;

/// Things to come, in order of time; of the same time, in the order in which they were put down.
#[derive(Debug)]
pub(super) struct Agenda<E> {
    entries: BTreeMap<(Instant, u64), E>,
    written: u64,
}

impl<E> Agenda<E> {
    pub(super) fn new() -> Self {
        Self { entries: BTreeMap::new(), written: 0 }
    }

    pub(super) fn put(&mut self, at: Instant, event: E) {
        self.entries.insert((at, self.written), event);
        self.written += 1;
    }

    /// What has come by `now`, one at a time.
    pub(super) fn poll(&mut self, now: Instant) -> Option<E> {
        let ((at, _), _) = self.entries.first_key_value()?;
        if *at > now {
            return None;
        }
        self.entries.pop_first().map(|(_, event)| event)
    }

    /// When the next thing comes.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.entries.first_key_value().map(|((at, _), _)| *at)
    }
}
