//! One vantage's share in what is known of one address.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use crate::location::Place;
use crate::location::disc::{Borders, Disc, Witness};
use crate::location::path::approach::{self, Approach};
use crate::location::path::steadiness::{self, unsteadiness};
use crate::location::path::{self, Fact, Known, Outlook, Route, Standpoint, Step, Trail};
use crate::moment::Rtt;
use crate::observation::{Best, Bests, Observation};
use crate::place::Home;
use crate::trace::{HopAnswer, Trace};
use crate::vantage::VantageId;

/// How far from the judged moment something may have been measured to prove or refute anything, in hours, so that any two
/// that do are within a day of each other: addresses move.
pub const PROVING_HOURS: i64 = 12;

/// What one vantage observed of one address: the same whatever is judged by it, so that it is found once.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'a> {
    /// The address.
    pub address: IpAddr,
    /// The observation.
    pub observation: &'a Observation,
    /// The best times.
    pub(super) bests: Bests,
    /// How many hops of its paths say that somebody nearer may have answered in the name of the address.
    pub(super) overtaken: usize,
    /// Where the vantage says that it stands, unless nobody believes it.
    pub(super) stands: Option<Standpoint<'a>>,
    /// How its paths come to the address.
    pub(super) approach: Option<Approach>,
    /// The path that saw the most.
    fullest: Option<Path<'a>>,
    /// The first that leaves home, wherever it ends.
    leaving: Option<Path<'a>>,
}

/// A trace, and what it shows of its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path<'a> {
    pub(super) trace: &'a Trace,
    pub(super) outlook: Outlook,
}

impl<'a> Sighting<'a> {
    /// What `observation` says of `address`. `borders` must have met its vantage.
    pub fn of(address: IpAddr, observation: &'a Observation, borders: &'a Borders, home: &'a Home) -> Self {
        let outlines = borders.outlines();
        let stands = borders.reach(&observation.vantage);
        let stands = stands.map(|(position, reach)| Standpoint { position, reach, outlines });
        Self::from(stands, address, observation, home)
    }

    /// What it says from a vantage that stands there, if anywhere.
    fn from(stands: Option<Standpoint<'a>>, address: IpAddr, observation: &'a Observation, home: &'a Home) -> Self {
        let bests = observation.bests(address);
        let mut sighting =
            Self { address, observation, bests, overtaken: 0, stands, approach: None, fullest: None, leaving: None };
        let mut traces: Vec<_> = observation.traces.iter().filter(|trace| trace.target == address).collect();
        traces.sort_by_cached_key(|trace| std::cmp::Reverse(trace.met().len()));
        let mut approaches = Vec::with_capacity(traces.len());
        for trace in traces {
            let trail = sighting.trail(trace, home);
            let path = Path { trace, outlook: Outlook::of(&trail) };
            sighting.overtaken = sighting.overtaken.max(steadiness::overtaken(&trail));
            sighting.fullest = sighting.fullest.or(Some(path));
            sighting.leaving = sighting.leaving.or(Some(path).filter(|path| path.outlook.leaves()));
            approaches.extend(approach::approach(&trail));
        }
        sighting.approach = approach::together(approaches);
        sighting
    }

    /// The same from a vantage that nobody believes to stand where it says.
    pub(super) fn placed_nowhere(&self, home: &'a Home) -> Self {
        Self::from(None, self.address, self.observation, home)
    }

