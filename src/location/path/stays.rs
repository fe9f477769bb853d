//! When a path stays at home: the answer came too soon to have been abroad, or every hop was seen and is at home.

use super::{Course, FAR_MS, FOREIGN_HOPS, Fact, Known, PathReading, Shows, Trail, hop, steadiness};
use crate::location::Place;
use crate::moment::Rtt;

pub(super) fn stays(trail: &Trail<'_>, target: Known) -> Option<PathReading> {
    trail.target()?;
    let rtt = trail.target_rtt();
    let fact = rtt.filter(|rtt| is_too_soon(trail, *rtt)).map(|rtt| Fact::TooSoon { rtt });
    let all_home = || target.place == Place::Inside && is_home_throughout(trail) && !is_far(rtt);
    let hops = trail.hops().len();
    let fact = fact.or_else(|| all_home().then_some(Fact::AllHome { hops }))?;
    Some(PathReading::new(Course::StaysIn, vec![fact], trail))
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
    super::different(trail.hops().iter().filter(|hop| hop::is_public(hop) && !trail.is_target(hop)))
}

/// Whether the target took longer than anything at home does, or did not say: the hops are then registered at home, and
/// the path has been elsewhere.
pub(super) fn is_far(rtt: Option<Rtt>) -> bool {
    rtt.is_none_or(|rtt| rtt.ms() > FAR_MS)
}
