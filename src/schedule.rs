//! Who is due when: TTLs, intervals, jitter, back-off and fairness.
//!
//! A name is due again when the answer that led to its addresses may have changed: when its TTL runs out, but not sooner
//! than a floor and not later than the interval of its class. The endpoint that waits longest goes first, and no more
//! than so many rounds run at once; a slow round holds one of those places and delays nobody else.
//!
//! Rounds come in no bursts. The first ones of a long list follow one another quickly, so that something is soon known of
//! everything; the second ones are spread evenly over the time until the third. From then on rounds begin no closer to one
//! another than five eighths of what an even pace would be: the busiest second holds less than twice the mean.
//!
//! Drain [`Schedule::poll_due`] after every `handle_*` and when [`Schedule::poll_timeout`] has come. Only the monotonic
//! clock is read: a stepped wall clock moves no round.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use crate::moment::Moment;
use crate::workload::Endpoint;

/// The most that jitter adds to a TTL: a move is seen within the TTL and these seconds.
const LATE_AT_MOST: Duration = Duration::from_secs(2);
/// The first rounds of a long list follow one another no slower than this.
const FIRST_STEP_AT_MOST: Duration = Duration::from_millis(200);
/// Rounds are not held back longer than this after one another: with so few of them nobody notices two at once.
const APART_AT_MOST: Duration = Duration::from_millis(500);
/// A round that has waited this long for its turn counts as overdue.
const OVERDUE_AFTER: Duration = Duration::from_secs(10);

/// How fast rounds may follow one another, for all endpoints alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// The shortest wait between the beginnings of two rounds of one endpoint, however short its TTL.
    pub floor: Duration,
    /// By how much a round may come before its interval is over, as a fraction of it: 0 to 1.
    pub jitter: f64,
    /// The time over which the first rounds of a new list of endpoints are spread, at most.
    pub start_window: Duration,
    /// How many rounds may run at once; at least one.
    pub in_flight: usize,
}

/// How a round ended, as far as the next one depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundEnd {
    /// It learned where the endpoint leads.
    Learned {
        /// How long that holds, in seconds; `None` when it does not run out (an address).
        ttl: Option<u32>,
    },
    /// It learned nothing: no view gave an address, or no observation came of it. Asked again with growing waits.
    Fruitless,
}

#[derive(Debug)]
struct Slot {
    interval: Duration,
    /// When the next round may begin; `None` while one runs.
    due: Option<Instant>,
    fruitless: u32,
    /// How long from one round to the next, as far as is known.
    period: Duration,
    /// Whether a round has begun.
    has_begun: bool,
    /// Its place in a list of new endpoints, until the first round of it is over.
    place: Option<Place>,
}

/// A place among new endpoints.
#[derive(Clone, Copy, Debug)]
struct Place {
    number: u32,
    of: u32,
    /// How long all of them take to have their first rounds.
    first_rounds: Duration,
}

impl Place {
    /// How long after the first round the second begins, where all of them then follow one another evenly within `period`.
    fn wait(self, period: Duration) -> Duration {
        let later = self.of.saturating_sub(self.number + 1);
        period.saturating_sub(period.saturating_sub(self.first_rounds) * later / self.of.max(1))
    }
}

/// Decides which endpoint is looked at next.
#[derive(Debug)]
pub struct Schedule {
    pace: Pace,
    random: StdRng,
    slots: BTreeMap<Endpoint, Slot>,
    queue: BTreeSet<(Instant, Endpoint)>,
    /// The rounds under way, with the time they began; an endpoint may be here and no longer configured.
    running: BTreeMap<Endpoint, Instant>,
    /// How many rounds are wanted in a million seconds.
    demand: u64,
    /// Before which no round begins but first ones.
    next: Option<Instant>,
}

impl Schedule {
    /// An empty schedule; `seed` fixes order and jitter.
    pub fn new(pace: Pace, seed: u64) -> Self {
        Self {
            pace,
            random: StdRng::seed_from_u64(seed),
            slots: BTreeMap::new(),
            queue: BTreeSet::new(),
            running: BTreeMap::new(),
            demand: 0,
            next: None,
        }
    }

    /// The endpoints to watch from now on, each with the longest wait between its rounds. Those that were there already
    /// keep their due times, no later than the new interval allows; new ones are spread over the start window.
    pub fn handle_reconfigured(&mut self, pace: Pace, intervals: &BTreeMap<Endpoint, Duration>, now: Moment) {
        self.pace = pace;
        self.slots.retain(|endpoint, _| intervals.contains_key(endpoint));
        let slots = &self.slots;
        self.queue.retain(|(_, endpoint)| slots.contains_key(endpoint));
        let mut added = Vec::new();
        for (endpoint, interval) in intervals {
            match self.slots.get_mut(endpoint) {
                Some(slot) => {
                    slot.interval = *interval;
                    slot.period = slot.period.min(*interval);
                    let latest = now.mono + *interval;
                    if slot.due.is_some_and(|due| due > latest) {
                        self.set_due(endpoint, latest);
                    }
                }
                None => added.push(endpoint.clone()),
            }
        }
        self.spread(added, intervals, now);
        self.demand = self.slots.values().map(|slot| demand_of(slot.period)).sum();
    }

