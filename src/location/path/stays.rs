//! When a path stays at home: the answer came too soon to have been abroad, or every hop was seen and is at home.

use super::outlook::Stays;
use super::{FAR_MS, FOREIGN_HOPS, Fact, Shows, Trail, steadiness};
use crate::moment::Rtt;

pub(super) fn stays(trail: &Trail<'_>) -> Stays {
    let rtt = trail.target_rtt();
    if trail.target().is_none() {
        Stays::Never
    } else if rtt.is_some_and(|rtt| is_too_soon(trail, rtt)) {
        Stays::Always
    } else if is_home_throughout(trail) && !is_far(rtt) {
        Stays::IfInside
    } else {
        Stays::Never
    }
}

/// Why a path that stays at home does.
pub(super) fn fact(trail: &Trail<'_>) -> Fact {
    let too_soon = trail.target_rtt().filter(|rtt| is_too_soon(trail, *rtt));
    too_soon.map_or(Fact::AllHome { hops: trail.hops().len() }, |rtt| Fact::TooSoon { rtt })
}

fn is_too_soon(trail: &Trail<'_>, rtt: Rtt) -> bool {
    steadiness::allows_short(trail) && trail.is_too_soon_to_be_abroad(rtt)
}

/// Whether every hop from the first was asked and answered, private ones only before the first public one, every public
/// one before the target is at home, and there are enough of them to show the path.
fn is_home_throughout(trail: &Trail<'_>) -> bool {
    let answered = trail.hops().iter().all(|hop| hop.shows != Shows::Silence);
    let at_home = trail.beyond_the_first_public().all(|hop| hop.shows == Shows::Home || trail.is_target(hop));
    trail.is_unbroken() && answered && at_home && public_hops(trail) >= FOREIGN_HOPS
}

/// How many different public addresses answered on the way: a gateway that answers at several distances hides the path.
pub(super) fn public_hops(trail: &Trail<'_>) -> usize {
    super::different(trail.hops().iter().filter(|hop| hop.is_public && !trail.is_target(hop)))
}

/// Whether the target took longer than anything at home does, or did not say: the hops are then registered at home, and
/// the path has been elsewhere.
pub(super) fn is_far(rtt: Option<Rtt>) -> bool {
    rtt.is_none_or(|rtt| rtt.ms() > FAR_MS)
}
