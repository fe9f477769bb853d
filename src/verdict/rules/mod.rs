//! The rules, one file each family. A rule reads a [`Brief`] and gives rulings, each with the facts that led to it.
//!
//! Adding a rule is one file, one name in [`RuleId`] and one line in [`RULES`]. Which rule binds which class at which
//! standing is data in the policy; a rule that does not bind the workload's class is never asked to speak.

use jiff::civil::Date;

use super::RuleId;
use super::judgement::Ruling;
use super::policy::{Policy, Standings};
use crate::dossier::Dossier;
use crate::location::Location;
use crate::location::evidence::Evidence;
use crate::printable::Printable;
use crate::workload::{DataClass, Noc};

mod alias;
mod class;
mod destination;
mod edge;
mod noc;
mod path;
mod provider;
mod reach;
mod related;
mod views;

/// A rule.
pub(super) type Rule = for<'a> fn(&Brief<'a>) -> Vec<Ruling<'a>>;

/// Every rule, in the order of [`RuleId::ALL`].
pub(super) const RULES: [Rule; 20] = [
    destination::outside,
    destination::unproven,
    destination::conflict,
    edge::opaque,
    edge::outside,
    path::outside,
    related::nameserver,
    related::mail,
    alias::outside,
    related::redirect,
    views::divergence,
    reach::unresolvable,
    reach::unreachable,
    reach::stale,
    provider::unaccredited,
    provider::lapsed,
    provider::unknown,
    class::missing,
    noc::expired,
    noc::expiring,
];

/// What every rule is told: the dossier, the policy, and the day.
pub(super) struct Brief<'a> {
    pub(super) dossier: &'a Dossier<'a>,
    pub(super) policy: &'a Policy,
    /// The civil date, by the policy's clock, for which is judged.
    pub(super) today: Date,
}

impl<'a> Brief<'a> {
    pub(super) fn new(dossier: &'a Dossier<'a>, policy: &'a Policy) -> Self {
        Self { dossier, policy, today: policy.days.to_datetime(dossier.as_of).date() }
    }

    pub(super) fn class(&self) -> Option<&'a DataClass> {
        self.dossier.subject.declared.class.as_ref()
    }

    pub(super) fn locations(&self) -> impl Iterator<Item = &'a Location<'a>> {
        self.dossier.locations()
    }

    /// The certificates of this workload.
    pub(super) fn nocs(&self) -> impl Iterator<Item = &'a Noc> {
        let workload = &self.dossier.subject.declared.workload;
        self.policy.nocs.iter().filter(move |noc| &noc.workload == workload)
    }

    fn standings(&self, rule: RuleId) -> Option<Standings> {
        self.policy.standings(rule, self.class())
    }

    /// A ruling on each location of concern, citing its evidence.
    pub(super) fn of_locations(
        &self,
        rule: RuleId,
        concerns: impl Fn(&&Location<'_>) -> bool,
        says: fn(&Location<'_>) -> String,
    ) -> Vec<Ruling<'a>> {
        let ruling = |location: &'a Location<'a>| {
            self.about_address(rule, location, move || std::iter::once(says(location)).chain(cite(location)).collect())
        };
        self.locations().filter(concerns).filter_map(ruling).collect()
    }

    /// A ruling on one address, if the rule binds this workload; `because` writes the facts.
    pub(super) fn about_address(
        &self,
        rule: RuleId,
        location: &Location<'_>,
        because: impl Fn() -> Vec<String> + 'a,
    ) -> Option<Ruling<'a>> {
        let (address, grade) = (Some(location.address), Some(location.grade));
        let standing = self.standings(rule)?.of(grade);
        Some(Ruling { rule, standing, address, grade, because: Box::new(because), covered: None })
    }

    /// A ruling on the endpoint as a whole, if the rule binds this workload; `because` writes the facts.
    pub(super) fn about_endpoint(&self, rule: RuleId, because: impl Fn() -> Vec<String> + 'a) -> Option<Ruling<'a>> {
        let standing = self.standings(rule)?.of(None);
        Some(Ruling { rule, standing, address: None, grade: None, because: Box::new(because), covered: None })
    }
}

/// What the evidence about an address says, in the order it was weighed; what tells nothing only where nothing tells.
fn cite(location: &Location<'_>) -> Vec<String> {
    let tells = location.evidence.iter().any(Evidence::tells);
    let cited = location.evidence.iter().filter(|evidence| evidence.tells() || !tells);
    let words =
        |e: &Evidence<'_>| format!("{} {}: {e} ({})", e.kind().as_str(), Printable(e.source), e.weight.as_str());
    cited.map(words).collect()
}
