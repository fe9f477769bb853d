//! How fast the routers near us may be asked: all traces meet at them, and many answer only so many a second.
//!
//! Silence alone does not tell a router that never speaks from one that has been asked too much. A repeated question
//! does: the first stays silent, the second answers now and then. So for each of the nearest distances a few questions are
//! repeated, and when a quarter of them are answered although many first ones were not, that distance is asked no faster
//! than it was seen to answer, a little less at first, and carefully more when nothing is lost any more. What is not
//! asked meanwhile is asked later.
//!
//! A quarter of a second in which nobody answered anything, and those beside it, say nothing of rates: that was an outage.
//! Where asking more slowly changes nothing, answers get lost for another reason, and for a minute it is not done any longer.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::pace::Pace;
use super::switchboard::TraceId;
use super::tracer::Probe;

/// So many of the nearest distances are looked after: further on, ways have parted.
const NEAREST: usize = 8;

/// What is counted together: long enough to hold what a slow router answers, short enough to follow.
const EPOCH: Duration = Duration::from_millis(250);

/// How long after a question its answer has come, or will not.
const SETTLED: Duration = Duration::from_secs(1);

/// How many epochs are remembered: more than it takes until they are settled.
const REMEMBERED: usize = 12;

/// How many questions are repeated before it is known what silence means.
const SAMPLES: u32 = 32;

/// How far apart these are, at least: in a burst a slow router would answer none of them.
const APART: Duration = Duration::from_millis(25);

/// How many repeated questions tell something.
const ENOUGH: u32 = 8;

/// For how many epochs nothing must have been lost before it is asked faster.
const CALM: usize = 4;

/// By how much faster it is asked then, in percent, at first and where some answers are still lost; else twice as much each
/// time, up to [`BOLD`].
const GENTLE: u32 = 5;

/// See [`GENTLE`].
const BOLD: u32 = 100;

/// For how long it is not tried again to ask more slowly where that changed nothing.
const REST: Duration = Duration::from_secs(60);

/// No router is thought to be slower, in answers a second.
const SLOWEST: u32 = 10;

/// Distances that must not be asked right now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Barred {
    first: u16,
    repeated: u16,
}

impl Barred {
    /// None of them.
    pub const NONE: Self = Self { first: 0, repeated: 0 };

    /// Whether a question to this distance must wait; `is_repeated` when it was asked before.
    pub fn holds(self, ttl: u8, is_repeated: bool) -> bool {
        let set = if is_repeated { self.repeated } else { self.first };
        set.checked_shr(ttl.into()).is_some_and(|bits| bits & 1 == 1)
    }
}

/// The nearest distances.
#[derive(Debug, Default)]
pub(super) struct Levels {
    levels: [Level; NEAREST],
    /// Whether anything is restrained, so that most calls need not look.
    is_any_restrained: bool,
}

#[derive(Debug, Default)]
struct Level {
    epochs: VecDeque<Epoch>,
    silence: Silence,
    /// Who waits to ask it.
    waiting: VecDeque<TraceId>,
}

/// What silence at a distance means.
#[derive(Clone, Debug)]
enum Silence {
    /// It is not known yet: so many questions have been repeated, the last then.
    Unknown { samples: u32, last: Option<Instant> },
    /// Routers that never speak, or answers that got lost. What was asked before that instant is no reason to think
    /// otherwise.
    Nothing { until: Option<Instant> },
    /// That it was asked too fast.
    TooFast(Limit),
}

/// What is kept to.
#[derive(Clone, Debug)]
struct Limit {
    pace: Pace,
    per_second: u32,
    /// What was asked before says nothing of this rate.
    since: Instant,
    /// Of which share of questions no answer came, in percent, when it was slowed down; `None` once it was made faster.
    lost: Option<u32>,
    /// By how much it was made faster last, in percent.
    step: u32,
}

impl Default for Silence {
    fn default() -> Self {
        Self::Unknown { samples: 0, last: None }
    }
}

#[derive(Clone, Copy, Debug)]
struct Epoch {
    begun: Instant,
    counts: Counts,
}

/// What some epochs come to.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    counts: Counts,
    epochs: u32,
}

/// Questions and answers.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    asked: u32,
    answered: u32,
    repeated: u32,
    repeated_answered: u32,
}

impl Levels {
    /// The distances that must wait now.
    pub(super) fn barred(&self, now: Instant) -> Barred {
        let mut barred = Barred::NONE;
        if self.is_any_restrained {
            for (ttl, level) in (1..).zip(&self.levels) {
                barred.first |= u16::from(level.bars(false, now)) << ttl;
                barred.repeated |= u16::from(level.bars(true, now)) << ttl;
            }
        }
        barred
    }

