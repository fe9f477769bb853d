//! Which way traffic goes. Nothing that could be read of the policy says where traffic may go, so a path abroad is a
//! finding of its own, never a breach, and an invisible path is none.

use super::Brief;
use crate::dossier::Found;
use crate::location::Place;
use crate::location::path::Way;
use crate::verdict::RuleId;
use crate::verdict::judgement::Ruling;

/// Traffic to an address that is not itself outside leaves home on the way.
pub(super) fn outside<'a>(brief: &Brief<'a>) -> Vec<Ruling<'a>> {
    let ruling = |found: &'a Found<'a>| {
        let location = &found.location;
        let leaves = found.path.way() == Way::Outside && location.place != Place::Outside;
        let because = move || {
            let says = format!("traffic to {} leaves home on its way", location.address);
            std::iter::once(says).chain(found.facts().iter().map(ToString::to_string)).collect()
        };
        leaves.then(|| brief.about_address(RuleId::PathOutside, location, because)).flatten()
    };
    brief.dossier.found.iter().filter_map(ruling).collect()
}
