//! Hosts that the endpoint depends on, or that it sends people to: its zone served, its mail taken, its pages continued
//! abroad.
//!
//! Needs a location of each of their addresses, graded as the endpoint's own are. A shared edge counts where the serving
//! point says that it is abroad, a name server by how it calls itself (NSID) as well; an edge or an address of which too
//! little is known says nothing here. Known false positives: those of locations; and a zone that is also served at home
//! is found as well, since nobody chooses which of its servers is asked. What browsers merely fetch from elsewhere is shown
//! and no finding: the policy speaks of where data is, and such hosts hold none of it.

use super::{Brief, cite};
use crate::dossier::Kin;
use crate::location::{Location, Place};
use crate::observation::Role;
use crate::printable::Printable;
use crate::verdict::RuleId;
use crate::verdict::judgement::Ruling;

/// A name server of the zone is abroad.
pub(super) fn nameserver<'a>(brief: &Brief<'a>) -> Vec<Ruling<'a>> {
    outside(brief, RuleId::NameserverOutside, Role::NameServer, "serves its zone")
}

/// A server that takes the mail of the zone is abroad.
pub(super) fn mail<'a>(brief: &Brief<'a>) -> Vec<Ruling<'a>> {
    outside(brief, RuleId::MailOutside, Role::Mail, "takes its mail")
}

/// People are sent to a host abroad.
pub(super) fn redirect<'a>(brief: &Brief<'a>) -> Vec<Ruling<'a>> {
    outside(brief, RuleId::RedirectOutside, Role::Redirect, "is where its pages send people")
}

fn outside<'a>(brief: &Brief<'a>, rule: RuleId, is: Role, does: &'static str) -> Vec<Ruling<'a>> {
    // The endpoint's own addresses have rules of their own.
    let own = brief.dossier.subject.endpoint.host();
    let kin = brief.dossier.related.iter().filter(|kin| kin.role == is && kin.host != *own);
    let located = kin.flat_map(|kin| kin.found.iter().map(move |found| (kin, &found.location)));
    let abroad = located.filter(|(_, location)| is_abroad(brief, location));
    let ruling = |(kin, location): (&'a Kin<'a>, &'a Location<'a>)| {
        let because = move || std::iter::once(says(kin, location, does)).chain(cite(location)).collect();
        brief.about_address(rule, location, because)
    };
    abroad.filter_map(ruling).collect()
}

fn is_abroad(brief: &Brief<'_>, location: &Location<'_>) -> bool {
    match location.place {
        Place::Outside => true,
        Place::Edge => brief.policy.home.holds_none(&location.countries),
        Place::Inside | Place::Unknown => false,
    }
}

fn says(kin: &Kin<'_>, location: &Location<'_>, does: &str) -> String {
    let Location { address, grade, countries, .. } = location;
    let host = format!("{}, which {does} by {}", kin.host, Printable(kin.named_by));
    if location.place == Place::Edge {
        format!("{host}, is at {address}, a shared edge that says it is in {countries}")
    } else {
        format!("{host}, is at {address}, which is outside ({grade}): {countries}")
    }
}