    /// A probe was sent.
    pub(super) fn handle_sent(&mut self, probe: Probe, now: Instant) {
        let Some(level) = self.level(probe.ttl) else { return };
        level.handle_sent(probe.is_repeated, now);
        self.is_any_restrained |= level.is_restrained();
    }

    /// A probe was answered that had been sent then.
    pub(super) fn handle_answer(&mut self, probe: Probe, sent: Instant) {
        let Some(counts) = self.counts(probe, sent) else { return };
        *(if probe.is_repeated { &mut counts.repeated_answered } else { &mut counts.answered }) += 1;
    }

    /// A probe that was said to be sent then could not be.
    pub(super) fn handle_unsent(&mut self, probe: Probe, sent: Instant) {
        let Some(counts) = self.counts(probe, sent) else { return };
        let count = counts.sent(probe.is_repeated);
        *count = count.saturating_sub(1);
    }

    /// This host slept: that nobody answered says nothing.
    pub(super) fn handle_suspension(&mut self) {
        for level in &mut self.levels {
            level.epochs.clear();
        }
    }

    /// Time has passed: draws conclusions.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        for level in &mut self.levels {
            level.conclude(now);
        }
        self.is_any_restrained = self.levels.iter().any(Level::is_restrained);
    }

    /// The trace wants to ask this distance, and must wait.
    pub(super) fn hold(&mut self, ttl: u8, trace: TraceId) {
        if let Some(level) = self.level(ttl) {
            level.waiting.push_back(trace);
        }
    }

    /// A trace that waits, as `is_held` tells, and may go on now.
    pub(super) fn poll_woken(&mut self, now: Instant, is_held: impl Fn(TraceId) -> bool) -> Option<TraceId> {
        let mut free = self.levels.iter_mut().filter(|level| !level.bars(true, now));
        free.find_map(|level| std::iter::from_fn(|| level.waiting.pop_front()).find(|trace| is_held(*trace)))
    }

    /// When a trace that waits may go on, or [`Levels::handle_timeout`] will have something to say.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.levels.iter().filter(|level| !level.waiting.is_empty()).filter_map(Level::next).min()
    }

    /// Whether a trace waits that may go on at any time.
    pub(super) fn has_free(&self) -> bool {
        self.levels.iter().any(|level| !level.waiting.is_empty() && level.next().is_none())
    }

    fn counts(&mut self, probe: Probe, sent: Instant) -> Option<&mut Counts> {
        let epochs = self.level(probe.ttl)?.epochs.iter_mut();
        epochs.rev().find(|epoch| epoch.begun <= sent).map(|epoch| &mut epoch.counts)
    }

    fn level(&mut self, ttl: u8) -> Option<&mut Level> {
        self.levels.get_mut(usize::from(ttl).checked_sub(1)?)
    }
}

impl Level {
    fn bars(&self, is_repeated: bool, now: Instant) -> bool {
        match &self.silence {
            Silence::Unknown { samples, last } => {
                is_repeated && (*samples >= SAMPLES || last.is_some_and(|last| last + APART > now))
            }
            Silence::Nothing { .. } => false,
            Silence::TooFast(limit) => !limit.pace.allows(now),
        }
    }

    fn is_restrained(&self) -> bool {
        match self.silence {
            Silence::Unknown { samples, .. } => samples > 0,
            Silence::Nothing { .. } => false,
            Silence::TooFast(_) => true,
        }
    }

    fn next(&self) -> Option<Instant> {
        match &self.silence {
            Silence::Unknown { samples, last } => {
                last.map(|last| last + if *samples < SAMPLES { APART } else { EPOCH + SETTLED })
            }
            Silence::Nothing { .. } => None,
            Silence::TooFast(limit) => limit.pace.next(),
        }
    }

    fn handle_sent(&mut self, is_repeated: bool, now: Instant) {
        if self.epochs.back().is_none_or(|epoch| epoch.begun + EPOCH <= now) {
            if self.epochs.len() == REMEMBERED {
                self.epochs.pop_front();
            }
            self.epochs.push_back(Epoch { begun: now, counts: Counts::default() });
        }
        if let Some(Epoch { counts, .. }) = self.epochs.back_mut() {
            *counts.sent(is_repeated) += 1;
        }
        match &mut self.silence {
            Silence::Unknown { samples, last } if is_repeated => {
                *samples += 1;
                *last = Some(now);
            }
            Silence::TooFast(limit) => limit.pace.charge(now),
            Silence::Unknown { .. } | Silence::Nothing { .. } => {}
        }
    }

    fn conclude(&mut self, now: Instant) {
        let next = match &self.silence {
            Silence::Unknown { samples, last } => {
                let is_due = *samples >= ENOUGH && last.is_some_and(|last| last + EPOCH + SETTLED <= now);
                is_due.then(|| self.slowed(None, now).unwrap_or(Silence::Nothing { until: None }))
            }
            Silence::Nothing { until } => self.slowed(*until, now),
            Silence::TooFast(limit) => self.adjusted(limit, now),
        };
        if let Some(next) = next {
            self.silence = next;
        }
    }

