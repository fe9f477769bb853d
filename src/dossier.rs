//! The fresh observations of one endpoint, and where its addresses are in the light of all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::calibration::{Calibration, Contradiction};
use crate::location::derivation::{self, Would};
use crate::location::disc::{Borders, Disc};
use crate::location::evidence::disc::Unplaced;
use crate::location::evidence::gap::Gauge;
use crate::location::evidence::path::Statement as Bearing;
use crate::location::fuse::{Case, fuse};
use crate::location::outlines::Reach;
use crate::location::path::approach;
use crate::location::path::steadiness::unsteadiness;
use crate::location::path::{self, PathReading, Route, Step, Trail, Way};
use crate::location::{Location, yardstick};
use crate::moment::Rtt;
use crate::observation::{Best, Observation};
use crate::place::Home;
use crate::trace::{AnswerKind, Trace};
use crate::vantage::{Position, Vantage, VantageId};

/// What a verdict is reached with, beside what was observed.
#[derive(Clone, Copy, Debug)]
pub struct Instruments<'a> {
    /// The borders. They must have met every vantage; one that they have not met can prove nothing.
    pub borders: &'a Borders,
    /// What counts as home.
    pub home: &'a Home,
    /// What the times of vantages are measured by, and which of them contradict physics; without it no time is compared
    /// with that of any other address.
    pub calibration: Option<&'a Calibration>,
}

impl<'a> Instruments<'a> {
    /// Where a vantage stands, and how far every country is from there; `None` without coordinates, and where by `moment`
    /// something contradicts them.
    fn standpoint(&self, vantage: &Vantage, moment: Timestamp) -> Option<Standpoint<'a>> {
        let reach = self.borders.reach(vantage)?;
        self.quarantine(vantage, moment).is_none().then_some(reach)
    }

    fn quarantine(&self, vantage: &Vantage, moment: Timestamp) -> Option<&'a Contradiction> {
        self.calibration?.quarantine(vantage, moment)
    }
}

/// Where a vantage stands, and how far every country is from there.
type Standpoint<'a> = (Position, &'a Reach);

/// What a verdict is reached on: one vantage's observation, and the locations fused from every vantage's.
#[derive(Clone, Debug)]
pub struct Dossier<'a> {
    /// The round that is judged.
    pub subject: &'a Observation,
    /// The moment for which it is judged: the round's own end, or later when nothing newer came.
    pub as_of: Timestamp,
    /// How old the round may be at that moment before it is stale, in seconds.
    pub freshness_seconds: u64,
    /// Where each address is, seen from the subject's vantage.
    pub locations: BTreeMap<IpAddr, Location<'a>>,
    /// What each of those locations was fused from.
    pub cases: BTreeMap<IpAddr, Case<'a>>,
    /// Which way packets to each address go, seen from the subject's vantage.
    pub paths: BTreeMap<IpAddr, PathReading>,
    /// The trace that each of those ways was read from; none where none was measured.
    pub read_from: BTreeMap<IpAddr, &'a Trace>,
}

impl<'a> Dossier<'a> {
    /// Locates every address of `subject` in the light of what other vantages saw of the same addresses.
    pub fn assemble(
        subject: &'a Observation,
        others: &[&'a Observation],
        instruments: Instruments<'a>,
        as_of: Timestamp,
        freshness_seconds: u64,
    ) -> Self {
        let (mut cases, mut locations, mut paths) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut read_from = BTreeMap::new();
        for address in subject.addresses() {
            let own = Sighting::of(address, subject, instruments, subject.observed);
            let case = case(&own, others, instruments);
            let location = fuse(&case);
            let (path, trace) = own.read_path(&location, instruments);
            paths.insert(address, path);
            read_from.extend(trace.map(|trace| (address, trace)));
            locations.insert(address, location);
            cases.insert(address, case);
        }
        Self { subject, as_of, freshness_seconds, locations, cases, paths, read_from }
    }

    /// What would have changed where `address` is found to be.
    pub fn would(&self, address: IpAddr) -> Vec<Would<'a>> {
        let known = self.cases.get(&address).zip(self.locations.get(&address));
        known.map_or_else(Vec::new, |(case, location)| derivation::would(case, location))
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
        let mut found: Vec<&'a Observation> = Vec::new();
        for observation in nearest.into_values() {
            if !found.iter().any(|other| std::ptr::eq(*other, observation)) {
                found.push(observation);
            }
        }
        found
    }
}

