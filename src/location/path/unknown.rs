//! Why a path cannot be told: everything that kept it from being read, in the order of the path.

use super::{Doubt, Fact, Hop, Known, Shows, Trail, disturbance, stays, steadiness};
use crate::location::Place;

pub(super) fn facts(trail: &Trail<'_>, target: Known) -> Vec<Fact> {
    let mut because: Vec<_> = of_the_whole(trail).map(Fact::Doubt).into_iter().collect();
    let abroad = trail.abroad().filter_map(Fact::abroad);
    because.extend(abroad);
    because.extend(trail.contradictions().iter().cloned());
    because.extend(of_the_hops(trail).into_iter().map(Fact::Doubt));
    because.extend(disturbance(trail));
    because.extend(of_the_target(trail, target).map(Fact::Doubt));
    because
}

fn of_the_whole(trail: &Trail<'_>) -> Option<Doubt> {
    let asked = trail.hops().len();
    if asked == 0 {
        return Some(Doubt::NotMeasured);
    }
    let silent = trail.hops().iter().filter(|hop| hop.shows == Shows::Silence).count();
    if silent > 0 {
        return Some(Doubt::Silent { silent, asked });
    }
    (!trail.is_unbroken()).then_some(Doubt::NotFromTheStart)
}

fn of_the_hops(trail: &Trail<'_>) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let why = if trail.stands_abroad() { Doubt::StandsAbroad } else { Doubt::TooFewAbroad };
    doubts.extend(trail.abroad().next().map(|_| why));
    doubts.extend(trail.hops().iter().filter_map(|hop| elsewhere(trail, hop)));
    doubts.extend(private(trail));
    let told_nothing = |hop: &&Hop| hop.shows == Shows::Nothing && !trail.is_target(hop);
    let untold = trail.hops().iter().filter(told_nothing).count();
    doubts.extend((untold > 0).then_some(Doubt::Untold { hops: untold }));
    doubts
}

fn private(trail: &Trail<'_>) -> Option<Doubt> {
    let hops = || trail.beyond_the_first_public().filter(|hop| hop.shows == Shows::Private);
    let first = hops().find_map(|hop| Some((hop.ttl, hop.answer?.0)))?;
    Some(Doubt::Private { first, hops: hops().count() })
}

fn elsewhere(trail: &Trail<'_>, hop: &Hop) -> Option<Doubt> {
    let Shows::Elsewhere(countries) = &hop.shows else { return None };
    let ((address, _), time) = hop.answer.filter(|_| !trail.is_target(hop)).zip(trail.time_to_be_abroad(hop))?;
    Some(Doubt::Elsewhere { ttl: hop.ttl, address, countries: *countries, time })
}

fn of_the_target(trail: &Trail<'_>, target: Known) -> Option<Doubt> {
    if trail.hops().is_empty() {
        return None;
    }
    let Some((_, rtt)) = trail.target().zip(trail.target_rtt()) else { return Some(Doubt::TargetSilent) };
    if trail.is_too_soon_to_be_abroad(rtt) {
        return Some(Doubt::Overtaken { hops: steadiness::overtaken(trail), rtt });
    }
    if target.place != Place::Inside {
        return Some(Doubt::TargetNotPlaced(target.place));
    }
    if stays::is_far(Some(rtt)) {
        return Some(Doubt::Far { rtt });
    }
    let public = stays::public_hops(trail);
    (public < super::FOREIGN_HOPS).then_some(Doubt::TooFewPublic { hops: public })
}
