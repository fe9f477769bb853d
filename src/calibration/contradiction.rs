//! Vantages that do not stand where they are said to: what they measured contradicts light in vacuum.
//!
//! Two vantages contradict each other when no place could have answered both in time, for [`CLASHES`] addresses of
//! ordinary networks with different numbers that nothing calls anycast: one such address may be an undeclared anycast
//! one. Who contradicts most others is wrong, and then who contradicts most of the rest; where that is even, as with two
//! that contradict only each other, all of them are. A landmark with coordinates contradicts alone, for somebody declared
//! where it stands; but one that alone contradicts the most of several vantages was itself declared wrongly. One whose
//! country alone is known contradicts who light from no land of it could have reached. A vantage that is described at two
//! places at once, and measured from both, stands at neither.
//!
//! Slow answers contradict nothing. Vantages that are wrong in the same way and outnumber the others are not found out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use super::Met;
use super::dispute::{self, Dispute};
use super::facts::{Called, Landmark};
use super::table::{Entry, Standpoint, Table};
use super::twice;
use crate::location::light::{Speed, radius};
use crate::moment::Rtt;
use crate::network::Asn;
use crate::place::{Coordinates, CountryCode, Distance, EARTH_RADIUS_KM};
use crate::printable::Escaped;
use crate::vantage::{Position, Vantage, VantageId};

/// How many networks two vantages have to contradict each other about.
pub const CLASHES: usize = 3;

/// How far from its coordinates a landmark may be, in km: they are good to the city at least.
pub const LANDMARK_UNCERTAINTY_KM: f64 = 50.0;

/// Why a vantage does not stand where it is said to. Its display is one sentence.
#[derive(Clone, Debug, PartialEq)]
pub enum Contradiction {
    /// A landmark answered sooner than light could have come from it.
    Landmark {
        /// Who is contradicted.
        vantage: VantageId,
        /// What the landmark is called.
        landmark: String,
        /// Its address.
        address: IpAddr,
        /// The time in which it answered.
        rtt: Rtt,
        /// The country it is in, where nothing more is known of its place.
        country: Option<CountryCode>,
        /// How far away it, or that country, is from where the vantage is said to stand.
        away: Distance,
        /// How many other landmarks did so as well; where none did, it may be the landmark that is declared wrongly.
        others: usize,
    },
    /// Other vantages measured what cannot be true together with what this one measured.
    Vantages {
        /// Who is contradicted.
        vantage: VantageId,
        /// What about, at most [`CLASHES`] for each of the others.
        clashes: Vec<Clash>,
    },
    /// It is described at two places, and measured from both.
    Twice {
        /// Who is.
        vantage: VantageId,
        /// The two places, the northern one first; where there are more, two that are far apart.
        places: [Coordinates; 2],
        /// How far apart they are.
        apart: Distance,
    },
}

/// An address that answered two vantages sooner than any one place could have.
#[derive(Clone, Debug, PartialEq)]
pub struct Clash {
    /// The address.
    pub address: IpAddr,
    /// The time in which it answered.
    pub rtt: Rtt,
    /// The other vantage.
    pub other: VantageId,
    /// The time in which it answered the other.
    pub other_rtt: Rtt,
    /// How far apart the two are said to stand.
    pub apart: Distance,
}

impl Contradiction {
    /// Who is contradicted.
    pub fn vantage(&self) -> &VantageId {
        match self {
            Self::Landmark { vantage, .. } | Self::Vantages { vantage, .. } | Self::Twice { vantage, .. } => vantage,
        }
    }

