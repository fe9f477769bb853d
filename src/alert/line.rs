//! What one sink has taken and what it is still owed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::outbox::{DeliveryId, PostingId};
use super::{Outcome, SinkKind};

/// The most alerts in one delivery.
const BATCH: usize = 256;
/// The first wait after a failure; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// What is due within this time goes along with what is due now.
const ALONG: Duration = Duration::from_secs(5);

/// Which version of a posting: it counts the changes a sink should hear of.
pub(super) type Version = u32;

/// The deliveries to one sink, one under way at a time, so that no older news overtakes newer.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) kind: SinkKind,
    due: BTreeMap<PostingId, Instant>,
    queue: BTreeSet<(Instant, PostingId)>,
    accepted: BTreeMap<PostingId, Version>,
    refusals: BTreeMap<PostingId, u32>,
    under_way: Option<(DeliveryId, Vec<(PostingId, Version)>)>,
    /// How many deliveries in a row reached nobody, and until when none is tried.
    failures: u32,
    not_before: Option<Instant>,
}

impl Line {
    pub(super) fn new(kind: SinkKind) -> Self {
        Self {
            kind,
            due: BTreeMap::new(),
            queue: BTreeSet::new(),
            accepted: BTreeMap::new(),
            refusals: BTreeMap::new(),
            under_way: None,
            failures: 0,
            not_before: None,
        }
    }

    /// Owes the sink that posting, at that time instead of any other.
    pub(super) fn owe(&mut self, posting: PostingId, at: Instant) {
        if let Some(before) = self.due.insert(posting, at) {
            self.queue.remove(&(before, posting));
        }
        self.queue.insert((at, posting));
    }

    /// Takes note that the sink has that version, as read from a saved book.
    pub(super) fn note_accepted(&mut self, posting: PostingId, version: Version) {
        self.accepted.insert(posting, version);
    }

    pub(super) fn has(&self, posting: PostingId, version: Version) -> bool {
        self.accepted.get(&posting) == Some(&version)
    }

    pub(super) fn forget(&mut self, posting: PostingId) {
        if let Some(at) = self.due.remove(&posting) {
            self.queue.remove(&(at, posting));
        }
        self.accepted.remove(&posting);
        self.refusals.remove(&posting);
    }

    /// The postings to deliver now; empty when there is nothing to do or a delivery is under way.
    pub(super) fn take(&mut self, now: Instant) -> Vec<PostingId> {
        if self.under_way.is_some() || self.poll_timeout().is_none_or(|at| at > now) {
            return Vec::new();
        }
        let mut taken = Vec::new();
        while taken.len() < BATCH && self.queue.first().is_some_and(|(at, _)| *at <= now + ALONG) {
            if let Some((_, posting)) = self.queue.pop_first() {
                self.due.remove(&posting);
                taken.push(posting);
            }
        }
        taken
    }

    pub(super) fn begin(&mut self, id: DeliveryId, postings: Vec<(PostingId, Version)>) {
        self.under_way = Some((id, postings));
    }

    /// When the next delivery may begin; `None` while one is under way or nothing is owed.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        if self.under_way.is_some() {
            return None;
        }
        let (due, _) = self.queue.first()?;
        Some(self.not_before.map_or(*due, |at| at.max(*due)))
    }

    /// The end of a delivery: which postings the sink has taken, in which version, and whether that is news to it. What
    /// it did not take is owed again, after a wait of at most `longest`. An outcome that is missing counts as nobody
    /// having answered.
    pub(super) fn settle(
        &mut self,
        id: DeliveryId,
        outcomes: &[Outcome],
        longest: Duration,
        now: Instant,
    ) -> Vec<(PostingId, Version, bool)> {
        let Some((_, postings)) = self.under_way.take_if(|(under_way, _)| *under_way == id) else {
            return Vec::new();
        };
        let mut taken = Vec::new();
        let mut unreached = false;
        for (index, (posting, version)) in postings.into_iter().enumerate() {
            match outcomes.get(index).copied().unwrap_or(Outcome::Unreachable) {
                Outcome::Accepted => {
                    let had = self.accepted.insert(posting, version);
                    self.refusals.remove(&posting);
                    taken.push((posting, version, had != Some(version)));
                }
                Outcome::Refused => {
                    let refusals = self.refusals.entry(posting).or_default();
                    *refusals = refusals.saturating_add(1);
                    let wait = backoff(*refusals, longest);
                    self.owe_unless_due(posting, now + wait);
                }
                Outcome::Unreachable | Outcome::Timeout => {
                    unreached = true;
                    self.owe_unless_due(posting, now);
                }
            }
        }
        self.failures = if unreached { self.failures.saturating_add(1) } else { 0 };
        self.not_before = unreached.then(|| now + backoff(self.failures, longest));
        taken
    }

    /// Owes the posting unless news of it already wait.
    pub(super) fn owe_unless_due(&mut self, posting: PostingId, at: Instant) {
        if !self.due.contains_key(&posting) {
            self.owe(posting, at);
        }
    }
}

fn backoff(failures: u32, longest: Duration) -> Duration {
    FIRST_WAIT.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(longest)
}
