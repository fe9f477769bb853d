//! How fast the routers near us may be asked: all traces meet at them, and many answer only so many a second.
//!
//! Silence alone does not tell a router that never speaks from one that has been asked too much. A repeated question
//! does: the first stays silent, the second answers now and then. So for each of the nearest distances a few questions are
//! repeated, and when a quarter of them are answered although many first ones were not, that distance is asked no faster
//! than it was seen to answer, a little less at first, and carefully more when nothing is lost any more. What is not
//! asked meanwhile is asked later.

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

/// How many repeated questions tell something.
const ENOUGH: u32 = 8;

/// For how many epochs nothing must have been lost before it is asked faster.
const CALM: usize = 4;

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
    /// Routers that never speak, or answers that got lost.
    Nothing,
    /// That it was asked too fast. What was asked before that instant says nothing of this rate.
    TooFast { pace: Pace, per_second: u32, since: Instant },
}

impl Default for Silence {
    fn default() -> Self {
        Self::Unknown { samples: 0, last: None }
    }
}

#[derive(Clone, Copy, Debug)]
struct Epoch {
    begun: Instant,
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
        let Some(level) = self.level(probe.ttl) else { return };
        if let Some(epoch) = level.epochs.iter_mut().rev().find(|epoch| epoch.begun <= sent) {
            *(if probe.is_repeated { &mut epoch.repeated_answered } else { &mut epoch.answered }) += 1;
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

    /// A trace that waited and may go on now.
    pub(super) fn poll_woken(&mut self, now: Instant) -> Option<TraceId> {
        let may_go_on = |level: &&mut Level| !level.waiting.is_empty() && !level.bars(true, now);
        self.levels.iter_mut().find(may_go_on)?.waiting.pop_front()
    }

    /// When a trace that waits may go on, or [`Levels::handle_timeout`] will have something to say.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.levels.iter().filter(|level| !level.waiting.is_empty()).filter_map(Level::next).min()
    }

    fn level(&mut self, ttl: u8) -> Option<&mut Level> {
        self.levels.get_mut(usize::from(ttl).checked_sub(1)?)
    }
}

impl Level {
    fn bars(&self, is_repeated: bool, now: Instant) -> bool {
        match &self.silence {
            Silence::Unknown { samples, .. } => is_repeated && *samples >= SAMPLES,
            Silence::Nothing => false,
            Silence::TooFast { pace, .. } => !pace.allows(now),
        }
    }

    fn is_restrained(&self) -> bool {
        match self.silence {
            Silence::Unknown { samples, .. } => samples >= SAMPLES,
            Silence::Nothing => false,
            Silence::TooFast { .. } => true,
        }
    }

    fn next(&self) -> Option<Instant> {
        match &self.silence {
            Silence::Unknown { last, .. } => last.map(|last| last + EPOCH + SETTLED),
            Silence::Nothing => None,
            Silence::TooFast { pace, .. } => pace.next(),
        }
    }

    fn handle_sent(&mut self, is_repeated: bool, now: Instant) {
        if self.epochs.back().is_none_or(|epoch| epoch.begun + EPOCH <= now) {
            if self.epochs.len() == REMEMBERED {
                self.epochs.pop_front();
            }
            self.epochs.push_back(Epoch { begun: now, asked: 0, answered: 0, repeated: 0, repeated_answered: 0 });
        }
        if let Some(epoch) = self.epochs.back_mut() {
            *(if is_repeated { &mut epoch.repeated } else { &mut epoch.asked }) += 1;
        }
        match &mut self.silence {
            Silence::Unknown { samples, last } if is_repeated => {
                *samples += 1;
                *last = Some(now);
            }
            Silence::TooFast { pace, .. } => pace.charge(now),
            Silence::Unknown { .. } | Silence::Nothing => {}
        }
    }

    fn conclude(&mut self, now: Instant) {
        match self.silence {
            Silence::Unknown { samples, last } => {
                if samples >= ENOUGH && last.is_some_and(|last| last + EPOCH + SETTLED <= now) {
                    self.silence = self.limit(None, now).unwrap_or(Silence::Nothing);
                }
            }
            Silence::Nothing => self.silence = self.limit(None, now).unwrap_or(Silence::Nothing),
            Silence::TooFast { since, per_second, .. } => {
                if let Some(limit) = self.limit(Some(since), now) {
                    self.silence = limit;
                } else if self.settled(Some(since), now).count() >= CALM {
                    let per_second = per_second.saturating_add(per_second / 20);
                    self.silence = Silence::TooFast { pace: Pace::per_second(per_second), per_second, since: now };
                }
            }
        }
    }

    /// What is to be kept to, if questions since that instant were too fast; ever, if there is none.
    fn limit(&self, since: Option<Instant>, now: Instant) -> Option<Silence> {
        let most_lost = if since.is_some() { 3 } else { 10 };
        let (mut asked, mut answered, mut repeated, mut repeated_answered, mut epochs) = (0, 0, 0, 0, 0);
        for epoch in self.settled(since, now) {
            asked += epoch.asked + epoch.repeated;
            answered += epoch.answered + epoch.repeated_answered;
            repeated += epoch.repeated;
            repeated_answered += epoch.repeated_answered;
            epochs += 1;
        }
        let is_lossy = (asked - answered.min(asked)) * 100 > asked * most_lost;
        let is_too_fast = repeated >= ENOUGH && repeated_answered * 4 >= repeated && is_lossy;
        is_too_fast.then(|| {
            let per_second = (answered * 4 / epochs.max(1) * 9 / 10).max(SLOWEST);
            Silence::TooFast { pace: Pace::per_second(per_second), per_second, since: now }
        })
    }

    /// The epochs since that instant whose answers have all come.
    fn settled(&self, since: Option<Instant>, now: Instant) -> impl Iterator<Item = &Epoch> {
        let is_settled = move |epoch: &&Epoch| {
            epoch.begun + EPOCH + SETTLED <= now && since.is_none_or(|since| since <= epoch.begun)
        };
        self.epochs.iter().filter(is_settled)
    }
}