    /// The same with what follows from it.
    pub fn remark(&self) -> String {
        format!("{self}: the vantage proves and refutes nothing")
    }
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Landmark { vantage, landmark, address, rtt, country, away, others } => {
                let (vantage, landmark) = (Escaped(&vantage.0), Called(landmark, *address));
                write!(f, "{vantage} does not stand where it is said to: {landmark} answered it in {rtt}, ")?;
                match country {
                    None => write!(f, "{away} away")?,
                    Some(country) => write!(f, "from {country}, {away} away")?,
                }
                match others {
                    0 => f.write_str(", or the landmark is wrong"),
                    more => write!(f, ", and {more} more like it"),
                }
            }
            Self::Vantages { vantage, clashes } => {
                let vantage = Escaped(&vantage.0);
                write!(f, "where {vantage} is said to stand contradicts what others measured")?;
                let Some((first, more)) = clashes.split_first() else { return Ok(()) };
                write!(f, ": {first}")?;
                if more.is_empty() { Ok(()) } else { write!(f, ", and {} more like it", more.len()) }
            }
            Self::Twice { vantage, places: [one, other], apart } => {
                let vantage = Escaped(&vantage.0);
                write!(f, "{vantage} is described at {one} and at {other}, {apart} apart: give one of them another id")
            }
        }
    }
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, rtt, other, other_rtt, apart } = self;
        write!(f, "{address} answered it in {rtt} and {}, {apart} away, in {other_rtt}", Escaped(&other.0))
    }
}

/// A landmark that was declared to be where it is not. Its display is one sentence.
#[derive(Clone, Debug, PartialEq)]
pub struct Misplaced {
    /// What it is called.
    pub landmark: String,
    /// Its address.
    pub address: IpAddr,
    /// The vantages that it answered sooner than light could have come from there.
    pub vantages: BTreeSet<VantageId>,
}

impl fmt::Display for Misplaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let vantages: Vec<_> = self.vantages.iter().map(|vantage| Escaped(&vantage.0).to_string()).collect();
        write!(
            f,
            "{} is not where it is declared to be: it answered {} sooner than light could: it is left out",
            Called(&self.landmark, self.address),
            vantages.join(" and ")
        )
    }
}

/// What contradicts what.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Contradictions {
    pub(super) quarantined: BTreeMap<Standpoint, Contradiction>,
    pub(super) misplaced: BTreeMap<IpAddr, Misplaced>,
    /// Of pairs of whom nobody is in quarantine, by their names.
    pub(super) disputes: BTreeMap<[VantageId; 2], Dispute>,
}

/// Finds what contradicts light in vacuum.
pub(super) fn find(table: &Table, met: &[Met]) -> Contradictions {
    let vantages: Vec<_> = met.iter().map(|met| &met.vantage).collect();
    let vantages = vantages.as_slice();
    let (mut quarantined, misplaced) = by_landmarks(table, met, vantages);
    quarantined.extend(twice::find(table, vantages));
    let (pairs, few): (Pairs, Pairs) =
        clashing_pairs(table, vantages).into_iter().partition(|(_, clashes)| clashes.networks.len() >= CLASHES);
    let mut edges: Vec<(Standpoint, Standpoint)> = pairs.keys().copied().collect();
    edges.retain(|(a, b)| !quarantined.contains_key(a) && !quarantined.contains_key(b));
    while !edges.is_empty() {
        let mut others: BTreeMap<Standpoint, usize> = BTreeMap::new();
        for (a, b) in &edges {
            *others.entry(*a).or_default() += 1;
            *others.entry(*b).or_default() += 1;
        }
        let most = others.values().copied().max().unwrap_or_default();
        let worst: BTreeSet<_> = others.into_iter().filter(|(_, count)| *count == most).map(|(at, _)| at).collect();
        for standpoint in &worst {
            let clashes = edges.iter().filter_map(|edge| told_by(*standpoint, *edge, &pairs, vantages)).flatten();
            if let Some(vantage) = vantages.get(*standpoint) {
                let mut clashes: Vec<_> = clashes.collect();
                clashes.sort_by(|a, b| (a.address, &a.other).cmp(&(b.address, &b.other)));
                let contradiction = Contradiction::Vantages { vantage: vantage.id.clone(), clashes };
                quarantined.insert(*standpoint, contradiction);
            }
        }
        edges.retain(|(a, b)| !worst.contains(a) && !worst.contains(b));
    }
    let is_trusted = |(a, b): &(Standpoint, Standpoint)| !quarantined.contains_key(a) && !quarantined.contains_key(b);
    let disputes = dispute::find(few.into_iter().filter(|(pair, _)| is_trusted(pair)), vantages);
    Contradictions { quarantined, misplaced, disputes }
}

