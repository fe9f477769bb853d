//! When: the two clocks of one instant, read together by the shell and passed in.

use std::fmt;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// One instant on both clocks. `mono` orders and measures; only `wall` is ever stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock (UTC).
    pub wall: Timestamp,
    /// The monotonic clock.
    pub mono: Instant,
}

impl Moment {
    /// The moment `elapsed` later, as if the wall clock had not been stepped meanwhile.
    #[must_use]
    pub fn after(self, elapsed: Duration) -> Self {
        let signed = SignedDuration::try_from(elapsed).unwrap_or(SignedDuration::MAX);
        Self { wall: self.wall.checked_add(signed).unwrap_or(Timestamp::MAX), mono: self.mono + elapsed }
    }
}

/// A round-trip time: monotonic, and stored in whole nanoseconds.
///
/// Only the smallest of several is evidence; it is an upper bound on twice the distance over the speed of light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rtt(u64);

impl Rtt {
    /// No answer takes less, not even this host's own to itself: what is shorter is a clock that did not tick, or a figure
    /// that somebody made up, and would put whoever answered into the very place of the vantage. A microsecond.
    pub const SHORTEST: Self = Self(1_000);

    /// How many times as long one host may take over one method as over another, where it takes [`Rtt::APART_MS`] more.
    const APART_FACTOR: f64 = 1.5;

    /// And so many milliseconds more: hosts and routers that answer probes late do so by less.
    const APART_MS: f64 = 10.0;

    /// The round-trip time `elapsed`; anything beyond 584 years is 584 years.
    pub fn from_duration(elapsed: Duration) -> Self {
        Self(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX))
    }

    /// `ms` milliseconds, rounded up to the nanosecond (a bound may only grow); `None` unless finite and not negative.
    /// What [`Rtt::ms`] says of a time gives that time again.
    pub fn from_ms(ms: f64) -> Option<Self> {
        let valid = ms.is_finite() && (0.0..=1e9).contains(&ms);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just above")]
        let whole = |nanoseconds: f64| Self(nanoseconds as u64);
        let nearest = whole((ms * 1e6).round());
        #[expect(clippy::float_cmp, reason = "the very number, or another")]
        let is_exact = nearest.ms() == ms;
        valid.then(|| if is_exact { nearest } else { whole((ms * 1e6).ceil()) })
    }

    /// How much longer it is than `other`; nothing when it is not. A difference is no bound of any distance.
    #[must_use]
    pub fn beyond(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Whether it is so much shorter than `later` that two hosts gave the answers: one host may take so many
    /// [times as long](Self::APART_FACTOR) over one method as over another, where it takes [so much](Self::APART_MS) more.
    pub fn is_of_another_host(self, later: Self) -> bool {
        let (soon, late) = (self.ms(), later.ms());
        late > soon * Self::APART_FACTOR && late - soon > Self::APART_MS
    }

    /// In milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 ns, 104 days")]
    pub fn ms(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// In seconds.
    pub fn seconds(self) -> f64 {
        self.ms() / 1e3
    }

    /// As a duration.
    pub fn duration(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

impl fmt::Display for Rtt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} ms", self.ms())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_time_written_in_milliseconds_is_read_as_it_was(nanoseconds in 0..=1_000_000_000_000_000_u64) {
            let rtt = Rtt(nanoseconds);
            prop_assert_eq!(Rtt::from_ms(rtt.ms()), Some(rtt));
            let read: f64 = serde_json::from_str(&serde_json::to_string(&rtt.ms()).unwrap()).unwrap();
            prop_assert_eq!(Rtt::from_ms(read), Some(rtt));
        }

        #[test]
        fn no_time_is_read_as_less_than_it_was(ms in 0.0..60_000.0) {
            let rtt = Rtt::from_ms(ms).unwrap();
            prop_assert!(rtt.ms() >= ms, "{} {}", rtt, ms);
        }
    }
}
