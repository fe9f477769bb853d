//! The fresh observations of one endpoint, and where its addresses are in the light of all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::location::disc::{Borders, Disc};
use crate::location::fuse::{Case, fuse};
use crate::location::outlines::Reach;
use crate::location::path::{self, PathReading, Route, Step};
use crate::location::{Location, OutlinesId};
use crate::observation::{Best, Observation};
use crate::place::Home;
use crate::trace::{AnswerKind, Trace};
use crate::vantage::{Position, VantageId};

/// What a verdict is reached on: one vantage's observation, and the locations fused from every vantage's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dossier {
    /// The round that is judged.
    pub subject: Observation,
    /// The moment for which it is judged: the round's own end, or later when nothing newer came.
    pub as_of: Timestamp,
    /// How old the round may be at that moment before it is stale, in seconds.
    pub freshness_seconds: u64,
    /// Where each address is, seen from the subject's vantage.
    pub locations: BTreeMap<IpAddr, Location>,
    /// Which way packets to each address go, seen from the subject's vantage.
    pub paths: BTreeMap<IpAddr, PathReading>,
    /// The borders used, and the digest of the file they were read from.
    pub outlines: OutlinesId,
}

impl Dossier {
    /// Locates every address of `subject` in the light of what other vantages saw of the same addresses. `borders` must
    /// have met every vantage; one that it has not met can prove nothing.
    pub fn assemble(
        subject: Observation,
        others: &[&Observation],
        borders: &Borders,
        home: &Home,
        as_of: Timestamp,
        freshness_seconds: u64,
    ) -> Self {
        let addresses = subject.addresses();
        let locate = |address: &IpAddr| (*address, locate(*address, &subject, others, borders, home));
        let locations: BTreeMap<_, _> = addresses.iter().map(locate).collect();
        let read = |location: &Location| (location.address, read_path(location, &subject, borders, home));
        let paths = locations.values().map(read).collect();
        let outlines = borders.outlines().id().clone();
        Self { subject, as_of, freshness_seconds, locations, paths, outlines }
    }

    /// The addresses the endpoint led to.
    pub fn addresses(&self) -> BTreeSet<IpAddr> {
        self.subject.addresses()
    }

    /// How old the round is at the moment of judging, in seconds.
    pub fn age_seconds(&self) -> u64 {
        let age = self.as_of.duration_since(self.subject.observed);
        u64::try_from(age.as_secs()).unwrap_or(0)
    }
}

/// How far apart in time two vantages may have seen an address and still speak of the same thing.
pub const COMPANION_DAYS: i64 = 7;

/// Many observations, by the addresses they measured and by who measured, in order of time: who else saw what a subject
/// saw.
#[derive(Debug, Default)]
pub struct Companions<'a>(BTreeMap<IpAddr, BTreeMap<&'a VantageId, Vec<&'a Observation>>>);

impl<'a> Companions<'a> {
    /// Indexes the observations.
    pub fn new(observations: impl IntoIterator<Item = &'a Observation>) -> Self {
        let mut index: BTreeMap<_, BTreeMap<_, Vec<&Observation>>> = BTreeMap::new();
        for observation in observations {
            for address in observation.addresses() {
                index.entry(address).or_default().entry(observation.vantage_id()).or_default().push(observation);
            }
        }
        for sightings in index.values_mut().flat_map(BTreeMap::values_mut) {
            sightings.sort_by_key(|observation| observation.observed);
        }
        Self(index)
    }

    /// For each other vantage that saw an address of `subject` within [`COMPANION_DAYS`], its nearest observation in time.
    pub fn of(&self, subject: &Observation) -> Vec<&'a Observation> {
        let apart = |other: &Observation| other.observed.duration_since(subject.observed).abs();
        let limit = SignedDuration::from_hours(24 * COMPANION_DAYS);
        let mut nearest: BTreeMap<(IpAddr, &VantageId), &'a Observation> = BTreeMap::new();
        for address in subject.addresses() {
            for (vantage, sightings) in self.0.get(&address).into_iter().flatten() {
                let later = sightings.partition_point(|other| other.observed < subject.observed);
                let both = [later.checked_sub(1), Some(later)].into_iter().flatten();
                let other = both.filter_map(|index| sightings.get(index)).min_by_key(|other| apart(other));
                if let Some(other) = other.filter(|other| *vantage != subject.vantage_id() && apart(other) <= limit) {
                    nearest.insert((address, vantage), other);
                }
            }
        }
        nearest.into_values().collect()
    }
}