/// Everything that is known of one address, which the judged vantage saw as `own`.
fn case<'a>(own: &Sighting<'a>, others: &[&'a Observation], instruments: Instruments<'a>) -> Case<'a> {
    let Sighting { address, observation: subject, .. } = *own;
    let moment = subject.observed;
    let mut sightings: BTreeMap<&VantageId, Sighting<'_>> = BTreeMap::new();
    for other in others.iter().filter(|other| other.vantage_id() != subject.vantage_id()) {
        let sighting = Sighting::of(address, other, instruments, moment);
        let best = sightings.entry(other.vantage_id()).or_insert(sighting);
        if sighting.is_better_than(best) {
            *best = sighting;
        }
    }
    let all = || std::iter::once(own).chain(sightings.values());
    Case {
        address,
        home: instruments.home,
        borders: instruments.borders.outlines().id(),
        today: subject.observed.to_zoned(TimeZone::UTC).date(),
        own: own.disc(),
        others: sightings.values().filter_map(Sighting::disc).collect(),
        unplaced: all().filter_map(|sighting| sighting.unplaced(instruments, moment)).collect(),
        gauges: all().filter_map(|sighting| sighting.gauge(instruments, moment)).collect(),
        approaches: all().filter_map(|sighting| sighting.approach(instruments)).collect(),
        claims: subject.claims_about(address).collect(),
    }
}

/// What one vantage observed of one address, with where it stands.
#[derive(Clone, Copy)]
struct Sighting<'a> {
    address: IpAddr,
    observation: &'a Observation,
    best: Option<Best>,
    standpoint: Option<Standpoint<'a>>,
}

impl<'a> Sighting<'a> {
    fn of(address: IpAddr, observation: &'a Observation, instruments: Instruments<'a>, moment: Timestamp) -> Self {
        let standpoint = instruments.standpoint(&observation.vantage, moment);
        Self { address, observation, best: observation.best_rtt(address), standpoint }
    }

