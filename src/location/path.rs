//! Which way packets go: whether a path leaves home, stays in, or cannot be told.
//!
//! A hop is abroad when every database that knows it names a foreign country, its network's country does not disagree,
//! and light does not refute it. The time that bounds a hop is the smallest of its own and of every later hop's of the
//! flow: whatever is farther along the path answered after its probe had passed the hop. An answer that somebody nearer
//! may have given in another's name bounds nothing. Differences between hops are never used, since each answer may have
//! come back another way.
//!
//! One foreign hop is not enough: blocks registered abroad are used at home, and a single squatted address once produced
//! 347 false detours in a published census. Two, with different addresses, are. Silence is never domestic.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::light::{self, Speed};
use super::outlines::Reach;
use super::{Claim, Location, Place, Says};
use crate::moment::Rtt;
use crate::network::AddressScope;
use crate::place::{CountryCode, CountrySet, Home};
use crate::vantage::Position;

/// How many different foreign hops it takes to say that a path leaves home.
pub const FOREIGN_HOPS: usize = 2;

/// Which way a path goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// It stays at home.
    Inside,
    /// It leaves home.
    Outside,
    /// It cannot be told; an invisible path is never domestic.
    Unknown,
}

impl Way {
    /// The word used in JSON and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Outside => "outside",
            Self::Unknown => "unknown",
        }
    }
}

/// Which way a path goes, and why we think so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathReading {
    /// The way.
    pub way: Way,
    /// The facts, in words. Never empty.
    pub because: Vec<String>,
    /// How many hops lie between the vantage and the last that answered, that one included.
    pub hops: u8,
}

/// One hop as the path reader sees it: who answered first, and how fast at best.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its TTL.
    pub ttl: u8,
    /// Who answered with the smallest time; `None` when nobody did.
    pub answer: Option<(IpAddr, Rtt)>,
    /// The smallest time of an answer that shows that packets got as far as this.
    pub witnessed: Option<Rtt>,
}

/// What is known of a path.
#[derive(Debug)]
pub struct Route<'a> {
    /// The hops, in order of TTL, cut after the target.
    pub steps: Vec<Step>,
    /// The smallest time of an answer from the target itself.
    pub target_rtt: Option<Rtt>,
    /// Where it was headed, and where that is.
    pub target: &'a Location<'a>,
    /// What was claimed of the target and of every hop.
    pub claims: &'a [Claim],
    /// Where the vantage stands and how far every country is; without it no hop is abroad.
    pub standpoint: Option<(Position, &'a Reach)>,
    /// What counts as home.
    pub home: &'a Home,
}

/// Reads which way the path goes.
pub fn read(route: &Route<'_>) -> PathReading {
    let (way, because) = leaves(route).or_else(|| stays(route)).unwrap_or_else(|| {
        let silent = route.steps.iter().filter(|step| step.answer.is_none()).count();
        let asked = route.steps.len();
        (Way::Unknown, vec![format!("{silent} of {asked} hops were silent, and the others settle nothing")])
    });
    let last = route.steps.iter().rev().find(|step| step.answer.is_some());
    PathReading { way, because, hops: last.map_or(0, |step| step.ttl) }
}

fn leaves(route: &Route<'_>) -> Option<(Way, Vec<String>)> {
    if route.target.place == Place::Outside {
        let says = format!("the target is outside ({}): its traffic cannot stay in", route.target.grade);
        return Some((Way::Outside, vec![says]));
    }
    let foreign: Vec<_> = (0..route.steps.len()).filter_map(|index| foreign_hop(route, index)).collect();
    let different: BTreeSet<_> = foreign.iter().map(|hop| hop.address).collect();
    let because = || foreign.iter().map(|hop| hop.says.clone()).collect();
    (different.len() >= FOREIGN_HOPS).then(|| (Way::Outside, because()))
}

struct ForeignHop {
    address: IpAddr,
    says: String,
}

