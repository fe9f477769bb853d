//! Shared edges: an address of a content-delivery network is served wherever is near, so only what the serving point says
//! of itself counts, and an edge at home says nothing of the origin behind it.

use super::Brief;
use crate::location::{Grade, Location, Place};
use crate::verdict::RuleId;
use crate::verdict::judgement::Ruling;

/// The edge does not say where it serves from.
pub(super) fn opaque<'a>(brief: &Brief<'a>) -> Vec<Ruling<'a>> {
    let is_opaque = |location: &&Location<'_>| {
        is_edge(location) && location.countries.is_empty() && location.grade != Grade::Conflict
    };
    brief.of_locations(RuleId::EdgeOpaque, is_opaque, |location| {
        format!("{} is served by a shared edge that does not say where it is", location.address)
    })
}

/// The edge says that it serves from abroad.
pub(super) fn outside<'a>(brief: &Brief<'a>) -> Vec<Ruling<'a>> {
    let says_abroad = |location: &&Location<'_>| is_edge(location) && brief.policy.home.holds_none(&location.countries);
    brief.of_locations(RuleId::EdgeOutside, says_abroad, |location| {
        format!("{} is served by a shared edge that says it is in {}", location.address, location.countries)
    })
}

fn is_edge(location: &Location<'_>) -> bool {
    location.place == Place::Edge
}