    /// Whether it bounds the distance more closely: a time before none, a shorter one before a longer.
    fn is_better_than(&self, other: &Self) -> bool {
        match (self.best, other.best) {
            (Some(this), Some(that)) => this.rtt < that.rtt,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    fn disc(&self) -> Option<Disc<'a>> {
        let (Best { rtt, samples, protocol }, (position, reach)) = (self.best?, self.standpoint?);
        Some(Disc { vantage: self.observation.vantage_id(), rtt, samples, protocol, position, reach })
    }

    fn unplaced(&self, instruments: Instruments<'a>, moment: Timestamp) -> Option<Unplaced<'a>> {
        let best = self.best.filter(|_| self.standpoint.is_none())?;
        let quarantined = instruments.quarantine(&self.observation.vantage, moment).map(ToString::to_string);
        Some(Unplaced { vantage: self.observation.vantage_id(), rtt: best.rtt, quarantined })
    }

    /// How its paths come to the address: what the hops just before it say of where it is.
    fn approach(&self, instruments: Instruments<'a>) -> Option<Bearing<'a>> {
        let routes = self.traces().map(|trace| self.route(Some(trace), instruments));
        let approach = approach::together(routes.filter_map(|route| approach::approach(&Trail::of(&route))))?;
        Some(Bearing { vantage: self.observation.vantage_id(), approach })
    }

    /// The traces to the address.
    fn traces(&self) -> impl Iterator<Item = &'a Trace> {
        self.observation.traces.iter().filter(|trace| trace.target == self.address)
    }

    /// The way of the trace that leaves home, if one does; otherwise of the one that saw the most. With it that trace.
    fn read_path(&self, target: &Location<'_>, instruments: Instruments<'_>) -> (PathReading, Option<&'a Trace>) {
        let mut traces: Vec<_> = self.traces().map(Some).collect();
        traces.sort_by_cached_key(|trace| std::cmp::Reverse(trace.map_or(0, |trace| trace.responders().len())));
        if traces.is_empty() {
            traces.push(None);
        }
        let read = |trace| (path::read(&Trail::of(&self.route(trace, instruments)), target.into()), trace);
        let mut readings: Vec<_> = traces.into_iter().map(read).collect();
        let leaves = readings.iter().position(|(reading, _)| reading.way == Way::Outside);
        readings.swap_remove(leaves.unwrap_or(0))
    }

    fn route<'r>(&self, trace: Option<&Trace>, instruments: Instruments<'r>) -> Route<'r>
    where
        'a: 'r,
    {
        let outlines = instruments.borders.outlines();
        // Where somebody nearer answers in the target's name, the slower of its times is its own.
        let slower = |(rtt, _): (Rtt, usize)| Some(rtt.max(self.best?.rtt));
        Route {
            target: self.address,
            steps: trace.map(steps).unwrap_or_default(),
            target_rtt: trace.and_then(Trace::target_rtt).and_then(slower),
            unsteady_by: trace.map(|trace| unsteadiness(times_of_the_first_hop(trace))).unwrap_or_default(),
            claims: &self.observation.claims,
            standpoint: self.standpoint.map(|(position, reach)| path::Standpoint { position, reach, outlines }),
            home: instruments.home,
        }
    }

    /// Its time, and what that is measured by; `None` for a vantage abroad.
    fn gauge(&self, instruments: Instruments<'a>, moment: Timestamp) -> Option<Gauge<'a>> {
        let yardstick = match self.standpoint {
            Some(_) => instruments.calibration?.yardstick(&self.observation.vantage, moment)?,
            None => &yardstick::UNKNOWN,
        };
        Some(Gauge { vantage: self.observation.vantage_id(), rtt: self.best?.rtt, yardstick })
    }
}

fn times_of_the_first_hop(trace: &Trace) -> Vec<Rtt> {
    let first = trace.hops.iter().find(|hop| !hop.answers.is_empty());
    first.into_iter().flat_map(|hop| &hop.answers).map(|answer| answer.rtt_ns).collect()
}

fn steps(trace: &Trace) -> Vec<Step> {
    let mut steps = Vec::new();
    for hop in &trace.hops {
        let timed = hop.answers.iter().filter(|answer| answer.kind != AnswerKind::Reset);
        let best = timed.min_by_key(|answer| answer.rtt_ns);
        let witnessed = hop.answers.iter().filter(|answer| trace.is_witness(answer)).map(|answer| answer.rtt_ns).min();
        steps.push(Step { ttl: hop.ttl, answer: best.map(|answer| (answer.from, answer.rtt_ns)), witnessed });
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
    use crate::resolution::{AddressFamily, Addressed, Answer, Outcome, Resolution, View};

    const ENDPOINT: &str = "tcp://203.101.184.84:443";

    fn seen(vantage: &str, observed: &str) -> Observation {
        let mut observation = observation(vantage, ENDPOINT);
        observation.observed = observed.parse().unwrap();
        observation
    }

    #[test]
    fn an_observation_that_shares_two_addresses_is_one_companion() {
        let with_two = |vantage: &str| {
            let mut observation = seen(vantage, "2026-11-21T12:00:00Z");
            let answer = |address: &str| Addressed { address: address.parse().unwrap(), ttl: 60 };
            let addresses = vec![answer("203.101.184.85"), answer("203.101.184.86")];
            observation.resolutions = vec![Resolution {
                name: "two.gov.pk".parse().unwrap(),
                family: AddressFamily::A,
                view: View("system".to_owned()),
                server: None,
                asked: observation.observed,
                elapsed_ns: Rtt::default(),
                followed: Vec::new(),
                outcome: Outcome::Answered(Answer { chain: Vec::new(), addresses, authenticated: false, left_out: 0 }),
            }];
            observation
        };
        let (subject, other) = (with_two("isb"), with_two("fra"));
        let companions = Companions::new([&subject, &other]);
        assert_eq!(companions.of(&subject), [&other]);
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
