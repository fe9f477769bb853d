//! Which way packets go: whether a path leaves home, leaves and returns, stays in, or cannot be told.
//!
//! A hop is abroad when every source that knows it names foreign countries and light leaves it the time to be in one of
//! them ([`Trail`]). The time that bounds a hop is the smallest of its own and of every later hop's of the flow: whatever
//! is farther along the path answered after its probe had passed the hop. An answer that somebody nearer may have given
//! in another's name bounds nothing. Differences between hops are never used, since each answer may have come back
//! another way.
//!
//! One foreign hop is not enough: blocks registered abroad are used at home, and a single squatted address once produced
//! 347 false detours in a published census. Two are, with different addresses, that can both be where their sources say
//! ([`triangle`]). Silence is never domestic, nor is a private address beyond the first public one.
//!
//! Whether a path leaves home is read from what sources say of hops, and light only refutes; so a trace whose times are
//! disturbed ([`steadiness`]) may refute less, and must show more.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::claims::Claims;
use super::light::{self, Speed};
use super::outlines::{Outlines, Reach};
use super::{Grade, Location, Place};
use crate::moment::Rtt;
use crate::place::{Distance, Home};
use crate::vantage::Position;

pub mod approach;
mod doubt;
mod fact;
mod hop;
mod outlook;
pub mod plateau;
mod stays;
pub mod steadiness;
pub mod triangle;
mod unknown;

pub use doubt::Doubt;
pub use fact::Fact;
pub use hop::{Hop, Shows, Trail};
pub use outlook::Outlook;

/// How many different foreign hops it takes to say that a path leaves home.
pub const FOREIGN_HOPS: usize = 2;

/// Slower than this, in milliseconds, no path is domestic, whatever the hops are registered as: with a threshold of
/// 80 ms none of 51 targets at home, seen from homes that the threshold was not chosen by, was taken for abroad
/// (`WonderProxy` mesh, July 2020).
pub const FAR_MS: f64 = 80.0;

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

/// Which way a path goes, and whether it comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Course {
    /// It leaves home, and nothing says that it comes back.
    Leaves,
    /// It leaves home, and ends at home by all that is known of the target.
    LeavesAndReturns,
    /// It stays at home.
    StaysIn,
    /// It cannot be told.
    Unknown,
}

impl Course {
    /// The words used in reports; in JSON they are joined by hyphens.
    pub fn words(self) -> &'static str {
        match self {
            Self::Leaves => "leaves",
            Self::LeavesAndReturns => "leaves and returns",
            Self::StaysIn => "stays in",
            Self::Unknown => "unknown",
        }
    }

    /// The way it goes.
    pub fn way(self) -> Way {
        match self {
            Self::Leaves | Self::LeavesAndReturns => Way::Outside,
            Self::StaysIn => Way::Inside,
            Self::Unknown => Way::Unknown,
        }
    }
}

/// Which way a path goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathReading {
    /// The way, and whether it comes back.
    pub course: Course,
    /// How many hops lie between the vantage and the last that answered, that one included.
    pub hops: u8,
}

impl PathReading {
    /// The way.
    pub fn way(self) -> Way {
        self.course.way()
    }
}

/// One hop as it was measured: who answered first, and how fast at best.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its TTL.
    pub ttl: u8,
    /// Who answered with the smallest time; `None` when nobody did.
    pub answer: Option<(IpAddr, Rtt)>,
    /// The smallest time of an answer that shows that packets got as far as this.
    pub witnessed: Option<Rtt>,
}

/// Where a vantage stands, and how far away every country is.
#[derive(Clone, Copy, Debug)]
pub struct Standpoint<'a> {
    /// Its position.
    pub position: Position,
    /// How far every country is from there.
    pub reach: &'a Reach,
    /// How far the countries are from each other.
    pub outlines: &'a Outlines,
}

impl Standpoint<'_> {
    /// How far away the responder of an answer that took `rtt` can be, by light in glass.
    fn radius(&self, rtt: Rtt) -> Distance {
        light::radius(rtt, Speed::Glass, self.position.uncertainty)
    }
}

