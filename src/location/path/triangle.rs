//! The triangle rule: two hops of one flow cannot both be where their sources say when light could not have gone by way
//! of both.
//!
//! The probe that hop `j` answered had passed hop `i < j` of the same flow, and the answer then came back to the vantage
//! `v`, by whatever way. So within the round-trip time of `j` something went from `v` to `i`, on to `j` and back to `v`,
//! at 204.2 km/ms at the most:
//!
//! ```text
//! d(v,i) + d(i,j) + d(j,v) <= 204.2 km/ms * RTT_j
//! ```
//!
//! Queues, detours and slow routers only add to the right-hand side. With `i = j` this is the disc: 2 d(v,j) <= 204.2
//! km/ms * `RTT_j`. A hop beyond `j` has the longer loop, by the triangle inequality, so its time bounds the same sum: the
//! suffix minimum stands for `RTT_j`. The vantage may be off by its uncertainty on the way out and on the way back, which is
//! what halving both sides gives: half the loop is within the disc's radius. All distances are to the nearest land of a
//! country and so too short; the rule errs towards allowing.
//!
//! A trace that is unsteady counts less time, as for any hop that is to be abroad. The rule only ever withholds.
//!
//! It says that not both are right, not which one is wrong.

use super::{Fact, Hop, Shows, Standpoint, Trail};
use crate::moment::Rtt;
use crate::place::CountryCode;

/// Every pair of hops abroad that cannot both be where their sources say.
pub(super) fn contradictions(trail: &Trail<'_>) -> Vec<Fact> {
    let Some(standpoint) = trail.standpoint() else { return Vec::new() };
    let mut found = Vec::new();
    for (index, one) in trail.abroad().enumerate() {
        let others = trail.abroad().skip(index + 1);
        found.extend(others.filter_map(|other| contradiction(trail, standpoint, one, other)));
    }
    found
}

/// How many different hops are abroad whichever of those that contradict each other are wrong.
///
/// If a hop is right, those that contradict it are wrong, and no more: so where every hop contradicts `most` others at the
/// most, at least one in `most + 1` can be taken to be right, and the hops that contradict nobody all are.
pub(super) fn surely_abroad(trail: &Trail<'_>) -> usize {
    let against = || trail.abroad().map(|hop| disputes(trail.contradictions(), hop));
    let most = against().max().unwrap_or(0);
    let undisputed = against().filter(|against| *against == 0).count();
    undisputed + (trail.abroad().count() - undisputed).div_ceil(most + 1)
}

/// How many of these contradictions a hop is part of.
pub(super) fn disputes(contradictions: &[Fact], hop: &Hop) -> usize {
    let names = |address| move |fact: &&Fact| matches!(fact, Fact::Contradiction { addresses: (a, b), .. } if [*a, *b].contains(&address));
    hop.answer.map_or(0, |(address, _)| contradictions.iter().filter(names(address)).count())
}

/// Whether light could not have gone by way of any country of the one and then of any of the other, in the time of the
/// farther one.
fn contradiction(trail: &Trail<'_>, standpoint: &Standpoint<'_>, one: &Hop, other: &Hop) -> Option<Fact> {
    let (Shows::Abroad(ours), Shows::Abroad(theirs)) = (&one.shows, &other.shows) else { return None };
    let time = trail.time_to_be_abroad(other)?;
    let possible = ours.iter().any(|a| theirs.iter().any(|b| is_possible(standpoint, a, b, time)));
    let addresses = (one.answer?.0, other.answer?.0);
    (!possible).then_some(Fact::Contradiction { ttls: (one.ttl, other.ttl), addresses, time })
}

fn is_possible(standpoint: &Standpoint<'_>, one: CountryCode, other: CountryCode, time: Rtt) -> bool {
    if one == other {
        return true;
    }
    let radius = standpoint.radius(time).km();
    let to = |country| standpoint.reach.distance_to(country);
    let Some((there, back)) = to(one).zip(to(other)) else { return true };
    // The third side is never longer than the other two together.
    if there.km() + back.km() <= radius {
        return true;
    }
    let between = standpoint.outlines.least_between(one, other);
    between.is_none_or(|between| (there.km() + between.km() + back.km()) / 2.0 <= radius)
}

#[cfg(test)]
mod tests {
    use super::super::tests::World;
    use super::*;

    fn sure(trace: &[(&str, f64)]) -> (usize, usize) {
        World::new().trail(trace, None, |trail| (trail.contradictions().len(), surely_abroad(trail)))
    }

    #[test]
    fn a_loop_by_way_of_the_far_east_and_the_far_west_takes_longer_than_to_either() {
        // From home it is 49 ms to EE or WW and back, and 97 ms by way of both, which lie on opposite sides.
        assert_eq!(sure(&[("EE", 60.0), ("WW", 60.0)]), (1, 1));
        assert_eq!(sure(&[("EE", 120.0), ("WW", 120.0)]), (0, 2));
    }

    #[test]
    fn the_time_of_the_farther_hop_counts_and_of_whatever_is_behind_it() {
        assert_eq!(sure(&[("EE", 60.0), ("WW", 120.0)]), (0, 2));
        assert_eq!(sure(&[("EE", 120.0), ("WW", 120.0), ("PK", 60.0)]), (1, 1));
    }

    #[test]
    fn whichever_is_wrong_the_others_are_left() {
        assert_eq!(sure(&[("EE", 60.0), ("WW", 60.0), ("EE", 60.0)]), (2, 1));
        assert_eq!(sure(&[("EE", 60.0), ("EE", 60.0), ("WW", 60.0), ("WW", 60.0)]), (4, 2));
        assert_eq!(sure(&[("EE", 60.0), ("WW", 60.0), ("NN", 120.0)]), (1, 2));
    }
}
