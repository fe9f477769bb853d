//! How fast probes may leave, all traces together: a token bucket that never holds more than a few.

use std::time::{Duration, Instant};

/// How many probes at most leave back to back, but where the rate is high.
const BURST: u32 = 4;

/// What a slow rate gives in this time may leave back to back, and no more: a burst is to be over before anybody notices. It
/// is the time of [`BURST`] probes at 100 a second.
const BURST_TIME: Duration = Duration::from_millis(30);

/// What a high rate gives in this time may leave back to back: we do not wake more often.
const TICK: Duration = Duration::from_millis(8);

/// A rate of probes, and how much of it has been used (the generic cell rate algorithm: one instant is its state).
#[derive(Clone, Debug)]
pub struct Pace {
    interval: Duration,
    tolerance: Duration,
    /// When the bucket is full again; `None` until the first probe.
    full_at: Option<Instant>,
}

impl Pace {
    /// `probes` a second (0 means 1). Back to back leave at most 4, or 8 milliseconds' worth where that is more; of less
    /// than 100 a second 3, of less than 67 a second 2, and of 33 or less 1.
    pub fn per_second(probes: u32) -> Self {
        let interval = Duration::from_secs(1) / probes.max(1);
        let tolerance = (interval * (BURST - 1)).min(BURST_TIME).max(TICK);
        Self { interval, tolerance, full_at: None }
    }

    /// When the next probe may leave; `None` when it may at any time.
    pub fn next(&self) -> Option<Instant> {
        self.full_at.and_then(|full| full.checked_sub(self.tolerance))
    }

    /// When the bucket is full again, so that what was sent no longer counts; `None` before the first probe.
    pub fn full_at(&self) -> Option<Instant> {
        self.full_at
    }

    /// Whether a probe may leave `now`.
    pub fn allows(&self, now: Instant) -> bool {
        self.next().is_none_or(|next| next <= now)
    }

    /// Charges one probe.
    pub fn charge(&mut self, now: Instant) {
        self.full_at = Some(self.full_at.map_or(now, |full| full.max(now)) + self.interval);
    }
}

impl Default for Pace {
    /// 200 probes a second: a trace in a third of one, and a tenth of what core routers commonly answer.
    fn default() -> Self {
        Self::per_second(200)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::tests::noon;

    fn sent_within(pace: &mut Pace, start: Instant, milliseconds: u64) -> usize {
        (0..milliseconds * 10)
            .map(|tick| start + Duration::from_micros(tick * 100))
            .filter(|&now| pace.allows(now).then(|| pace.charge(now)).is_some())
            .count()
    }

    #[test]
    fn a_second_holds_the_rate_and_no_more_than_the_burst_beyond_it() {
        let mut pace = Pace::per_second(100);
        assert_eq!(sent_within(&mut pace, noon().mono, 1000), 103);
    }

    #[test]
    fn what_leaves_back_to_back_is_over_in_a_moment() {
        for (per_second, burst) in
            [(0, 1), (1, 1), (33, 1), (34, 2), (66, 2), (67, 3), (99, 3), (100, 4), (375, 4), (1000, 9), (50_000, 401)]
        {
            let (mut pace, now) = (Pace::per_second(per_second), noon().mono);
            let mut sent = 0;
            while pace.allows(now) {
                pace.charge(now);
                sent += 1;
            }
            assert_eq!(sent, burst, "{per_second} a second");
        }
    }

    #[test]
    fn the_slowest_rate_is_one_a_second_from_the_first_on() {
        let mut pace = Pace::per_second(1);
        assert_eq!(sent_within(&mut pace, noon().mono, 900), 1);
    }

    #[test]
    fn rest_is_not_saved_up() {
        let mut pace = Pace::per_second(100);
        let start = noon().mono;
        sent_within(&mut pace, start, 1000);
        assert_eq!(sent_within(&mut pace, start + Duration::from_secs(3600), 1), 4);
    }

    #[test]
    fn the_next_probe_may_leave_exactly_when_it_is_said_to() {
        let mut pace = Pace::per_second(10);
        let start = noon().mono;
        while pace.allows(start) {
            pace.charge(start);
        }
        let next = pace.next().unwrap();
        let before = next.checked_sub(Duration::from_nanos(1)).unwrap();
        assert!(next > start && pace.allows(next) && !pace.allows(before));
    }
}
