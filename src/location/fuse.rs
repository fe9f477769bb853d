//! Claims and discs of all vantages → a location, with every reason kept.
//!
//! The order of decision, strongest first; what is weaker is listed and never overrules:
//! 1. A shared or anycast address (the network is a known edge, its cloud serves it at its edges, a list of anycast
//!    prefixes holds it, or two vacuum discs do not meet) is an *edge*: only what the serving point says of itself can
//!    place it.
//! 2. *Proven*: the vacuum discs together touch only home, or no home at all. They count while nothing points to anycast and
//!    the network is no cloud; otherwise only one of the judged vantage that touches home alone.
//! 3. *Attested*: somebody accountable says where it is, and light in vacuum does not object.
//! 4. *Probable*: hints, summed for each group and capped, reach 3 nats with two groups in agreement, or with a glass
//!    disc alone while nothing points to anycast.
//! 5. Otherwise *unknown*. Silence is never evidence.
//!
//! Proofs, or attestations, that contradict each other are a *conflict*: shown, never guessed at.

use std::net::IpAddr;

use jiff::Timestamp;

use super::disc::Disc;
use super::evidence::disc::Unplaced;
use super::evidence::gap::Gauge;
use super::evidence::path;
use super::setting::Setting;
use super::tally::{Sums, Tally};
use super::weigh::{GLASS_DISC, Group, PROBABLE};
use super::{Claim, Grade, Location, OutlinesId, Place};
use crate::network::NetworkKind;
use crate::place::{CountrySet, Home};

/// Everything that is known of one address, seen from one vantage.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    /// The address.
    pub address: IpAddr,
    /// What counts as home.
    pub home: &'a Home,
    /// The borders used.
    pub borders: &'a OutlinesId,
    /// The moment for which is judged: nothing dated later than its day, in UTC, attests.
    pub moment: Timestamp,
    /// The judged vantage's disc.
    pub own: Option<Disc<'a>>,
    /// What the judged vantage measured about the judged moment in all its rounds: it may show that several sites answer; for
    /// the rest a round speaks for itself.
    pub rounds: Option<Disc<'a>>,
    /// The discs of other vantages.
    pub others: Vec<Disc<'a>>,
    /// The answers that vantages got of which nobody knows where they stand: they prove nothing.
    pub unplaced: Vec<Unplaced<'a>>,
    /// The best time of every vantage that got an answer and is not known to be abroad.
    pub gauges: Vec<Gauge<'a>>,
    /// How the paths of every vantage come to the address.
    pub approaches: Vec<path::Statement<'a>>,
    /// What was claimed.
    pub claims: Vec<&'a Claim>,
}

impl<'a> Case<'a> {
    /// An address of which nothing is known.
    pub fn new(address: IpAddr, home: &'a Home, borders: &'a OutlinesId, moment: Timestamp) -> Self {
        Self {
            address,
            home,
            borders,
            moment,
            own: None,
            rounds: None,
            others: Vec::new(),
            unplaced: Vec::new(),
            gauges: Vec::new(),
            approaches: Vec::new(),
            claims: Vec::new(),
        }
    }
}

/// Where the address is, seen from the judged vantage.
pub fn fuse<'a>(case: &Case<'a>) -> Location<'a> {
    let setting = Setting::of(case);
    let tally = Tally::of(case, &setting);
    let sums = tally.sums();
    let Decision { place, grade, countries } = decide(&setting, &tally, &sums);
    let Tally { registered, evidence, .. } = tally;
    Location { address: case.address, place, grade, countries, asn: setting.asn, registered, evidence, sums }
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

fn decide(setting: &Setting<'_>, tally: &Tally<'_>, sums: &Sums) -> Decision {
    if setting.is_shared() {
        return edge(setting, tally);
    }
    let proven = proven(setting, tally);
    proven
        .or_else(|| attested(setting, tally))
        .or_else(|| probable(setting, tally, sums))
        .unwrap_or_else(Decision::unknown)
}

fn edge(setting: &Setting<'_>, tally: &Tally<'_>) -> Decision {
    let (home, attested) = (setting.home, &tally.attested);
    if attested.is_empty() && !setting.is_edge() {
        Decision::unknown()
    } else if attested.is_empty() {
        let is_proven = setting.apart.is_some_and(|apart| apart.is_proof());
        let grade = if is_proven { Grade::Proven } else { Grade::Indeterminate };
        Decision::new(Place::Edge, grade, CountrySet::default())
    } else if home.holds_all(attested) || home.holds_none(attested) {
        Decision::new(Place::Edge, Grade::Attested, *attested)
    } else {
        Decision::conflict(Place::Edge)
    }
}

fn proven(setting: &Setting<'_>, tally: &Tally<'_>) -> Option<Decision> {
    let left = tally.vacuum?;
    if left.is_empty() {
        return Some(Decision::conflict(Place::Unknown));
    }
    let place = if setting.home.holds_all(&left) { Place::Inside } else { Place::Outside };
    setting.settles(&left).then(|| Decision::new(place, Grade::Proven, left))
}

fn attested(setting: &Setting<'_>, tally: &Tally<'_>) -> Option<Decision> {
    let (home, attested) = (setting.home, tally.attested);
    if attested.is_empty() {
        None
    } else if home.holds_all(&attested) {
        Some(Decision::new(Place::Inside, Grade::Attested, attested))
    } else if home.holds_none(&attested) {
        Some(Decision::new(Place::Outside, Grade::Attested, attested))
    } else {
        Some(Decision::conflict(Place::Unknown))
    }
}

fn probable(setting: &Setting<'_>, tally: &Tally<'_>, sums: &Sums) -> Option<Decision> {
    let sum: f64 = sums.iter().map(|(_, counted)| counted).sum();
    let agreeing = sums.iter().filter(|(_, counted)| counted * sum > 0.0).count();
    let is_glass_whole =
        |(group, (_, counted)): (Group, &(f64, f64))| group == Group::Glass && counted.abs() >= GLASS_DISC;
    let stands_alone = Group::ALL.into_iter().zip(sums).any(is_glass_whole) && setting.kind == NetworkKind::Ordinary;
    if sum.abs() < PROBABLE || (agreeing < 2 && !stands_alone) {
        return None;
    }
    let left = tally.glass.unwrap_or_default();
    let (place, countries) = if sum > 0.0 {
        let home = *setting.home.countries();
        (Place::Inside, Some(home.intersection(&left)).filter(|left| !left.is_empty()).unwrap_or(home))
    } else if tally.abroad.is_empty() {
        (Place::Outside, left.iter().filter(|country| !setting.home.contains(*country)).collect())
    } else {
        (Place::Outside, tally.abroad)
    };
    Some(Decision::new(place, Grade::Probable, countries))
}
