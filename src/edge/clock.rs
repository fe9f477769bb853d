//! The only clock, and the only source of seeds. Everything else is told the time and given its randomness.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use nix::time::{ClockId, clock_gettime};

use crate::moment::Moment;

/// How often the clocks are compared for lack of a comparison that nobody disturbed.
const COMPARISONS: usize = 8;

/// A comparison that took no longer was not disturbed.
const UNDISTURBED: Duration = Duration::from_micros(5);

/// How long this host has slept since it was started: a time between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asleep {
    /// No shorter than this.
    pub least: Duration,
    /// No longer than this.
    pub most: Duration,
}

impl Asleep {
    fn doubt(&self) -> Duration {
        self.most.saturating_sub(self.least)
    }
}

/// This moment, on both clocks.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clocks")]
pub fn now() -> Moment {
    Moment { wall: Timestamp::now(), mono: Instant::now() }
}

/// How long this host has slept until now: the clock that counts on meanwhile (`CLOCK_BOOTTIME`) beside the one that
/// stands still (`CLOCK_MONOTONIC`, which is [`Instant`]), see `clock_gettime(2)`. Where there is none, it never sleeps.
pub fn asleep() -> Asleep {
    let mut best = compared();
    for _ in 1..COMPARISONS {
        if best.doubt() <= UNDISTURBED {
            break;
        }
        let next = compared();
        if next.doubt() < best.doubt() {
            best = next;
        }
    }
    best
}

/// One comparison. The clocks cannot be read at once, and we may be put aside in between.
fn compared() -> Asleep {
    let read = |clock| clock_gettime(clock).map_or(Duration::ZERO, Duration::from);
    let before = read(ClockId::CLOCK_MONOTONIC);
    let in_all = read(ClockId::CLOCK_BOOTTIME);
    let after = read(ClockId::CLOCK_MONOTONIC);
    Asleep { least: in_all.saturating_sub(after), most: in_all.saturating_sub(before) }
}

/// A seed from the operating system that nobody outside can guess.
pub fn seed() -> u64 {
    rand::random()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_does_not_go_back() {
        let earlier = now();
        assert!(now().mono >= earlier.mono);
    }

    #[test]
    fn while_nobody_sleeps_every_comparison_gives_the_same_time() {
        let first = asleep();
        for _ in 0..1000 {
            let next = asleep();
            assert!(next.least <= next.most, "{next:?}");
            // The kernel rounds both clocks to the nanosecond.
            let slack = Duration::from_nanos(2);
            assert!(next.least <= first.most + slack && first.least <= next.most + slack, "{first:?} {next:?}");
        }
    }

    #[test]
    fn two_seeds_differ() {
        assert_ne!(seed(), seed());
    }
}
