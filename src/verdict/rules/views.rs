//! What resolvers say differently, and what none may say: the endpoint is where it is for whoever asks a given one.
//!
//! A view diverges where its addresses are in other countries than those of another view (places that are at least
//! probable, and have no country in common), where it gives an address that nobody can reach from elsewhere, where it
//! leads to a known block page, and where it answers for a name that nobody has while another view says that there is no such
//! name. Different addresses in one country are how names are served, and no finding; nor is a zone that answers every name,
//! as all views then do. Known false positives: an intranet name that is meant to have a private address; policy can leave
//! the rule out for it by a certificate.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use super::Brief;
use crate::dossier::Dossier;
use crate::location::{Grade, Location, Place};
use crate::network::AddressScope;
use crate::place::CountrySet;
use crate::printable::Printable;
use crate::resolution::sinkhole::{Sinkhole, sinkhole};
use crate::resolution::zone::Canary;
use crate::resolution::{Outcome, View};
use crate::verdict::RuleId;
use crate::verdict::judgement::Ruling;

/// The most views, and addresses of one, that are told.
const TOLD: usize = 8;

/// Views contradict each other, or one says what cannot be.
pub(super) fn divergence<'a>(brief: &Brief<'a>) -> Vec<Ruling<'a>> {
    let facts = facts(brief.dossier);
    if facts.is_empty() {
        return Vec::new();
    }
    let because = move || {
        let told = facts.iter().take(2 * TOLD).map(ToString::to_string);
        let more = facts.len().checked_sub(2 * TOLD).filter(|more| *more > 0);
        told.chain(more.map(|more| format!("and {more} more such answers"))).collect()
    };
    brief.about_endpoint(RuleId::ViewDivergence, because).into_iter().collect()
}

/// One thing that a view said.
enum Fact<'a> {
    /// It leads to these countries, and another view to others.
    Leads { view: &'a View, locations: Vec<&'a Location<'a>> },
    /// It gives an address that is not public.
    NotPublic { view: &'a View, address: IpAddr },
    /// It leads to a block page.
    Withheld { view: &'a View, address: IpAddr, by: &'static Sinkhole },
    /// It answers for a name that nobody has.
    MadeUp { canary: &'a Canary, denied_by: &'a View },
}

fn facts<'a>(dossier: &'a Dossier<'a>) -> Vec<Fact<'a>> {
    let subject = dossier.subject;
    let mut given: BTreeMap<&View, BTreeSet<IpAddr>> = BTreeMap::new();
    for resolution in &subject.resolutions {
        given.entry(&resolution.view).or_default().extend(resolution.addresses());
    }
    let odd = given.iter().flat_map(|(view, addresses)| addresses.iter().filter_map(|address| odd(view, *address)));
    let mut facts: Vec<_> = odd.collect();
    facts.extend(apart(dossier, &given));
    facts.extend(made_up(&subject.canaries));
    facts
}

/// What is odd about an address in itself.
fn odd(view: &'_ View, address: IpAddr) -> Option<Fact<'_>> {
    if let Some(by) = sinkhole(address) {
        Some(Fact::Withheld { view, address, by })
    } else {
        (!AddressScope::of(address).is_global()).then_some(Fact::NotPublic { view, address })
    }
}

/// Every view of which it is known where it leads, where two of them have no country in common.
fn apart<'a>(dossier: &'a Dossier<'a>, given: &BTreeMap<&'a View, BTreeSet<IpAddr>>) -> Vec<Fact<'a>> {
    if given.len() < 2 {
        return Vec::new();
    }
    let settled = given.iter().filter_map(|(view, addresses)| {
        let found = addresses.iter().filter_map(|address| dossier.found(*address));
        let locations: Vec<_> = found.map(|found| &found.location).filter(|location| is_settled(location)).collect();
        let countries: CountrySet = locations.iter().flat_map(|location| location.countries.iter()).collect();
        (!locations.is_empty()).then_some((*view, locations, countries))
    });
    let settled: Vec<_> = settled.collect();
    let differ = settled.iter().enumerate().any(|(index, (_, _, one))| {
        settled.iter().skip(index + 1).any(|(_, _, other)| one.intersection(other).is_empty())
    });
    let leads = settled.into_iter().map(|(view, locations, _)| Fact::Leads { view, locations });
    if differ { leads.collect() } else { Vec::new() }
}

/// Whether it is known in which countries it is.
fn is_settled(location: &Location<'_>) -> bool {
    let is_graded = match location.grade {
        Grade::Proven | Grade::Attested | Grade::Probable => true,
        Grade::Indeterminate | Grade::Conflict => false,
    };
    is_graded && !location.countries.is_empty()
}

/// The views that answered for a name that another view knows not to exist.
fn made_up(canaries: &[Canary]) -> impl Iterator<Item = Fact<'_>> {
    let denies = |canary: &&Canary| match canary.outcome {
        Outcome::Answered(_) => false,
        Outcome::Failed(failure) => failure.is_an_answer(),
    };
    let denied_by = canaries.iter().find(denies).map(|canary| &canary.view);
    let answered = canaries.iter().filter(|canary| matches!(canary.outcome, Outcome::Answered(_)));
    answered.filter_map(move |canary| {
        let denied_by = denied_by.filter(|view| **view != canary.view)?;
        Some(Fact::MadeUp { canary, denied_by })
    })
}

impl fmt::Display for Fact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leads { view, locations } => {
                write!(f, "view {} leads to ", Printable(&view.0))?;
                for (index, location) in locations.iter().take(TOLD).enumerate() {
                    let Location { address, grade, countries, .. } = location;
                    let comma = if index == 0 { "" } else { ", " };
                    let place = if location.place == Place::Edge { "an edge" } else { location.place.as_str() };
                    write!(f, "{comma}{address}, {place} ({grade}): {countries}")?;
                }
                let more = locations.len().saturating_sub(TOLD);
                if more > 0 { write!(f, ", and {more} more") } else { Ok(()) }
            }
            Self::NotPublic { view, address } => {
                write!(f, "view {} gives {address}, which is not a public address", Printable(&view.0))
            }
            Self::Withheld { view, address, by } => {
                write!(f, "view {} gives {address}, {} ({})", Printable(&view.0), by.what, by.source)
            }
            Self::MadeUp { canary: Canary { view, name, outcome }, denied_by } => {
                write!(f, "view {} answers ", Printable(&view.0))?;
                if let Outcome::Answered(answer) = outcome {
                    for (index, found) in answer.addresses.iter().take(TOLD).enumerate() {
                        write!(f, "{}{}", if index == 0 { "" } else { ", " }, found.address)?;
                    }
                }
                write!(f, " for {name}, a name that nobody has: view {} says so", Printable(&denied_by.0))
            }
        }
    }
}