/// A vantage whose discs count, with the radius of one of them.
struct Disc {
    standpoint: Standpoint,
    rtt: Rtt,
    position: Position,
    radius: Distance,
}

fn discs(entry: &Entry, vantages: &[&Vantage]) -> Vec<Disc> {
    let disc = |(standpoint, rtt): &(Standpoint, Rtt)| {
        let position = vantages.get(*standpoint)?.position?;
        let radius = radius(*rtt, Speed::Vacuum, position.uncertainty);
        Some(Disc { standpoint: *standpoint, rtt: *rtt, position, radius })
    };
    entry.seen().iter().filter_map(disc).collect()
}

/// How a landmark that is too near for where it is declared to be shows.
struct Sooner<'a> {
    landmark: &'a Landmark,
    address: IpAddr,
    standpoint: Standpoint,
    rtt: Rtt,
    /// The country, where nothing more is known of its place.
    country: Option<CountryCode>,
    away: Distance,
}

type Verdicts = (BTreeMap<Standpoint, Contradiction>, BTreeMap<IpAddr, Misplaced>);

/// How far away a landmark is at the least, by its country where nothing more is known of its place; `None` where nothing is.
fn least_way(landmark: &Landmark, from: &Disc, met: &[Met]) -> Option<(Option<CountryCode>, Distance)> {
    if let Some(declared) = landmark.coordinates {
        let away = from.position.coordinates.least_distance_to(declared).km() - LANDMARK_UNCERTAINTY_KM;
        return Some((None, Distance::from_km(away)));
    }
    let country = landmark.country?;
    Some((Some(country), met.get(from.standpoint)?.distance_to(country)?))
}

fn by_landmarks(table: &Table, met: &[Met], vantages: &[&Vantage]) -> Verdicts {
    let mut sooner: Vec<Sooner<'_>> = Vec::new();
    let mut measured: BTreeMap<IpAddr, usize> = BTreeMap::new();
    for (address, entry) in table.iter() {
        let Some((landmark, _)) = entry.facts.landmark() else { continue };
        for disc in discs(entry, vantages) {
            let Some((country, away)) = least_way(landmark, &disc, met) else { continue };
            *measured.entry(address).or_default() += 1;
            if away > disc.radius {
                let Disc { standpoint, rtt, .. } = disc;
                sooner.push(Sooner { landmark, address, standpoint, rtt, country, away });
            }
        }
    }
    let misplaced = misplaced(&sooner, &measured, vantages);
    let mut by_standpoint: BTreeMap<Standpoint, Vec<&Sooner<'_>>> = BTreeMap::new();
    for case in sooner.iter().filter(|case| !misplaced.contains_key(&case.address)) {
        by_standpoint.entry(case.standpoint).or_default().push(case);
    }
    let contradiction = |(standpoint, cases): (Standpoint, Vec<&Sooner<'_>>)| {
        let (Sooner { landmark, address, rtt, country, away, .. }, others) = cases.split_first()?;
        let (vantage, landmark) = (vantages.get(standpoint)?.id.clone(), landmark.name.clone());
        let (address, rtt, country, away, others) = (*address, *rtt, *country, *away, others.len());
        Some((standpoint, Contradiction::Landmark { vantage, landmark, address, rtt, country, away, others }))
    };
    (by_standpoint.into_iter().filter_map(contradiction).collect(), misplaced)
}

