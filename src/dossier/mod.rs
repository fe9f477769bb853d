//! The fresh observations of one endpoint, and where its addresses are in the light of all of them.

use std::net::IpAddr;

use jiff::Timestamp;

use crate::calibration::{Calibration, Contradiction};
use crate::location::Location;
use crate::location::derivation::{self, Would};
use crate::location::disc::{Borders, Disc};
use crate::location::evidence::disc::Unplaced;
use crate::location::evidence::gap::Gauge;
use crate::location::evidence::path::Statement as Bearing;
use crate::location::fuse::{Case, fuse};
use crate::location::path::{Fact, Outlook, PathReading};
use crate::location::yardstick::{self, Yardstick};
use crate::observation::{Best, Observation};
use crate::place::Home;
use crate::trace::Trace;
use crate::vantage::Vantage;

use sighting::Sighting;

pub use companions::{COMPANION_DAYS, Companions};
pub use related::{Kin, MOST_RELATED};

mod companions;
mod related;
pub mod sighting;

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
    /// By what at `moment` the times of a vantage are measured, or what contradicts its coordinates.
    fn bearings(&self, vantage: &Vantage, moment: Timestamp) -> Result<Option<&'a Yardstick>, &'a Contradiction> {
        self.calibration.map_or(Ok(None), |calibration| calibration.bearings(vantage, moment))
    }
}

/// What a verdict is reached on: one vantage's observation, and the locations fused from every vantage's.
#[derive(Clone, Debug)]
pub struct Dossier<'a> {
    /// The round that is judged.
    pub subject: &'a Observation,
    /// The moment for which it is judged: the round's own end, or later when nothing newer came.
    pub as_of: Timestamp,
    /// How old the round may be at that moment before it is stale, in seconds.
    pub freshness_seconds: u64,
    /// The addresses that the endpoint led to, in order.
    pub found: Vec<Found<'a>>,
    /// The hosts that it depends on or sends people to.
    pub related: Vec<Kin<'a>>,
}

/// What was found out of one address, seen from the subject's vantage.
#[derive(Clone, Debug)]
pub struct Found<'a> {
    /// Where it is.
    pub location: Location<'a>,
    /// What that was fused from.
    pub case: Case<'a>,
    /// Which way packets to it go.
    pub path: PathReading,
    /// The trace that the way was read from; `None` where none was measured.
    pub trace: Option<&'a Trace>,
    /// What the subject's vantage saw of it.
    pub own: Sighting<'a>,
}

impl<'a> Dossier<'a> {
    /// Locates every address of `subject`, and of the hosts related to it, in the light of what other vantages among
    /// `companions` saw of the same addresses.
    pub fn assemble(
        subject: &'a Observation,
        companions: &Companions<'a>,
        instruments: Instruments<'a>,
        as_of: Timestamp,
        freshness_seconds: u64,
    ) -> Self {
        let found =
            subject.addresses().into_iter().map(|address| find(address, subject, companions, instruments)).collect();
        let related = related::related(subject, companions, instruments);
        Self { subject, as_of, freshness_seconds, found, related }
    }

    /// What was found out of `address`.
    pub fn found(&self, address: IpAddr) -> Option<&Found<'a>> {
        self.found.iter().find(|found| found.location.address == address)
    }

    /// Where each address is, seen from the subject's vantage.
    pub fn locations(&self) -> impl Iterator<Item = &Location<'a>> {
        self.found.iter().map(|found| &found.location)
    }

    /// How old the round is at the moment of judging, in seconds.
    pub fn age_seconds(&self) -> u64 {
        let age = self.as_of.duration_since(self.subject.observed);
        u64::try_from(age.as_secs()).unwrap_or(0)
    }
}

impl<'a> Found<'a> {
    /// What would have changed where it is found to be.
    pub fn would(&self) -> Vec<Would<'a>> {
        derivation::would(&self.case, &self.location)
    }

    /// The best time in which it answered in the judged round.
    pub fn best(&self) -> Option<Best> {
        self.own.bests.best()
    }

    /// Why we think that packets to it go the way they do. Never empty.
    pub fn facts(&self) -> Vec<Fact> {
        self.own.facts(self.trace, (&self.location).into(), self.case.home)
    }
}

fn find<'a>(
    address: IpAddr,
    subject: &'a Observation,
    companions: &Companions<'a>,
    instruments: Instruments<'a>,
) -> Found<'a> {
    let Instruments { borders, home, .. } = instruments;
    let (own, rounds) = companions.of_own(address, subject);
    let mut own = own.unwrap_or_else(|| Sighting::of(address, subject, borders, home));
    if instruments.bearings(&subject.vantage, subject.observed).is_err() {
        own = own.placed_nowhere(home);
    }
    let case = case((own, rounds), companions, instruments);
    let location = fuse(&case);
    let path = own.path(location.place);
    let (trace, outlook) = path.map_or((None, Outlook::default()), |path| (Some(path.trace), path.outlook));
    let path = PathReading { course: outlook.course(location.place), hops: outlook.hops };
    Found { location, case, path, trace, own }
}

/// Everything that is known of one address, which the judged vantage saw as `own`, and as `rounds` in all its rounds of the
/// time. Where those show by another method that two hosts answer, the later of them counts here as well.
fn case<'a>(
    (own, rounds): (Sighting<'a>, Option<Sighting<'a>>),
    companions: &Companions<'a>,
    instruments: Instruments<'a>,
) -> Case<'a> {
    let Sighting { address, observation: subject, .. } = own;
    let mut case = Case::new(address, instruments.home, instruments.borders.outlines().id(), subject.observed);
    case.claims = subject.claims.about(address).iter().collect();
    case.rounds = rounds.zip(own.stands).and_then(|(all, stands)| all.disc(stands, own.witness(subject.observed)));
    case.own = hear(&mut case, &own.beside(rounds), instruments);
    for other in companions.of(address, subject) {
        let disc = hear(&mut case, &other, instruments);
        case.others.extend(disc);
    }
    case
}

/// Takes up what one vantage saw, its disc excepted, which is returned.
fn hear<'a>(case: &mut Case<'a>, seen: &Sighting<'a>, instruments: Instruments<'a>) -> Option<Disc<'a>> {
    let vantage = seen.witness(case.moment);
    let bearings = instruments.bearings(&seen.observation.vantage, case.moment);
    let is_trusted = bearings.is_ok() && seen.stands.is_some() && vantage.is_of_the_day();
    case.approaches.extend(seen.approach.filter(|_| is_trusted).map(|approach| Bearing { vantage, approach }));
    let rtt = seen.bests.best()?.rtt;
    let (Some(stands), Ok(yardstick)) = (seen.stands, bearings) else {
        case.unplaced.push(Unplaced { vantage, rtt, quarantined: bearings.err().map(ToString::to_string) });
        case.gauges.push(Gauge { vantage, rtt, yardstick: &yardstick::UNKNOWN });
        return None;
    };
    // An answer of another day is near nothing, and keeps others from being far.
    let yardstick = if vantage.is_of_the_day() { yardstick } else { Some(&yardstick::UNKNOWN) };
    case.gauges.extend(yardstick.map(|yardstick| Gauge { vantage, rtt, yardstick }));
    seen.disc(stands, vantage)
}
