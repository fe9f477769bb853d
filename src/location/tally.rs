//! All evidence about one address, in the order it was weighed, and what it comes to.

use super::evidence::{
    Evidence, anycast, asn, database, disc, gap, geofeed, path, pop, rdns, region, register, registry,
};
use super::fuse::Case;
use super::setting::{Seen, Setting};
use super::weigh::Group;
use super::{Claim, EvidenceKind, Says, Weight};
use crate::place::CountrySet;

/// What the hints of each group of [`Group::ALL`] come to, in nats, before its cap and after it.
pub type Sums = [(f64, f64); Group::ALL.len()];

/// All evidence about one address, and what it comes to.
#[derive(Debug)]
pub struct Tally<'a> {
    /// The evidence.
    pub evidence: Vec<Evidence<'a>>,
    /// The countries that all proving discs leave; `None` while no disc has spoken.
    pub vacuum: Option<CountrySet>,
    /// The countries that all discs in glass leave, as the setting has it.
    pub glass: Option<CountrySet>,
    /// Where accountable sources say that it is.
    pub attested: CountrySet,
    /// The foreign countries that hints name.
    pub abroad: CountrySet,
    /// Where the holder is registered.
    pub registered: CountrySet,
}

impl<'a> Tally<'a> {
    /// Weighs everything known of the address.
    pub fn of(case: &Case<'a>, setting: &Setting<'a>) -> Self {
        let mut tally = Self {
            evidence: Vec::with_capacity(case.claims.len() + setting.discs.len() + 2),
            vacuum: None,
            glass: setting.glass,
            attested: CountrySet::default(),
            abroad: CountrySet::default(),
            registered: CountrySet::default(),
        };
        if let Some(apart) = setting.apart {
            tally.add(anycast::apart(apart));
        }
        if setting.is_public {
            tally.weigh_discs(case, setting);
        } else {
            tally.add(disc::not_public());
        }
        for evidence in gap::weigh(&case.gauges, setting) {
            tally.add(evidence);
        }
        for approach in &case.approaches {
            tally.add(path::weigh(*approach, setting));
        }
        for claim in &case.claims {
            tally.weigh_claim(claim, &case.claims, setting);
        }
        tally
    }

    fn add(&mut self, evidence: Evidence<'a>) {
        if let Some(country) = evidence.country {
            match evidence.weight {
                Weight::Attested => self.attested.insert(country),
                Weight::Hint if evidence.nats < 0.0 => self.abroad.insert(country),
                Weight::Hint | Weight::Proof | Weight::Refuted => {}
            }
        }
        self.evidence.push(evidence);
    }

    fn weigh_discs(&mut self, case: &Case<'a>, setting: &Setting<'a>) {
        for unplaced in &case.unplaced {
            self.add(disc::unplaced(unplaced.clone()));
        }
        for seen in setting.discs.iter().filter(|seen| seen.is_own || !setting.is_shared()) {
            self.add(disc::weigh(seen, setting.borders, setting));
            if !setting.is_shared() {
                self.narrow(seen);
            }
        }
        if setting.discs.is_empty() && case.unplaced.is_empty() {
            self.add(disc::silence());
        }
        let Some(joint) = self.vacuum.filter(|left| setting.settles(left)) else { return };
        if !self.evidence.iter().any(|e| e.kind() == EvidenceKind::Disc && e.weight == Weight::Proof) {
            self.add(disc::joint(joint));
        }
        let alone = |seen: &Seen<'_>| seen.is_own && seen.vacuum == joint;
        if !setting.discs.iter().any(alone) {
            self.add(anycast::assumed());
        }
    }

    /// Keeps the countries that another proving disc touches as well. A disc that touches no land says nothing.
    fn narrow(&mut self, seen: &Seen<'_>) {
        if seen.may_prove && !seen.vacuum.is_empty() {
            self.vacuum = Some(self.vacuum.map_or(seen.vacuum, |left| left.intersection(&seen.vacuum)));
        }
    }

    fn weigh_claim(&mut self, claim: &'a Claim, claims: &[&Claim], setting: &Setting<'a>) {
        let evidence = match &claim.says {
            Says::Country(country) => database::weigh(claim, Some(*country), setting),
            Says::NoEntry => database::weigh(claim, None, setting),
            Says::Announced { asn, name, kind, country, countries } => {
                let is_abroad = setting.home.holds_none(countries);
                let statement = asn::Statement { asn: *asn, name, kind: *kind, country: *country, is_abroad };
                asn::weigh(claim, statement, countries, setting)
            }
            Says::Registered { prefix, country } => {
                register::weigh(claim, register::Statement { prefix: *prefix, country: *country }, setting)
            }
            Says::Serving { label, place, country, operator } => {
                let statement = pop::Statement { label, place, country: *country, strangers: None };
                pop::weigh(claim, statement, (operator, claims), setting)
            }
            Says::Geofeed { prefix, country, publisher } => {
                geofeed::weigh(claim, (*prefix, *country, publisher), claims, setting)
            }
            Says::Region { provider, region, country } => {
                let (provider, country) = (*provider, *country);
                region::weigh(claim, region::Statement::Region { provider, region, country }, setting)
            }
            Says::Edge { provider, service } => {
                region::weigh(claim, region::Statement::Edge { provider: *provider, service }, setting)
            }
            Says::Named { name, code, place, country, operator } => {
                let statement = rdns::Statement { name, code, place, country: *country, strangers: None };
                rdns::weigh(claim, statement, (operator, claims), setting)
            }
            Says::Anycast { prefix } => anycast::listed(claim, *prefix),
            Says::Delegated { registry, country } => {
                self.registered.insert(*country);
                registry::tell(claim, registry::Statement { registry, country: *country }, setting)
            }
            // What vantages are calibrated by is not judged by what they measure.
            Says::Landmark { .. } => return,
        };
        self.add(evidence);
    }

    /// What the hints of each group come to.
    pub fn sums(&self) -> Sums {
        Group::ALL.map(|group| self.sum(group))
    }

    /// What a group's hints come to, in nats, before the cap and after it. Discs in glass share one assumption: several
    /// weigh as much as one, and nothing where they contradict each other or leave no land, since then it does not hold.
    fn sum(&self, group: Group) -> (f64, f64) {
        let (mut before, mut least, mut most) = (0.0, 0.0_f64, 0.0_f64);
        for Evidence { nats, .. } in self.evidence.iter().filter(|evidence| evidence.group() == Some(group)) {
            before += nats;
            (least, most) = (least.min(*nats), most.max(*nats));
        }
        if group != Group::Glass {
            return (before, group.counted(before));
        }
        let fails = self.glass.is_some_and(|left| left.is_empty()) || (least < 0.0 && most > 0.0);
        (before, if fails { 0.0 } else { group.counted(least + most) })
    }
}
