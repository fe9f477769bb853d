//! Whether the times of a trace can be trusted to tell near from far.
//!
//! A time that is too long bounds nothing wrongly, so disturbed times never make a proof unsound; but they let a hop that
//! is registered abroad pass for one that is there, and a target that answers sooner than the hops before it may not
//! have answered at all.

use super::{Hop, Trail};
use crate::moment::Rtt;

/// The first hop is unsteady when half of its answers took more than this longer than its best, in milliseconds.
pub const UNSTEADY_MS: f64 = 10.0;

/// A hop was overtaken by the target when it took more than this longer, in milliseconds, and more than
/// [`OVERTAKEN_TIMES`] as long.
pub const OVERTAKEN_MS: f64 = 10.0;

/// See [`OVERTAKEN_MS`]; both as for a proxy that answers in the name of a server behind it.
pub const OVERTAKEN_TIMES: f64 = 1.5;

/// How many hops overtaken make a target suspect: one router may be slow to speak of itself.
pub const OVERTAKEN_HOPS: usize = 2;

/// By how much the answers of one hop vary: their median less their best, when that is more than [`UNSTEADY_MS`], and
/// otherwise nothing. One straggler says nothing of the others.
///
/// Every time of a trace whose first hop is unsteady may be so much too long, also the best of a few. It is taken off
/// before a time lets a hop be abroad; never where a time proves something.
pub fn unsteadiness(mut times: Vec<Rtt>) -> Rtt {
    times.sort_unstable();
    let middle = times.get(times.len() / 2).copied();
    let spread = middle.zip(times.first().copied()).map(|(middle, best)| middle.beyond(best));
    spread.filter(|spread| spread.ms() > UNSTEADY_MS).unwrap_or_default()
}

/// How many different hops answered so much later than the target that somebody nearer may have answered in its name.
pub fn overtaken(trail: &Trail<'_>) -> usize {
    let Some(target) = trail.target_rtt() else { return 0 };
    let is_overtaken = |hop: &&Hop| {
        let later =
            |(_, rtt): (_, Rtt)| rtt.beyond(target).ms() > OVERTAKEN_MS && rtt.ms() > target.ms() * OVERTAKEN_TIMES;
        !trail.is_target(hop) && hop.answer.is_some_and(later)
    };
    super::different(trail.hops().iter().filter(is_overtaken))
}

/// Whether the target's own time may say that a path is too short to have left home.
pub(super) fn allows_short(trail: &Trail<'_>) -> bool {
    trail.unsteady_by() == Rtt::default() && overtaken(trail) < OVERTAKEN_HOPS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unsteady_ms(times: &[f64]) -> f64 {
        unsteadiness(times.iter().map(|ms| Rtt::from_ms(*ms).unwrap()).collect()).ms()
    }

    #[test]
    fn a_hop_is_unsteady_when_half_of_its_answers_are_late() {
        assert!((unsteady_ms(&[90.0, 0.5, 120.0]) - 89.5).abs() < 1e-6);
        assert!((unsteady_ms(&[0.5, 40.5]) - 40.0).abs() < 1e-6);
    }

    #[test]
    fn one_straggler_or_a_few_milliseconds_are_no_unsteadiness() {
        for steady in [&[0.5, 0.6, 450.0][..], &[0.5, 9.0, 10.0], &[44.9], &[]] {
            assert!(unsteady_ms(steady) < 1e-9, "{steady:?}");
        }
    }
}
