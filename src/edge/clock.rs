//! The only clock, and the only source of seeds. Everything else is told the time and given its randomness.

use std::time::Instant;

use jiff::Timestamp;

use crate::moment::Moment;

/// This moment, on both clocks.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clocks")]
pub fn now() -> Moment {
    Moment { wall: Timestamp::now(), mono: Instant::now() }
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
    fn two_seeds_differ() {
        assert_ne!(seed(), seed());
    }
}
