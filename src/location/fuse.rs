//! Claims and discs of all vantages → a location, with every reason kept.
//!
//! The order of decision, strongest first; what is weaker is listed and never overrules:
//! 1. A shared or anycast address (the network is a known edge, its cloud serves it at its edges, a list of anycast
//!    prefixes holds it, or two vacuum discs do not meet) is an *edge*: only what the serving point says of itself can
//!    place it.
//! 2. *Proven*: the vacuum discs together touch only home, or no home at all. Another vantage's disc counts while nothing
//!    points to anycast; a disc of the judged vantage always does.
//! 3. *Attested*: somebody accountable says where it is, and light in vacuum does not object.
//! 4. *Probable*: hints, summed for each group and capped, reach 3 nats with two groups in agreement, or with a glass
//!    disc alone while nothing points to anycast.
//! 5. Otherwise *unknown*. Silence is never evidence.
//!
//! Proofs, or attestations, that contradict each other are a *conflict*: shown, never guessed at.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::civil::Date;

use super::disc::Disc;
use super::light::Speed;
use super::weigh::{self, Group};
use super::{Claim, Evidence, EvidenceKind, Grade, Location, Place, Says, Weight};
use crate::network::{AddressScope, Asn, NetworkKind};
use crate::place::{CountryCode, CountrySet, Home};
use crate::printable::Printable;

/// Everything that is known of one address, seen from one vantage.
#[derive(Debug)]
pub struct Case<'a> {
    /// The address.
    pub address: IpAddr,
    /// What counts as home.
    pub home: &'a Home,
    /// The day for which is judged, in UTC: nothing dated later attests.
    pub today: Date,
    /// The judged vantage's disc.
    pub own: Option<Disc<'a>>,
    /// The discs of other vantages.
    pub others: Vec<Disc<'a>>,
    /// Answers that vantages without coordinates got, in words: they prove nothing.
    pub unplaced: Vec<String>,
    /// What was claimed.
    pub claims: Vec<&'a Claim>,
}

/// Where the address is, seen from the judged vantage.
pub fn fuse(case: &Case<'_>) -> Location {
    let mut fusion = Fusion::new(case);
    fusion.weigh_network();
    fusion.weigh_discs();
    fusion.weigh_claims();
    let Decision { place, grade, countries } = fusion.decide();
    let Fusion { asn, registered, evidence, .. } = fusion;
    Location { address: case.address, place, grade, countries, asn, registered, evidence }
}

struct Decision {
    place: Place,
    grade: Grade,
    countries: CountrySet,
}

impl Decision {
    fn new(place: Place, grade: Grade, countries: CountrySet) -> Self {
        Self { place, grade, countries }
    }

    fn unknown() -> Self {
        Self::new(Place::Unknown, Grade::Indeterminate, CountrySet::default())
    }

    fn conflict(place: Place) -> Self {
        Self::new(place, Grade::Conflict, CountrySet::default())
    }
}

struct Fusion<'a> {
    case: &'a Case<'a>,
    asn: Option<Asn>,
    kind: NetworkKind,
    anycast: bool,
    /// Whether somebody lists the address as one that several sites answer for.
    listed: bool,
    registered: CountrySet,
    /// The countries that all proving discs leave, by speed; `None` while no disc has spoken.
    vacuum: Option<CountrySet>,
    glass: Option<CountrySet>,
    attested: CountrySet,
    foreign_claims: CountrySet,
    registry: f64,
    /// The weight of the strongest glass disc that says inside, and of the strongest that says outside.
    glass_inside: f64,
    glass_outside: f64,
    /// Whether the borders know where home is: without that, no disc can leave it out.
    home_is_drawn: bool,
    evidence: Vec<Evidence>,
}

impl<'a> Fusion<'a> {
    fn new(case: &'a Case<'a>) -> Self {
        Self {
            case,
            asn: None,
            kind: NetworkKind::Ordinary,
            anycast: false,
            listed: false,
            registered: CountrySet::default(),
            vacuum: None,
            glass: None,
            attested: CountrySet::default(),
            foreign_claims: CountrySet::default(),
            registry: 0.0,
            glass_inside: 0.0,
            glass_outside: 0.0,
            home_is_drawn: case.own.iter().chain(&case.others).all(|disc| disc.knows(case.home)),
            evidence: Vec::new(),
        }
    }