/// The landmarks that contradict most of the vantages that measured them, at least two, whom no other one contradicts.
fn misplaced(
    sooner: &[Sooner<'_>],
    measured: &BTreeMap<IpAddr, usize>,
    vantages: &[&Vantage],
) -> BTreeMap<IpAddr, Misplaced> {
    let mut contradicted: BTreeMap<IpAddr, Vec<&Sooner<'_>>> = BTreeMap::new();
    let mut by: BTreeMap<Standpoint, usize> = BTreeMap::new();
    for case in sooner {
        contradicted.entry(case.address).or_default().push(case);
        *by.entry(case.standpoint).or_default() += 1;
    }
    let mut misplaced = BTreeMap::new();
    for (address, cases) in contradicted {
        let name = |case: &&Sooner<'_>| vantages.get(case.standpoint).map(|vantage| vantage.id.clone());
        let named: BTreeSet<VantageId> = cases.iter().filter_map(name).collect();
        let alone = cases.iter().all(|case| by.get(&case.standpoint) == Some(&1));
        let most = cases.len() * 2 > measured.get(&address).copied().unwrap_or_default();
        if let Some(first) = cases.first().filter(|_| alone && most && named.len() >= 2) {
            let landmark = first.landmark.name.clone();
            misplaced.insert(address, Misplaced { landmark, address, vantages: named });
        }
    }
    misplaced
}

/// What two standpoints, the lower first, contradict each other about.
type Pairs = BTreeMap<(Standpoint, Standpoint), Clashing>;

/// What a pair contradicts each other about.
#[derive(Debug, Default)]
pub(super) struct Clashing {
    /// Their times for an address, and how far apart they are, by its network; at most [`CLASHES`].
    pub(super) networks: BTreeMap<Asn, (IpAddr, Rtt, Rtt, Distance)>,
    pub(super) addresses: usize,
}

/// The pairs that contradict each other.
fn clashing_pairs(table: &Table, vantages: &[&Vantage]) -> Pairs {
    let mut pairs = Pairs::new();
    let half_way_round = Distance::from_km(EARTH_RADIUS_KM * std::f64::consts::PI);
    for (address, entry) in table.iter() {
        let Some(asn) = entry.facts.ordinary_asn().filter(|_| entry.seen().len() > 1) else { continue };
        let mut discs = discs(entry, vantages);
        discs.sort_by(|a, b| a.radius.km().total_cmp(&b.radius.km()).then(a.standpoint.cmp(&b.standpoint)));
        for (at, a) in discs.iter().enumerate() {
            let small = |b: &&Disc| a.radius + b.radius < half_way_round;
            for b in discs.iter().skip(at + 1).take_while(small) {
                let (a, b) = if a.standpoint < b.standpoint { (a, b) } else { (b, a) };
                let apart = a.position.coordinates.least_distance_to(b.position.coordinates);
                let same = is_same(a.standpoint, b.standpoint, vantages);
                if !same && apart > a.radius + b.radius {
                    let clashes = pairs.entry((a.standpoint, b.standpoint)).or_default();
                    clashes.addresses += 1;
                    if clashes.networks.len() < CLASHES {
                        clashes.networks.entry(asn).or_insert((address, a.rtt, b.rtt, apart));
                    }
                }
            }
        }
    }
    pairs
}

/// Whether both are one vantage that was described anew.
fn is_same(a: Standpoint, b: Standpoint, vantages: &[&Vantage]) -> bool {
    vantages.get(a).map(|vantage| &vantage.id) == vantages.get(b).map(|vantage| &vantage.id)
}

/// The clashes of a pair, as `standpoint` would tell them, if it is one of the two.
fn told_by(
    standpoint: Standpoint,
    (a, b): (Standpoint, Standpoint),
    pairs: &Pairs,
    vantages: &[&Vantage],
) -> Option<Vec<Clash>> {
    let is_first = standpoint == a;
    let other = vantages.get(if is_first { b } else { a }).filter(|_| is_first || standpoint == b)?;
    let told = pairs.get(&(a, b))?.networks.values().map(|(address, first, second, apart)| {
        let (rtt, other_rtt) = if is_first { (*first, *second) } else { (*second, *first) };
        Clash { address: *address, rtt, other: other.id.clone(), other_rtt, apart: *apart }
    });
    Some(told.collect())
}
