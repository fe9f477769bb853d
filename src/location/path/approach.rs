//! What the hops just before a target say of where it is.
//!
//! A path that was at home to its very last hop has most likely ended there, and so has one whose last hops were abroad.
//! That is said without regard to anything that is known of the target itself, save that it answered, and when; so it may
//! count beside what databases and light say of the target. It is a hint: hops are placed by what sources say of them.
//!
//! Between the last hop that was seen and the target nothing may lie: a silent hop or a private address there may be
//! anywhere, as where traffic is scrubbed abroad and brought home through a tunnel.

use std::net::IpAddr;

use super::{FAR_MS, FOREIGN_HOPS, Hop, Shows, Trail, triangle};

/// From which side a path comes to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// From home.
    Home,
    /// From abroad.
    Abroad,
}

/// How a path comes to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Approach {
    /// From which side.
    pub side: Side,
    /// How many different hops say so: at least [`FOREIGN_HOPS`].
    pub hops: usize,
    /// The TTL of the last of them, just before the target.
    pub last_ttl: u8,
    /// Who answered there.
    pub last: IpAddr,
}

/// How the path comes to its target.
///
/// From home, if every public hop is at home by every source, at least two are, beyond the first public one none is silent
/// or has a private address, and the target answered within [`FAR_MS`]. From abroad, if the last public hops, at least two
/// different ones, are abroad by every source and light leaves them the time (their suffix minimum, the target's own
/// answer included). `None` otherwise, and where the target did not answer right behind the last of them.
pub fn approach(trail: &Trail<'_>) -> Option<Approach> {
    trail.target_rtt()?;
    let target = trail.hops().iter().position(|hop| trail.is_target(hop))?;
    let before = trail.hops().get(..target)?;
    let last = before
        .last()
        .filter(|last| trail.hops().get(target).is_some_and(|hop| last.ttl.checked_add(1) == Some(hop.ttl)))?;
    let (side, hops) = match last.shows {
        Shows::Home => (Side::Home, from_home(trail, before)?),
        Shows::Abroad(_) => (Side::Abroad, from_abroad(trail, before)),
        Shows::Silence | Shows::Private | Shows::Elsewhere(_) | Shows::Nothing => return None,
    };
    (hops >= FOREIGN_HOPS).then_some(Approach { side, hops, last_ttl: last.ttl, last: last.answer?.0 })
}

/// What several traces of one vantage say together: nothing when they contradict each other.
pub fn together(approaches: impl IntoIterator<Item = Approach>) -> Option<Approach> {
    let mut best: Option<Approach> = None;
    for approach in approaches {
        match best {
            Some(other) if other.side != approach.side => return None,
            Some(other) if other.hops >= approach.hops => {}
            Some(_) | None => best = Some(approach),
        }
    }
    best
}

/// How many different public hops are at home, if all hops from the first of them on are.
fn from_home(trail: &Trail<'_>, before: &[Hop]) -> Option<usize> {
    let is_near = trail.target_rtt().is_some_and(|rtt| rtt.ms() <= FAR_MS);
    let mut seen = before.iter().skip_while(|hop| !hop.is_public);
    let all_home = seen.all(|hop| hop.shows == Shows::Home);
    (is_near && all_home).then(|| super::different(before.iter().filter(|hop| hop.is_public)))
}

/// How many different hops in a row are abroad, counted back from the target; silent ones between them do not matter, and
/// those that cannot be where their sources say if others are count for nothing.
fn from_abroad(trail: &Trail<'_>, before: &[Hop]) -> usize {
    let seen = before.iter().rev().filter(|hop| hop.answer.is_some());
    let abroad = seen.take_while(|hop| matches!(hop.shows, Shows::Abroad(_)));
    super::different(abroad.filter(|hop| triangle::disputes(trail.contradictions(), hop) == 0))
}