fn locate(address: IpAddr, subject: &Observation, others: &[&Observation], borders: &Borders, home: &Home) -> Location {
    let own = Sighting::of(address, subject, borders);
    let foreign = others.iter().filter(|other| other.vantage_id() != subject.vantage_id());
    let sightings: Vec<_> = foreign.map(|other| Sighting::of(address, other, borders)).collect();
    let all = std::iter::once(&own).chain(&sightings);
    let case = Case {
        address,
        home,
        unplaced: all.filter_map(Sighting::unplaced).collect(),
        own: own.disc(),
        others: sightings.iter().filter_map(Sighting::disc).collect(),
        claims: subject.claims_about(address).collect(),
    };
    fuse(&case)
}

/// What one vantage measured of one address, with where it stands.
struct Sighting<'a> {
    vantage: &'a VantageId,
    best: Option<Best>,
    standpoint: Option<(Position, &'a Reach)>,
}

impl<'a> Sighting<'a> {
    fn of(address: IpAddr, observation: &'a Observation, borders: &'a Borders) -> Self {
        Self {
            vantage: observation.vantage_id(),
            best: observation.best_rtt(address),
            standpoint: borders.reach(&observation.vantage),
        }
    }

    fn disc(&self) -> Option<Disc<'a>> {
        let (Best { rtt, samples, protocol }, (position, reach)) = (self.best?, self.standpoint?);
        Some(Disc { vantage: self.vantage, rtt, samples, protocol, position, reach })
    }

    fn unplaced(&self) -> Option<String> {
        let best = self.best.filter(|_| self.standpoint.is_none())?;
        Some(format!("answered {} in {}", self.vantage, best.rtt))
    }
}

fn read_path(target: &Location, subject: &Observation, borders: &Borders, home: &Home) -> PathReading {
    let traces = subject.traces.iter().filter(|trace| trace.target == target.address);
    let best = traces.max_by_key(|trace| trace.responders().len());
    let route = Route {
        steps: best.map(steps).unwrap_or_default(),
        target,
        claims: &subject.claims,
        standpoint: borders.reach(&subject.vantage),
        home,
    };
    path::read(&route)
}

fn steps(trace: &Trace) -> Vec<Step> {
    let mut steps = Vec::new();
    for hop in &trace.hops {
        let timed = hop.answers.iter().filter(|answer| answer.kind != AnswerKind::Reset);
        let best = timed.min_by_key(|answer| answer.rtt_ns);
        steps.push(Step { ttl: hop.ttl, answer: best.map(|answer| (answer.from, answer.rtt_ns)) });
        if hop.answers.iter().any(|answer| answer.from == trace.target) {
            break;
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::tests::observation;

    const ENDPOINT: &str = "tcp://203.101.184.84:443";

    fn seen(vantage: &str, observed: &str) -> Observation {
        let mut observation = observation(vantage, ENDPOINT);
        observation.observed = observed.parse().unwrap();
        observation
    }

    #[test]
    fn the_companions_are_the_nearest_of_every_other_vantage_within_a_week() {
        let subject = seen("isb", "2026-11-21T12:00:00Z");
        let others = [
            seen("isb", "2026-11-21T12:01:00Z"),
            seen("fra", "2026-11-20T12:00:00Z"),
            seen("fra", "2026-11-21T15:00:00Z"),
            seen("fra", "2026-11-21T10:00:00Z"),
            seen("sin", "2026-11-27T12:00:00Z"),
            seen("dxb", "2026-11-28T12:00:01Z"),
        ];
        let companions = Companions::new(others.iter().chain([&subject]));
        assert_eq!(companions.of(&subject), [&others[3], &others[4]]);
    }
}