    fn note(&mut self, kind: EvidenceKind, source: &str, says: String, weight: Weight, nats: f64) {
        let source = Printable(source).to_string();
        self.evidence.push(Evidence { kind, source, says, weight, nats });
    }

    /// Learns which network it is, and whether several sites answer for the address.
    fn weigh_network(&mut self) {
        for claim in &self.case.claims {
            if let Says::Announced { asn, kind, .. } = &claim.says {
                self.asn = self.asn.or(Some(*asn));
                self.kind = self.kind.max_sharing(*kind);
            }
            self.listed |= matches!(claim.says, Says::Edge { .. } | Says::Anycast { .. });
        }
        if !AddressScope::of(self.case.address).is_global() {
            return;
        }
        let discs: Vec<_> = self.case.own.iter().chain(&self.case.others).collect();
        let apart = discs.iter().enumerate().find_map(|(index, a)| {
            let b = discs.iter().skip(index + 1).find(|b| a.is_disjoint_from(b, Speed::Vacuum))?;
            Some(format!("{} and {} cannot come from one place", a.measured(), b.measured()))
        });
        if let Some(says) = apart {
            self.anycast = true;
            self.note(EvidenceKind::Anycast, "discs", says, Weight::Proof, 0.0);
        }
    }

    fn is_shared(&self) -> bool {
        self.anycast || self.listed || self.kind == NetworkKind::Edge
    }

    /// Whether the discs of other vantages may prove something of what answers here.
    fn others_may_prove(&self) -> bool {
        !self.is_shared() && self.kind == NetworkKind::Ordinary
    }

    fn weigh_discs(&mut self) {
        let case = self.case;
        if !AddressScope::of(case.address).is_global() {
            let says = "not a public address: whoever answers to it stands somewhere else from each vantage".to_owned();
            return self.note(EvidenceKind::Disc, "all vantages", says, Weight::Hint, 0.0);
        }
        for says in &case.unplaced {
            let says = format!("{says}: without coordinates it proves nothing");
            self.note(EvidenceKind::Disc, "vantage", says, Weight::Hint, 0.0);
        }
        if let Some(disc) = &case.own {
            self.weigh_disc(disc, true);
        }
        let may_prove = self.others_may_prove();
        if !self.is_shared() {
            for disc in &case.others {
                self.weigh_disc(disc, may_prove);
            }
        }
        if case.own.is_none() && case.others.is_empty() && case.unplaced.is_empty() {
            let says = "never answered: silence is no evidence".to_owned();
            self.note(EvidenceKind::Disc, "all vantages", says, Weight::Hint, 0.0);
        }
        self.note_joint_proof();
        self.note_unicast_assumption();
    }

    fn weigh_disc(&mut self, disc: &Disc<'_>, may_prove: bool) {
        let (vacuum, glass) = (disc.countries(Speed::Vacuum), disc.countries(Speed::Glass));
        let home = self.case.home;
        let may_prove = may_prove && (self.others_may_prove() || home.holds_all(&vacuum));
        let (weight, nats, speed) = if may_prove && self.settles(&vacuum) {
            (Weight::Proof, 0.0, Speed::Vacuum)
        } else if self.settles(&glass) {
            let sign = if home.holds_all(&glass) { 1.0 } else { -1.0 };
            (Weight::Hint, sign * weigh::GLASS_DISC, Speed::Glass)
        } else {
            (Weight::Hint, 0.0, Speed::Glass)
        };
        let allows = if speed == Speed::Vacuum { &vacuum } else { &glass };
        let says = format!(
            "{}: within {} by {}, which {}",
            disc.measured(),
            disc.radius(speed),
            speed.as_str(),
            allowed(allows)
        );
        self.note(EvidenceKind::Disc, &disc.vantage.0, says, weight, nats);
        if !self.is_shared() {
            self.glass_inside = self.glass_inside.max(nats);
            self.glass_outside = self.glass_outside.min(nats);
            narrow(&mut self.glass, &glass);
            if may_prove {
                narrow(&mut self.vacuum, &vacuum);
            }
        }
    }

