//! The names on the way to the endpoint's addresses: an alias of a foreign operator's name hands over to that operator
//! where the endpoint leads, today and tomorrow.
//!
//! Needs who operates the names, as the observation has it from our table of operators' domains. It says nothing of where
//! the addresses are: those have rules of their own, and may well be at home. Known false positives: an operator that has
//! handed a domain on.

use std::collections::BTreeSet;

use super::Brief;
use crate::location::source::operators::NameClaim;
use crate::observation::Observation;
use crate::printable::Printable;
use crate::verdict::RuleId;
use crate::verdict::judgement::Ruling;
use crate::workload::HostName;

/// The most names that are told.
const TOLD: usize = 16;

/// A name in an alias chain belongs to a foreign operator.
pub(super) fn outside<'a>(brief: &Brief<'a>) -> Vec<Ruling<'a>> {
    let subject = brief.dossier.subject;
    // Most endpoints have no such name, and are judged often.
    if subject.operators.is_empty() {
        return Vec::new();
    }
    let on_the_way = subject.names_on_the_way();
    let foreign = |claim: &&NameClaim| on_the_way.contains(&claim.name) && !brief.policy.home.contains(claim.country);
    let mut seen = BTreeSet::new();
    let claims: Vec<&'a NameClaim> =
        subject.operators.iter().filter(foreign).filter(|claim| seen.insert(&claim.name)).collect();
    if claims.is_empty() {
        return Vec::new();
    }
    let because = move || {
        let told = claims.iter().take(TOLD).map(|claim| says(claim, subject));
        let more = claims.len().checked_sub(TOLD).filter(|more| *more > 0);
        told.chain(more.map(|more| format!("and {more} more such names"))).collect()
    };
    brief.about_endpoint(RuleId::AliasOutside, because).into_iter().collect()
}

fn says(claim: &NameClaim, subject: &Observation) -> String {
    let NameClaim { name, suffix, operator, country, source } = claim;
    let operator = Printable(operator);
    let below = format!("{name} is below {suffix}, under which {operator} of {country} names what it serves");
    format!("{}: {below} ({})", way(name, subject), Printable(source))
}

/// By which view what leads there, in words.
fn way(name: &HostName, subject: &Observation) -> String {
    let leads = subject.resolutions.iter().find_map(|resolution| {
        let alias = resolution.aliases().find(|alias| alias.target == *name)?;
        Some(format!("{} is an alias of {name}, by view {}", alias.name, Printable(&resolution.view.0)))
    });
    leads.unwrap_or_else(|| format!("{name} is itself an alias"))
}
