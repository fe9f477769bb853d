//! Hops that answer alike: the inside of a tunnel.
//!
//! Routers inside an MPLS tunnel often send their answers on to its end first, so that all of them answer in the time of
//! the end. Such a time still bounds how far away each of them is, but not where between them the distance lies.

use serde::{Deserialize, Serialize};

use super::{Hop, Trail};
use crate::moment::Rtt;

/// How many hops in a row must answer alike.
pub const HOPS: usize = 3;

/// How unlike their times may be, in milliseconds; or this share of the shortest, if that is more.
pub const ALIKE_MS: f64 = 1.0;

/// See [`ALIKE_MS`].
pub const ALIKE_SHARE: f64 = 0.02;

/// A run of hops that answered alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plateau {
    /// The TTLs of its first and its last hop.
    pub ttls: (u8, u8),
    /// Its shortest and its longest time.
    pub times: (Rtt, Rtt),
}

impl Plateau {
    /// Whether the distance between two neighbours on the path may lie within it.
    pub(super) fn holds(&self, before: u8, after: u8) -> bool {
        let (first, last) = self.ttls;
        (first..=last).contains(&after) || (first..=last).contains(&before)
    }
}

/// The longest runs of hops that answered alike, none of which is the target.
pub(super) fn plateaus(trail: &Trail<'_>) -> Vec<Plateau> {
    let mut found = Vec::new();
    let mut rest = trail.hops();
    while let Some(first) = rest.first() {
        let length = run(trail, first, rest);
        let (run, after) = rest.split_at(length.max(1));
        if super::different(run.iter()) >= HOPS {
            found.extend(plateau(run));
        }
        rest = after;
    }
    found
}

/// How many hops from the first on answer alike.
fn run(trail: &Trail<'_>, first: &Hop, hops: &[Hop]) -> usize {
    let (mut least, mut most) = (f64::INFINITY, 0.0_f64);
    let is_alike = |hop: &&Hop| {
        let Some((_, rtt)) = hop.answer.filter(|_| !trail.is_target(hop)) else {
            return false;
        };
        (least, most) = (least.min(rtt.ms()), most.max(rtt.ms()));
        most - least <= ALIKE_MS.max(least * ALIKE_SHARE)
    };
    let is_next = |(ttl, hop): &(u16, &Hop)| u16::from(hop.ttl) == *ttl;
    let neighbours = (u16::from(first.ttl)..).zip(hops).take_while(is_next).map(|(_, hop)| hop);
    neighbours.take_while(is_alike).count()
}

fn plateau(hops: &[Hop]) -> Option<Plateau> {
    let times = || hops.iter().filter_map(|hop| hop.answer).map(|(_, rtt)| rtt);
    let ttls = (hops.first()?.ttl, hops.last()?.ttl);
    Some(Plateau { ttls, times: (times().min()?, times().max()?) })
}

#[cfg(test)]
mod tests {
    use super::super::tests::World;
    use super::*;

    fn ttls(hops: &[(&str, f64)]) -> Vec<(u8, u8)> {
        World::new().trail(hops, Some(200.0), |trail| plateaus(trail).iter().map(|plateau| plateau.ttls).collect())
    }

    #[test]
    fn three_hops_in_a_row_that_answer_alike_are_a_plateau() {
        let (near, far) = (("PK", 1.0), ("EE", 125.0));
        assert_eq!(ttls(&[near, ("PK", 124.0), far, ("EE", 126.0), ("EE", 150.0)]), [(2, 4)]);
        assert_eq!(ttls(&[near, far, far, ("", 0.0), far, far]), []);
        assert_eq!(ttls(&[far, far, ("EE", 160.0), ("EE", 160.0), ("EE", 160.0)]), [(3, 5)]);
        assert_eq!(ttls(&[("PK", 1.0), ("PK", 1.9), ("PK", 2.1)]), [], "a millisecond apart");
        assert_eq!(ttls(&[]), []);
    }
}