    /// What is to be kept to if questions since that instant, or ever, were too fast.
    fn slowed(&self, since: Option<Instant>, now: Instant) -> Option<Silence> {
        let told = self.told(since, now);
        told.is_too_fast(10).then(|| Silence::TooFast(Limit::of(told, now)))
    }

    /// What comes after `limit`, if it has been kept to for long enough.
    fn adjusted(&self, limit: &Limit, now: Instant) -> Option<Silence> {
        let told = self.told(Some(limit.since), now);
        if told.is_too_fast(3) {
            let is_no_use = limit.lost.is_some_and(|lost| told.counts.lost() * 4 >= lost * 3);
            let nothing = Silence::Nothing { until: Some(now + REST) };
            return Some(if is_no_use { nothing } else { Silence::TooFast(Limit::of(told, now)) });
        }
        let is_kept_long_enough = self.settled(Some(limit.since), now).count() >= CALM;
        is_kept_long_enough.then(|| Silence::TooFast(limit.faster(told.is_calm(), now)))
    }

    /// What the settled epochs since that instant come to, ever if there is none; but for outages.
    fn told(&self, since: Option<Instant>, now: Instant) -> Told {
        let is_dark = |place: Option<usize>| place.and_then(|place| self.epochs.get(place)).is_some_and(Epoch::is_dark);
        let tells = |place: usize| !is_dark(place.checked_sub(1)) && !is_dark(Some(place)) && !is_dark(Some(place + 1));
        let mut told = Told::default();
        for (_, Epoch { counts, .. }) in self.settled(since, now).filter(|(place, _)| tells(*place)) {
            told.counts.asked += counts.asked;
            told.counts.answered += counts.answered;
            told.counts.repeated += counts.repeated;
            told.counts.repeated_answered += counts.repeated_answered;
            told.epochs += 1;
        }
        told
    }

    /// The epochs since that instant whose answers have all come, by their places.
    fn settled(&self, since: Option<Instant>, now: Instant) -> impl Iterator<Item = (usize, &Epoch)> {
        let is_settled = move |(_, epoch): &(usize, &Epoch)| {
            epoch.begun + EPOCH + SETTLED <= now && since.is_none_or(|since| since <= epoch.begun)
        };
        self.epochs.iter().enumerate().filter(is_settled)
    }
}

impl Limit {
    /// A little less than was answered.
    fn of(Told { counts, epochs, .. }: Told, now: Instant) -> Self {
        let answered = counts.answered + counts.repeated_answered;
        let per_second = (answered * 4 / epochs.max(1) * 9 / 10).max(SLOWEST);
        Self { pace: Pace::per_second(per_second), per_second, since: now, lost: Some(counts.lost()), step: 0 }
    }

    /// Somewhat more, and more so while nothing is lost.
    fn faster(&self, is_calm: bool, now: Instant) -> Self {
        let step = if is_calm { (self.step * 2).clamp(GENTLE, BOLD) } else { GENTLE };
        let more = (u64::from(self.per_second) * u64::from(step) / 100).max(1);
        let per_second = self.per_second.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        Self { pace: Pace::per_second(per_second), per_second, since: now, lost: None, step }
    }
}

impl Epoch {
    /// Whether nobody answered anything.
    fn is_dark(&self) -> bool {
        let Counts { asked, answered, repeated, repeated_answered } = self.counts;
        asked + repeated > 0 && answered + repeated_answered == 0
    }
}

impl Counts {
    /// The count of first questions, or of repeated ones.
    fn sent(&mut self, is_repeated: bool) -> &mut u32 {
        if is_repeated { &mut self.repeated } else { &mut self.asked }
    }

    /// Of which share of questions no answer came, in percent.
    fn lost(self) -> u32 {
        let asked = self.asked + self.repeated;
        (asked - (self.answered + self.repeated_answered).min(asked)) * 100 / asked.max(1)
    }
}

impl Told {
    /// Whether more than so many percent of answers are missing, and repeating brings them.
    fn is_too_fast(self, most_lost: u32) -> bool {
        let Counts { repeated, repeated_answered, .. } = self.counts;
        let is_missed = repeated >= ENOUGH && repeated_answered * 4 >= repeated;
        is_missed && self.counts.lost() > most_lost
    }

    /// Whether hardly anything was lost that was to be had.
    fn is_calm(self) -> bool {
        let Counts { asked, repeated, repeated_answered, .. } = self.counts;
        asked > 0 && repeated_answered * 50 <= asked + repeated
    }
}

#[cfg(test)]
mod tests;