    /// Whether a set of countries is home alone, or leaves home out.
    fn settles(&self, countries: &CountrySet) -> bool {
        let home = self.case.home;
        home.holds_all(countries) || (self.home_is_drawn && home.holds_none(countries))
    }

    /// Several discs may prove together what none proves alone: the responder is in a country that each of them touches.
    fn note_joint_proof(&mut self) {
        let alone = self.evidence.iter().any(|e| e.kind == EvidenceKind::Disc && e.weight == Weight::Proof);
        let Some(joint) = self.vacuum.clone().filter(|set| self.settles(set)) else { return };
        if !alone {
            let says = format!("all discs together, by light in vacuum, leave {joint}");
            self.note(EvidenceKind::Disc, "all vantages", says, Weight::Proof, 0.0);
        }
    }

    fn note_unicast_assumption(&mut self) {
        let home = self.case.home;
        let foreign_proof = self.vacuum.as_ref().is_some_and(|set| self.settles(set) && home.holds_none(set));
        if foreign_proof && !self.is_shared() {
            let says = "nothing points to several sites behind this address; one site is assumed".to_owned();
            self.note(EvidenceKind::Anycast, "discs", says, Weight::Hint, 0.0);
        }
    }

    fn weigh_claims(&mut self) {
        for claim in &self.case.claims {
            match &claim.says {
                Says::Country(country) => self.weigh_database(claim, *country),
                Says::NoEntry => {
                    self.note(EvidenceKind::Database, &claim.source, "has no entry".to_owned(), Weight::Hint, 0.0);
                }
                Says::Announced { asn, name, kind, country } => self.weigh_asn(claim, *asn, name, *kind, *country),
                Says::Registered { prefix, country } => {
                    let says = format!("{prefix} is registered as being in {country}");
                    self.weigh_attestation(EvidenceKind::Register, claim, says, *country);
                }
                Says::Serving { label, country } => {
                    let says = format!("the serving point calls itself {}, which is in {country}", Printable(label));
                    self.weigh_attestation(EvidenceKind::Pop, claim, says, *country);
                }
                Says::Geofeed { prefix, country, publisher } => {
                    self.weigh_geofeed(claim, *prefix, *country, publisher);
                }
                Says::Region { provider, region, country } => {
                    let says = format!("{provider} publishes it as {}, which is in {country}", Printable(region));
                    self.weigh_attestation(EvidenceKind::Region, claim, says, *country);
                }
                Says::Edge { provider, service } => {
                    let says = format!("{provider} serves it by {}, wherever is near", Printable(service));
                    self.note(EvidenceKind::Region, &claim.source, dated(claim, says), Weight::Attested, 0.0);
                }
                Says::Anycast { prefix } => {
                    let says = format!("lists {prefix}: several sites answer for it");
                    self.note(EvidenceKind::Anycast, &claim.source, dated(claim, says), Weight::Hint, 0.0);
                }
                Says::Delegated { registry, country } => {
                    self.registered.insert(*country);
                    let says = format!("registered in {country} by {}, which is no place", Printable(registry));
                    self.note(EvidenceKind::Registry, &claim.source, dated(claim, says), Weight::Hint, 0.0);
                }
            }
        }
    }

    fn weigh_database(&mut self, claim: &Claim, country: CountryCode) {
        let says = dated(claim, format!("says {country}"));
        self.weigh_hint(EvidenceKind::Database, &claim.source, says, country, weigh::DATABASE);
    }