/// The hop at `index`, if it is abroad.
fn foreign_hop(route: &Route<'_>, index: usize) -> Option<ForeignHop> {
    let step = route.steps.get(index)?;
    let (address, rtt) = step.answer.filter(|(a, _)| AddressScope::of(*a).is_global() && *a != route.target.address)?;
    let claimed = claimed_countries(route, address);
    if !route.home.holds_none(&claimed) {
        return None;
    }
    route.standpoint?;
    let bound = route.steps.iter().skip(index).filter_map(|step| step.witnessed).min();
    let can_be = |country: &CountryCode| bound.is_none_or(|bound| can_reach(route, *country, bound));
    let possible: CountrySet = claimed.iter().filter(can_be).collect();
    (!possible.is_empty()).then(|| ForeignHop {
        address,
        says: format!("hop {} is {address}, which every source that knows it puts in {possible}; {rtt}", step.ttl),
    })
}

/// Every country that a source names for a hop: databases, and the network's own where a database knows the hop too.
fn claimed_countries(route: &Route<'_>, address: IpAddr) -> CountrySet {
    let about = || route.claims.iter().filter(|claim| claim.about == address);
    let databases: CountrySet = about().filter_map(|claim| database_country(&claim.says)).collect();
    if databases.is_empty() {
        return databases;
    }
    let networks = about().filter_map(|claim| network_country(&claim.says));
    databases.iter().chain(networks).collect()
}

fn database_country(says: &Says) -> Option<CountryCode> {
    if let Says::Country(country) = says { Some(*country) } else { None }
}

fn network_country(says: &Says) -> Option<CountryCode> {
    if let Says::Announced { country, .. } = says { *country } else { None }
}

/// Whether light in glass leaves time to reach `country` and come back within `bound`. Nobody can say where the vantage
/// stands unknown: registered countries alone are no places.
fn can_reach(route: &Route<'_>, country: CountryCode, bound: Rtt) -> bool {
    route.standpoint.is_some_and(|(position, reach)| {
        let radius = light::radius(bound, Speed::Glass, position.uncertainty);
        reach.distance_to(country).is_none_or(|distance| distance <= radius)
    })
}

/// A path stays in when the answer came too soon to have been abroad, or when every hop was seen and is at home.
fn stays(route: &Route<'_>) -> Option<(Way, Vec<String>)> {
    let target = route.target.address;
    route.steps.iter().filter_map(|step| step.answer).find(|(address, _)| *address == target)?;
    if let Some(((position, reach), rtt)) = route.standpoint.zip(route.target_rtt) {
        let radius = light::radius(rtt, Speed::Glass, position.uncertainty);
        if route.home.holds_all(&reach.within(radius)) {
            return Some((Way::Inside, vec![format!("the target answered in {rtt}: too soon to have been abroad")]));
        }
    }
    let all_home = is_unbroken(&route.steps) && is_home_throughout(route);
    let visible = route.steps.iter().filter(|step| is_public(step)).count();
    (route.target.place == Place::Inside && all_home && visible >= FOREIGN_HOPS).then(|| {
        (Way::Inside, vec![format!("all {} hops answered, and every source puts them at home", route.steps.len())])
    })
}

fn is_public(step: &Step) -> bool {
    step.answer.is_some_and(|(address, _)| AddressScope::of(address).is_global())
}

/// Whether every distance from the first was asked, so that nothing lies between two steps.
fn is_unbroken(steps: &[Step]) -> bool {
    (1..).zip(steps).all(|(ttl, step)| step.ttl == ttl)
}

/// Whether every hop answered, private ones only before the first public one, and every public one is at home. A private
/// address farther on may be anywhere.
fn is_home_throughout(route: &Route<'_>) -> bool {
    let answers: Option<Vec<_>> = route.steps.iter().map(|step| step.answer).collect();
    let Some(answers) = answers else { return false };
    let public = answers.iter().skip_while(|(address, _)| !AddressScope::of(*address).is_global());
    public.into_iter().all(|(address, _)| route.home.holds_all(&claimed_countries(route, *address)))
}