    /// An endpoint whose round should begin now. It runs until [`Self::handle_done`].
    pub fn poll_due(&mut self, now: Moment) -> Option<Endpoint> {
        if self.running.len() >= self.pace.in_flight.max(1) {
            return None;
        }
        if self.first_due()? > now.mono {
            return None;
        }
        let (_, endpoint) = self.queue.pop_first()?;
        if let Some(slot) = self.slots.get_mut(&endpoint) {
            slot.due = None;
            slot.has_begun = true;
        }
        self.next = Some(now.mono + self.apart());
        self.running.insert(endpoint.clone(), now.mono);
        Some(endpoint)
    }

    /// The round of `endpoint` is over.
    pub fn handle_done(&mut self, endpoint: &Endpoint, end: RoundEnd, now: Moment) {
        let Some(began) = self.running.remove(endpoint) else { return };
        let floor = self.pace.floor;
        let Some(slot) = self.slots.get_mut(endpoint) else { return };
        let longest = slot.interval.max(floor);
        let place = slot.place.take();
        let wait = match end {
            RoundEnd::Learned { ttl } => {
                slot.fruitless = 0;
                ttl.map_or(longest, |seconds| Duration::from_secs(seconds.into()).max(floor))
            }
            RoundEnd::Fruitless => {
                let wait = floor.saturating_mul(1 << slot.fruitless.min(16));
                slot.fruitless = slot.fruitless.saturating_add(1);
                wait
            }
        };
        let period = wait.min(longest);
        self.demand = self.demand.saturating_sub(demand_of(slot.period)).saturating_add(demand_of(period));
        slot.period = period;
        let wait = match (end, place) {
            (RoundEnd::Learned { .. }, Some(place)) => self.jittered(place.wait(period).max(floor), longest),
            (RoundEnd::Learned { .. } | RoundEnd::Fruitless, _) => self.jittered(wait, longest),
        };
        let due = (began + wait).max(now.mono);
        self.set_due(endpoint, due);
    }

    /// When the next round is due; `None` when nothing can begin before a round ends.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.running.len() >= self.pace.in_flight.max(1) {
            return None;
        }
        self.first_due()
    }

    /// When the first in the queue may begin.
    fn first_due(&self) -> Option<Instant> {
        let (due, endpoint) = self.queue.first()?;
        let is_first = self.slots.get(endpoint).is_none_or(|slot| !slot.has_begun);
        Some(self.next.filter(|_| !is_first).map_or(*due, |next| next.max(*due)))
    }

    /// How far apart rounds begin at least.
    fn apart(&self) -> Duration {
        let even = 1_000_000_000_000_u64.checked_div(self.demand).map(Duration::from_micros);
        even.map_or(APART_AT_MOST, |even| (even * 5 / 8).min(APART_AT_MOST))
    }

    /// How many endpoints have waited more than ten seconds beyond their time.
    pub fn overdue(&self, now: Moment) -> usize {
        self.queue.iter().take_while(|(due, _)| *due + OVERDUE_AFTER < now.mono).count()
    }

    /// How many rounds are under way.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// Brings the next round of `endpoint` forward to now, unless one is under way.
    pub fn hasten(&mut self, endpoint: &Endpoint, now: Moment) {
        if self.slots.get(endpoint).is_some_and(|slot| slot.due.is_some_and(|due| due > now.mono)) {
            self.set_due(endpoint, now.mono);
        }
    }

    /// Gives new endpoints their first due times: in random order, the first at once, evenly apart.
    fn spread(&mut self, mut added: Vec<Endpoint>, intervals: &BTreeMap<Endpoint, Duration>, now: Moment) {
        added.shuffle(&mut self.random);
        let count = u32::try_from(added.len()).unwrap_or(u32::MAX).max(1);
        let step = (self.pace.start_window / count).min(FIRST_STEP_AT_MOST);
        let mut due = now.mono;
        for (number, endpoint) in (0..).zip(added) {
            let interval = intervals.get(&endpoint).copied().unwrap_or(self.pace.floor);
            let place = Some(Place { number, of: count, first_rounds: step * count });
            let slot = Slot { interval, due: None, fruitless: 0, period: interval, has_begun: false, place };
            self.slots.insert(endpoint.clone(), slot);
            if !self.running.contains_key(&endpoint) {
                self.set_due(&endpoint, due);
                due += step;
            }
        }
    }

    fn set_due(&mut self, endpoint: &Endpoint, due: Instant) {
        let Some(slot) = self.slots.get_mut(endpoint) else { return };
        if let Some(before) = slot.due.replace(due) {
            self.queue.remove(&(before, endpoint.clone()));
        }
        self.queue.insert((due, endpoint.clone()));
    }

    /// The interval may end early, so that endpoints of one interval drift apart. A TTL may not: before it runs out a
    /// resolver gives the same answer.
    fn jittered(&mut self, wait: Duration, longest: Duration) -> Duration {
        let chance = self.random.random::<f64>();
        if wait < longest {
            return wait + (wait / 20).min(LATE_AT_MOST).mul_f64(chance);
        }
        let early = longest.mul_f64(self.pace.jitter.clamp(0.0, 1.0) * chance);
        longest.saturating_sub(early).max(self.pace.floor)
    }
}

/// How many rounds are wanted in a million seconds of an endpoint that is looked at once a `period`.
fn demand_of(period: Duration) -> u64 {
    u64::try_from(1_000_000_000_000 / period.as_micros().max(1)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