    /// A feed counts for what its own publisher announces, as far as everybody agrees on that: anybody can write one.
    fn weigh_geofeed(&mut self, claim: &Claim, prefix: IpNet, country: CountryCode, publisher: &[Asn]) {
        let says = dated(claim, format!("{prefix} is in {country}, says its publisher"));
        let announcers: BTreeSet<Asn> = self.case.claims.iter().filter_map(|claim| announcer(claim)).collect();
        if !announcers.is_empty() && announcers.iter().all(|asn| publisher.contains(asn)) {
            self.weigh_hint(EvidenceKind::Geofeed, &claim.source, says, country, weigh::GEOFEED);
            return;
        }
        let others: Vec<_> = announcers.iter().filter(|asn| !publisher.contains(asn)).map(Asn::to_string).collect();
        let by = if others.is_empty() { "nobody we know of".to_owned() } else { others.join(" and ") };
        let says = format!("{says}; not announced by its publisher but by {by}, so that it counts for nothing");
        self.note(EvidenceKind::Geofeed, &claim.source, says, Weight::Hint, 0.0);
    }

    fn weigh_asn(&mut self, claim: &Claim, asn: Asn, name: &str, kind: NetworkKind, country: Option<CountryCode>) {
        let announced = format!("announced by {asn} {}", Printable(name));
        match (kind, country) {
            (NetworkKind::Edge, _) => {
                let says = format!("{announced}, a shared edge network: its addresses are served wherever is near");
                self.note(EvidenceKind::Asn, &claim.source, says, Weight::Hint, 0.0);
            }
            (NetworkKind::Cloud, _) => {
                let says = format!("{announced}, a cloud that mixes regions and edges");
                self.note(EvidenceKind::Asn, &claim.source, says, Weight::Hint, 0.0);
            }
            (NetworkKind::Ordinary, Some(country)) => {
                let says = format!("{announced}, nearly all of whose addresses are in {country}");
                self.weigh_hint(EvidenceKind::Asn, &claim.source, says, country, weigh::NETWORK_COUNTRY);
            }
            (NetworkKind::Ordinary, None) => {
                self.note(EvidenceKind::Asn, &claim.source, announced, Weight::Hint, 0.0);
            }
        }
    }

    fn weigh_hint(&mut self, kind: EvidenceKind, source: &str, says: String, country: CountryCode, nats: f64) {
        if let Some(refuted) = self.refutation(country, Speed::Glass) {
            self.note(kind, source, format!("{says}; refuted: {refuted}"), Weight::Refuted, 0.0);
            return;
        }
        let at_home = self.case.home.contains(country);
        if self.is_shared() {
            self.note(kind, source, format!("{says}, which places no shared address"), Weight::Hint, 0.0);
        } else if at_home && self.kind == NetworkKind::Cloud {
            let says = format!("{says}, which for a cloud's address may be an edge and counts for nothing");
            self.note(kind, source, says, Weight::Hint, 0.0);
        } else {
            let signed = if at_home { nats } else { -nats };
            self.registry += signed;
            if !at_home {
                self.foreign_claims.insert(country);
            }
            self.note(kind, source, says, Weight::Hint, signed);
        }
    }

    fn weigh_attestation(&mut self, kind: EvidenceKind, claim: &Claim, says: String, country: CountryCode) {
        let says = dated(claim, says);
        if claim.dated.is_some_and(|day| day > self.case.today) {
            let says = format!("{says}, a day that has not come");
            return self.note(kind, &claim.source, says, Weight::Hint, 0.0);
        }
        if let Some(refuted) = self.refutation(country, Speed::Vacuum) {
            self.note(kind, &claim.source, format!("{says}; refuted: {refuted}"), Weight::Refuted, 0.0);
        } else if kind != EvidenceKind::Pop && self.is_shared() {
            let says = format!("{says}, which places no shared address");
            self.note(kind, &claim.source, says, Weight::Hint, 0.0);
        } else {
            self.attested.insert(country);
            self.note(kind, &claim.source, says, Weight::Attested, 0.0);
        }
    }

    /// Why the address cannot be in `country`: an answer that came too soon for that.
    fn refutation(&self, country: CountryCode, speed: Speed) -> Option<String> {
        if !AddressScope::of(self.case.address).is_global() {
            return None;
        }
        let others = if self.is_shared() || (speed == Speed::Vacuum && !self.others_may_prove()) {
            &[][..]
        } else {
            &self.case.others
        };
        let on_land = |disc: &&Disc<'_>| !disc.countries(speed).is_empty();
        let mut discs = self.case.own.iter().chain(others).filter(on_land);
        let disc = discs.find(|disc| disc.excludes(country, speed))?;
        Some(format!("{} reaches no farther than {} by {}", disc.measured(), disc.radius(speed), speed.as_str()))
    }