    /// The path by which the way to the address is told, if that is at `place`: one that leaves home, if there is one.
    pub(super) fn path(&self, place: Place) -> Option<Path<'a>> {
        let leaving = self.leaving.filter(|_| place != Place::Outside);
        leaving.or(self.fullest)
    }

    /// Why the way to the address is what it is.
    pub(super) fn facts(&self, trace: Option<&'a Trace>, target: Known, home: &'a Home) -> Vec<Fact> {
        let trail = trace.map_or_else(|| self.no_trail(home), |trace| self.trail(trace, home));
        path::facts(&trail, target)
    }

    fn trail(&self, trace: &'a Trace, home: &'a Home) -> Trail<'a> {
        Trail::of(self.route(trace, home))
    }

    /// A path on which nobody answered because nobody asked.
    fn no_trail(&self, home: &'a Home) -> Trail<'a> {
        let (steps, target_rtt, unsteady_by) = (Vec::new(), None, Rtt::default());
        let claims = &self.observation.claims;
        Trail::of(Route { target: self.address, steps, target_rtt, unsteady_by, claims, standpoint: None, home })
    }

    fn route(&self, trace: &'a Trace, home: &'a Home) -> Route<'a> {
        // Where somebody nearer answers in the target's name, the slower of its times is its own.
        let slower = |(rtt, _): (Rtt, usize)| Some(rtt.max(self.bests.best()?.rtt));
        Route {
            target: self.address,
            steps: steps(trace),
            target_rtt: trace.target_rtt().and_then(slower),
            unsteady_by: unsteadiness(times_of_the_first_hop(trace)),
            claims: &self.observation.claims,
            standpoint: self.stands,
            home,
        }
    }

    /// Who measured it, as a round of `moment` names them.
    pub(super) fn witness(&self, moment: Timestamp) -> Witness<'a> {
        let other_day = Some(self.observation.observed).filter(|_| !self.is_about(moment));
        Witness { id: self.vantage_id(), other_day }
    }

    /// The disc that its time draws round where it stands.
    pub(super) fn disc(&self, stands: Standpoint<'a>, vantage: Witness<'a>) -> Option<Disc<'a>> {
        let (Best { rtt, samples, protocol }, Standpoint { position, reach, .. }) = (self.bests.best()?, stands);
        Some(Disc { vantage, rtt, samples, protocol, overtaken: self.overtaken, position, reach })
    }

    /// With what the same vantage measured by another method in other rounds, where that shows that two hosts answer.
    pub(super) fn beside(self, rounds: Option<Self>) -> Self {
        let both = self.bests.filled(rounds.map(|rounds| rounds.bests).unwrap_or_default());
        let overtaken = rounds.map_or(0, |rounds| rounds.overtaken).max(self.overtaken);
        Self { bests: if both.apart().is_some() { both } else { self.bests }, overtaken, ..self }
    }

    /// Whether it was made about `moment`.
    pub(super) fn is_about(&self, moment: Timestamp) -> bool {
        self.apart_from(moment) <= SignedDuration::from_hours(PROVING_HOURS)
    }

    /// How far from `moment` it was made.
    pub(super) fn apart_from(&self, moment: Timestamp) -> SignedDuration {
        self.observation.observed.duration_since(moment).abs()
    }

    /// Whether the address answered, soon or late.
    pub(super) fn has_answer(&self) -> bool {
        self.bests.best().is_some()
    }

    /// What it says of the distance together with another of the same vantage.
    pub(super) fn joined(self, other: Self) -> Self {
        let bests = self.bests.joined(other.bests);
        Self { bests, overtaken: self.overtaken.max(other.overtaken), ..self }
    }

    /// Who looked.
    pub fn vantage_id(&self) -> &'a VantageId {
        self.observation.vantage_id()
    }
}

fn times_of_the_first_hop(trace: &Trace) -> Vec<Rtt> {
    let first = trace.hops.iter().find(|hop| !hop.answers.is_empty() && hop.inherited.is_none());
    first.into_iter().flat_map(|hop| &hop.answers).map(|answer| answer.rtt_ns).collect()
}

fn steps(trace: &Trace) -> Vec<Step> {
    let mut steps = Vec::with_capacity(trace.hops.len());
    for hop in &trace.hops {
        // Who was met on the way to a neighbour was not met on this one: nobody knows more of that hop than of a silent one.
        let answers = if hop.inherited.is_none() { &hop.answers[..] } else { &[] };
        // Nor is it known who, on the way, answers in the target's name.
        let is_somebody = |answer: &&HopAnswer| answer.from != trace.target || trace.is_arrival(answer);
        let timed = answers.iter().filter(is_somebody).filter(|answer| !answer.kind.is_of_tcp());
        let best = timed.min_by_key(|answer| answer.rtt_ns);
        let is_witness = |answer: &&HopAnswer| trace.is_witness(answer);
        let witnessed = answers.iter().filter(is_witness).map(|answer| answer.rtt_ns).min();
        steps.push(Step { ttl: hop.ttl, answer: best.map(|answer| (answer.from, answer.rtt_ns)), witnessed });
        if answers.iter().any(|answer| trace.is_arrival(answer)) {
            break;
        }
    }
    steps
}
