//! Where the endpoint's addresses are: data that must stay at home may not be served from abroad.
//!
//! Needs a location of each address. Known false positives: an address whose database entries, network and round-trip
//! times are all misleading in the same way, which is why a location that is only probable is suspect and not a breach.
//! Without evidence an address is unproven; a shared edge is [`super::edge`]'s to judge.

use super::Brief;
use crate::location::{Grade, Location, Place};
use crate::network::AddressScope;
use crate::verdict::RuleId;
use crate::verdict::judgement::Ruling;

/// An address is outside.
pub(super) fn outside<'a>(brief: &Brief<'a>) -> Vec<Ruling<'a>> {
    let is_outside = |location: &&Location<'_>| location.place == Place::Outside;
    brief.of_locations(RuleId::DestinationOutside, is_outside, |location| {
        format!("{} is outside ({}): {}", location.address, location.grade, location.countries)
    })
}

/// Nobody can tell where an address is.
pub(super) fn unproven<'a>(brief: &Brief<'a>) -> Vec<Ruling<'a>> {
    let is_unknown = |location: &&Location<'_>| location.place == Place::Unknown && location.grade != Grade::Conflict;
    brief.of_locations(RuleId::DestinationUnproven, is_unknown, |location| {
        let scope = AddressScope::of(location.address);
        if scope.is_global() {
            format!("too little is known of where {} is", location.address)
        } else {
            format!("{} is not a public address: it could be anywhere", location.address)
        }
    })
}

/// The evidence about an address contradicts itself.
pub(super) fn conflict<'a>(brief: &Brief<'a>) -> Vec<Ruling<'a>> {
    let contradicts = |location: &&Location<'_>| location.grade == Grade::Conflict;
    brief.of_locations(RuleId::DestinationConflict, contradicts, |location| {
        format!("the evidence about {} contradicts itself", location.address)
    })
}
