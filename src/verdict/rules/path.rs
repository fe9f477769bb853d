//! Which way traffic goes. Nothing that could be read of the policy says where traffic may go, so a path abroad is a
//! finding of its own, never a breach, and an invisible path is none.

use super::Brief;
use crate::location::path::Way;
use crate::location::{Location, Place};
use crate::verdict::{Finding, RuleId};

/// Traffic to an address that is not itself outside leaves home on the way.
pub(super) fn outside(brief: &Brief<'_>) -> Vec<Finding> {
    let finding = |location: &Location<'_>| {
        let reading = brief.dossier.paths.get(&location.address)?;
        let leaves = reading.way == Way::Outside && location.place != Place::Outside;
        let because = || {
            let says = format!("traffic to {} leaves home on its way", location.address);
            std::iter::once(says).chain(reading.because.iter().map(ToString::to_string)).collect()
        };
        leaves.then(|| brief.about_address(RuleId::PathOutside, location, because())).flatten()
    };
    brief.locations().filter_map(finding).collect()
}