/// What is known of a path.
#[derive(Clone, Debug)]
pub struct Route<'a> {
    /// Where it was headed.
    pub target: IpAddr,
    /// The hops, in order of TTL, cut after the target.
    pub steps: Vec<Step>,
    /// The smallest time of an answer from the target itself.
    pub target_rtt: Option<Rtt>,
    /// By how much the answers of the first hop that answered vary: [`steadiness::unsteadiness`].
    pub unsteady_by: Rtt,
    /// What was claimed of the target and of every hop.
    pub claims: &'a Claims,
    /// Where the vantage stands; without it no hop is abroad.
    pub standpoint: Option<Standpoint<'a>>,
    /// What counts as home.
    pub home: &'a Home,
}

/// Where a target is, and how well that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Where.
    pub place: Place,
    /// How well.
    pub grade: Grade,
}

impl From<&Location<'_>> for Known {
    fn from(location: &Location<'_>) -> Self {
        Self { place: location.place, grade: location.grade }
    }
}

/// Why we think that the path to a target of which so much is known goes the way it does: facts, each of which can be written
/// as a sentence. Never empty.
pub fn facts(trail: &Trail<'_>, target: Known) -> Vec<Fact> {
    match Outlook::of(trail).course(target.place) {
        course @ (Course::Leaves | Course::LeavesAndReturns) => leaving(trail, target, course),
        Course::StaysIn => vec![stays::fact(trail)],
        Course::Unknown => unknown::facts(trail, target),
    }
}

fn leaving(trail: &Trail<'_>, target: Known, course: Course) -> Vec<Fact> {
    let outside = (target.place == Place::Outside).then_some(Fact::TargetOutside(target.grade));
    let hops = trail.abroad().filter_map(Fact::abroad);
    let because = outside.into_iter().chain(hops).chain(trail.contradictions().iter().cloned());
    because.chain(crossing(trail)).chain(end(target, course)).chain(disturbance(trail)).collect()
}

/// What is known of where a path ends that leaves home.
fn end(target: Known, course: Course) -> Option<Fact> {
    match (target.place, course) {
        (Place::Inside, _) => Some(Fact::TargetInside(target.grade)),
        (Place::Unknown, Course::LeavesAndReturns) => Some(Fact::TargetSaidAtHome),
        (Place::Unknown, Course::Leaves | Course::StaysIn | Course::Unknown) => Some(Fact::ReturnUnknown),
        (Place::Edge | Place::Outside, _) => None,
    }
}

/// Where a path leaves home: the last hop at home before it is abroad. Hops of one plateau may answer from the far end of
/// a tunnel, so that nobody can say at which of them the distance lies.
fn crossing(trail: &Trail<'_>) -> Option<Fact> {
    let first = trail.abroad().next()?;
    let before = || trail.hops().iter().take_while(|hop| hop.ttl < first.ttl);
    let last_home = before().filter(|hop| hop.shows == Shows::Home).last()?;
    let plateau = plateau::plateaus(trail).into_iter().find(|plateau| plateau.holds(last_home.ttl, first.ttl));
    Some(match plateau {
        Some(plateau) => Fact::Plateau(plateau),
        None => Fact::LastAtHome { ttl: last_home.ttl, address: last_home.answer?.0 },
    })
}

/// What was taken off the times before a hop counted as abroad.
fn disturbance(trail: &Trail<'_>) -> Option<Fact> {
    let by = trail.unsteady_by();
    (by > Rtt::default()).then_some(Fact::Unsteady { by })
}

/// How many different addresses `hops` have: one that answers at several TTLs is one hop.
fn different<'a>(hops: impl Iterator<Item = &'a Hop> + Clone) -> usize {
    let addresses = hops.filter_map(|hop| hop.answer).map(|(address, _)| address);
    let is_new = |(place, address): &(usize, IpAddr)| addresses.clone().take(*place).all(|earlier| earlier != *address);
    addresses.clone().enumerate().filter(is_new).count()
}

#[cfg(test)]
mod tests;