    fn decide(&self) -> Decision {
        if self.is_shared() {
            return self.decide_edge();
        }
        self.proven().or_else(|| self.attested()).or_else(|| self.probable()).unwrap_or_else(Decision::unknown)
    }

    fn decide_edge(&self) -> Decision {
        let home = self.case.home;
        let attested = &self.attested;
        if attested.is_empty() {
            let grade = if self.anycast { Grade::Proven } else { Grade::Indeterminate };
            Decision::new(Place::Edge, grade, CountrySet::default())
        } else if home.holds_all(attested) || home.holds_none(attested) {
            Decision::new(Place::Edge, Grade::Attested, attested.clone())
        } else {
            Decision::conflict(Place::Edge)
        }
    }

    fn proven(&self) -> Option<Decision> {
        let left = self.vacuum.as_ref()?;
        let home = self.case.home;
        if left.is_empty() {
            return Some(Decision::conflict(Place::Unknown));
        }
        let place = if home.holds_all(left) { Place::Inside } else { Place::Outside };
        self.settles(left).then(|| Decision::new(place, Grade::Proven, left.clone()))
    }

    fn attested(&self) -> Option<Decision> {
        let home = self.case.home;
        if self.attested.is_empty() {
            None
        } else if home.holds_all(&self.attested) {
            Some(Decision::new(Place::Inside, Grade::Attested, self.attested.clone()))
        } else if home.holds_none(&self.attested) {
            Some(Decision::new(Place::Outside, Grade::Attested, self.attested.clone()))
        } else {
            Some(Decision::conflict(Place::Unknown))
        }
    }

    /// What all glass discs weigh together: as much as one, since they share their one assumption; and nothing when they
    /// contradict each other, since then it does not hold.
    fn weight_in_glass(&self) -> f64 {
        let contradict = self.glass_inside * self.glass_outside != 0.0;
        let leave_nothing = self.glass.as_ref().is_some_and(CountrySet::is_empty);
        if contradict || leave_nothing { 0.0 } else { self.glass_inside + self.glass_outside }
    }

    fn probable(&self) -> Option<Decision> {
        let registry = weigh::capped(Group::Registry, self.registry);
        let glass = weigh::capped(Group::Glass, self.weight_in_glass());
        let sum = registry + glass;
        let agreeing = [registry, glass].iter().filter(|nats| **nats * sum > 0.0).count();
        let stands_alone = glass.abs() >= weigh::GLASS_DISC && self.kind == NetworkKind::Ordinary;
        if sum.abs() < weigh::PROBABLE || (agreeing < 2 && !stands_alone) {
            return None;
        }
        let left = self.glass.clone().unwrap_or_default();
        let (place, countries) = if sum > 0.0 {
            (Place::Inside, self.case.home.countries().intersection(&left))
        } else if self.foreign_claims.is_empty() {
            (Place::Outside, left)
        } else {
            (Place::Outside, self.foreign_claims.clone())
        };
        Some(Decision::new(place, Grade::Probable, countries))
    }
}

fn announcer(claim: &Claim) -> Option<Asn> {
    if let Says::Announced { asn, .. } = claim.says { Some(asn) } else { None }
}

/// Keeps what both sets name. A disc that touches no land says nothing.
fn narrow(left: &mut Option<CountrySet>, by: &CountrySet) {
    if !by.is_empty() {
        *left = Some(left.take().map_or_else(|| by.clone(), |left| left.intersection(by)));
    }
}

/// How many countries are listed by name before they are only counted.
const LISTED: usize = 12;

fn allowed(countries: &CountrySet) -> String {
    match countries.len() {
        0 => "touches no land".to_owned(),
        1..=LISTED => format!("touches {countries}"),
        more => format!("touches {more} countries"),
    }
}

fn dated(claim: &Claim, says: String) -> String {
    match claim.dated {
        Some(day) => format!("{says} ({day})"),
        None => says,
    }
}
