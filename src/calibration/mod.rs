//! Observations of a week → by what the times of each vantage are to be measured, and which vantage does not stand where
//! it is said to.
//!
//! A time alone says little: 25 ms may be the next city or the next country. A [`Yardstick`] says what a vantage's times
//! mean, from the way abroad ([`hubs`]) and from what the vantage measured of addresses whose side of the border is
//! known. A [`Contradiction`] names a vantage that no yardstick helps: light contradicts it, or it
//! is described at two places. A [`Doubt`] names one that every source contradicts, a [`Dispute`] two that contradict each
//! other about addresses that may be anycast: for somebody to look into.
//!
//! *Known* is an address that is declared to be a landmark; that a cloud's list or the operator's register attests; or
//! that every database and the countries of its network put on one side, in an ordinary network or, abroad, in a cloud's,
//! and that nothing calls anycast or an edge. One that is said to be abroad and answers a vantage at home sooner than
//! [`NEAR`](crate::location::yardstick::NEAR) of the hub floor is not abroad: it is dropped, and named.
//!
//! Everything here is a function of the set of observations: their order never matters. What is kept is one time for each
//! vantage, address and day (of a week, or of all days that are surveyed at once), about 32 bytes, and about 200 bytes for
//! each address and day.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::location::disc::Borders;
use crate::location::yardstick::{Yardstick, near};
use crate::moment::Rtt;
use crate::network::{AddressScope, Asn};
use crate::observation::Observation;
use crate::place::{CountryCode, Distance, Home};
use crate::printable::Escaped;
use crate::vantage::{Vantage, VantageId};

use contradiction::{Contradictions, Misplaced};
use facts::{Facts, Side};
use hubs::{LEAST_INFLATION, WayAbroad};
use table::{Entry, Standpoint, Table};
use tally::Tally;

pub use contradiction::Contradiction;
pub use dispute::Dispute;
pub use doubt::Doubt;
pub use hubs::Hubs;
pub use survey::{Light, Survey};

pub mod contradiction;
pub mod dispute;
pub mod doubt;
mod facts;
pub mod hubs;
mod remark;
mod survey;
mod table;
mod tally;
mod twice;
#[cfg(test)]
mod tests;

/// How many days of observations count, before the judged one and, for [`Window::Around`], after it.
pub const CALIBRATION_DAYS: i64 = 7;

const HOUR_SECONDS: i64 = 3600;

const HOURS_A_DAY: i64 = 24;

/// Which observations count for a judged one. Days are those of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// Those of its day and of [`CALIBRATION_DAYS`] before and after it: for measurements that others made.
    Around,
    /// Those of the [`CALIBRATION_DAYS`] before its day, and of its day up to the full hour: what the daemon knew when it
    /// judged, so that its journal gives the same answer again.
    Before,
}

/// By what the times of vantages are measured, at any moment that was surveyed.
#[derive(Clone, Debug)]
pub struct Calibration {
    home: Home,
    hubs: Arc<Hubs>,
    window: Window,
    met: Vec<Met>,
    /// Where to find a vantage among those met: one that is described anew is met anew.
    names: BTreeMap<VantageId, Vec<Standpoint>>,
    /// What was observed and is not in use yet, by slot: an hour, or a day for [`Window::Around`].
    waiting: BTreeMap<i64, Table>,
    days: BTreeMap<i64, Table>,
    /// The days of the window that ends with `today`, joined.
    recent: Table,
    today: i64,
    /// What follows from a window, by the slot of the moment that is judged.
    findings: BTreeMap<i64, Arc<Findings>>,
}

/// A vantage as it was described.
#[derive(Clone, Debug)]
struct Met {
    vantage: Vantage,
    /// The way abroad from there, if it stands at home.
    way: Option<WayAbroad>,
    /// Below which time an address that is said to be abroad is not.
    near: Option<Rtt>,
    /// Its yardstick before anything was measured; `None` unless it stands at home.
    bare: Option<Yardstick>,
    /// How far away the land of each country is at the least, by country; nothing without coordinates. About 4 KB.
    lands: Vec<(CountryCode, Distance)>,
}

impl Met {
    /// How far away the land of `country` is at the least; `None` without coordinates, or where the map has no land of it.
    fn distance_to(&self, country: CountryCode) -> Option<Distance> {
        let place = self.lands.binary_search_by_key(&country, |(land, _)| *land).ok()?;
        self.lands.get(place).map(|(_, away)| *away)
    }
}

/// What follows from the observations of a window.
#[derive(Debug, Default)]
struct Findings {
    yardsticks: BTreeMap<Standpoint, Yardstick>,
    contradictions: Contradictions,
    /// Those of vantages that nothing contradicts.
    doubts: BTreeMap<Standpoint, Doubt>,
    dropped: BTreeMap<IpAddr, Dropped>,
}

/// An address that is said to be abroad and answered too soon for that. Its display is one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The address.
    pub address: IpAddr,
    /// The time in which it answered.
    pub rtt: Rtt,
    /// Whom it answered.
    pub vantage: VantageId,
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, rtt, vantage } = self;
        let vantage = Escaped(&vantage.0);
        write!(f, "{address} is said to be abroad and answered {vantage} in {rtt}: it does not count as known abroad")
    }
}

impl Calibration {
    /// Nothing surveyed yet.
    pub fn new(home: &Home, hubs: Arc<Hubs>, window: Window) -> Self {
        Self {
            home: home.clone(),
            hubs,
            window,
            met: Vec::new(),
            names: BTreeMap::new(),
            waiting: BTreeMap::new(),
            days: BTreeMap::new(),
            recent: Table::default(),
            today: i64::MIN,
            findings: BTreeMap::new(),
        }
    }

    /// What all these observations say together. `borders` must have met their vantages.
    pub fn survey<'a>(
        home: &Home,
        hubs: Arc<Hubs>,
        window: Window,
        observations: impl IntoIterator<Item = &'a Observation>,
        borders: &Borders,
    ) -> Self {
        let mut calibration = Self::new(home, hubs, window);
        for observation in observations {
            calibration.handle_observation(observation, borders);
        }
        calibration.finish();
        calibration
    }

    /// Takes note of a vantage, whose hub floor is known from then on. `borders` must have met it.
    pub fn handle_vantage(&mut self, vantage: &Vantage, borders: &Borders) {
        self.meet(vantage, borders);
    }

    /// Takes up an observation. It counts once [`Calibration::settle`] or [`Calibration::finish`] was called. `borders` must
    /// have met its vantage.
    pub fn handle_observation(&mut self, observation: &Observation, borders: &Borders) {
        let standpoint = self.meet(&observation.vantage, borders);
        let today = observation.observed.to_zoned(TimeZone::UTC).date();
        let table = self.waiting.entry(slot(self.window, observation.observed)).or_default();
        for address in observation.addresses() {
            let best = observation.best_rtt(address).filter(|_| AddressScope::of(address).is_global());
            if let Some(best) = best {
                let facts = Facts::of(observation.claims.about(address), &self.home, today);
                table.add(address, standpoint, best.rtt, &facts);
            }
        }
    }

    /// Brings what is known up to `now`, and forgets what no later moment needs: for the daemon, before it judges.
    pub fn settle(&mut self, now: Timestamp) {
        match self.window {
            Window::Around => self.survey_days(),
            Window::Before => {
                let hour = slot(self.window, now);
                self.settle_hour(hour);
                self.findings.retain(|at, _| *at >= hour - CALIBRATION_DAYS * HOURS_A_DAY);
            }
        }
    }

    /// Brings what is known up to every moment that was observed: for a whole set of observations, once all are handled.
    pub fn finish(&mut self) {
        match self.window {
            Window::Around => self.survey_days(),
            Window::Before => {
                let hours: Vec<_> = self.waiting.keys().copied().collect();
                for hour in hours {
                    self.settle_hour(hour);
                }
            }
        }
    }

    /// What the times of `vantage` are measured by at `moment`, which is that of the judged observation, whenever `vantage`
    /// made its own; `None` for one abroad, in quarantine, or never met.
    pub fn yardstick(&self, vantage: &Vantage, moment: Timestamp) -> Option<&Yardstick> {
        self.bearings(vantage, moment).ok().flatten()
    }

    /// Why `vantage` may prove and refute nothing at `moment`, which is that of the judged observation, whenever `vantage`
    /// made its own; `None` for one that nothing contradicts.
    pub fn quarantine(&self, vantage: &Vantage, moment: Timestamp) -> Option<&Contradiction> {
        self.bearings(vantage, moment).err()
    }

    /// Both at once: the [yardstick](Self::yardstick), or why there is none, the [quarantine](Self::quarantine).
    pub fn bearings(&self, vantage: &Vantage, moment: Timestamp) -> Result<Option<&Yardstick>, &Contradiction> {
        let Some((standpoint, met)) = self.standpoint(vantage).and_then(|at| Some((at, self.met.get(at)?))) else {
            return Ok(None);
        };
        let findings = self.findings(moment);
        if let Some(why) = findings.and_then(|found| found.contradictions.quarantined.get(&standpoint)) {
            return Err(why);
        }
        let measured = findings.and_then(|found| found.yardsticks.get(&standpoint));
        Ok(met.bare.as_ref().map(|bare| measured.unwrap_or(bare)))
    }

    /// Every vantage in quarantine at `moment`, by name.
    pub fn quarantined(&self, moment: Timestamp) -> BTreeMap<&VantageId, &Contradiction> {
        let found = self.findings(moment).into_iter().flat_map(|findings| &findings.contradictions.quarantined);
        found.filter_map(|(standpoint, why)| Some((&self.met.get(*standpoint)?.vantage.id, why))).collect()
    }

    /// Every vantage that contradicts every source at `moment` and that light does not contradict, by name.
    pub fn doubted(&self, moment: Timestamp) -> BTreeMap<&VantageId, &Doubt> {
        let doubts = self.findings(moment).into_iter().flat_map(|findings| findings.doubts.values());
        doubts.map(|doubt| (&doubt.vantage, doubt)).collect()
    }

    /// The addresses that are said to be abroad and are not, at `moment`.
    pub fn dropped(&self, moment: Timestamp) -> impl Iterator<Item = &Dropped> {
        self.findings(moment).into_iter().flat_map(|findings| findings.dropped.values())
    }

    /// The landmarks that are not where they are declared to be, at `moment`.
    pub fn misplaced(&self, moment: Timestamp) -> impl Iterator<Item = &Misplaced> {
        self.findings(moment).into_iter().flat_map(|findings| findings.contradictions.misplaced.values())
    }

    /// What somebody should look into, at any moment: one sentence for each vantage in quarantine, for each that contradicts
    /// every source, for each two that contradict each other about few networks, for each misplaced landmark, and for each
    /// address that is said to be abroad and is not; the latest of each, with its days unless it holds at every moment.
    pub fn remarks(&self) -> Vec<String> {
        let a_day = if self.window == Window::Before { HOURS_A_DAY } else { 1 };
        remark::all(self.findings.iter().map(|(slot, findings)| (slot.div_euclid(a_day), findings.as_ref())))
    }

    /// What was found for a moment; where its own hour or day was not surveyed, the last before it within a week.
    fn findings(&self, moment: Timestamp) -> Option<&Findings> {
        let slot = slot(self.window, moment);
        let week = CALIBRATION_DAYS * if self.window == Window::Before { HOURS_A_DAY } else { 1 };
        self.findings.range(slot - week..=slot).next_back().map(|(_, findings)| findings.as_ref())
    }

    fn standpoint(&self, vantage: &Vantage) -> Option<Standpoint> {
        let named = self.names.get(&vantage.id)?.iter();
        named.copied().find(|at| self.met.get(*at).is_some_and(|met| met.vantage == *vantage))
    }

    fn meet(&mut self, vantage: &Vantage, borders: &Borders) -> Standpoint {
        if let Some(standpoint) = self.standpoint(vantage) {
            return standpoint;
        }
        let at_home = |country| {
            let (_, reach) = borders.reach(vantage)?;
            Some(reach.distance_to(country)?.km() <= 0.0)
        };
        let stands_at_home = self.home.countries().iter().any(|country| at_home(country) == Some(true));
        let position = vantage.position.filter(|_| stands_at_home);
        let way = position.and_then(|position| self.hubs.way_abroad(position, &self.home));
        let bare = stands_at_home.then(|| Tally::default().yardstick(vantage.asn, way.as_ref()));
        let near = way.as_ref().and_then(|way| near(way.rtt(LEAST_INFLATION)));
        let standpoint = self.met.len();
        let lands = borders.reach(vantage).map_or_else(Vec::new, |(_, reach)| {
            let countries = borders.outlines().countries().iter();
            countries.filter_map(|country| Some((*country, reach.distance_to(*country)?))).collect()
        });
        self.met.push(Met { vantage: vantage.clone(), way, near, bare, lands });
        self.names.entry(vantage.id.clone()).or_default().push(standpoint);
        standpoint
    }

    /// Takes up what was observed before the hour `now`, and finds what follows from it. What was found for later hours than
    /// something that came late is found anew when it is asked for.
    fn settle_hour(&mut self, now: i64) {
        let later = self.waiting.split_off(&now);
        let earlier = std::mem::replace(&mut self.waiting, later);
        if earlier.is_empty() && self.findings.contains_key(&now) {
            return;
        }
        if let Some((first, _)) = earlier.first_key_value() {
            self.findings.split_off(&(first + 1));
        }
        self.begin_day(now.div_euclid(HOURS_A_DAY));
        let oldest = self.today - CALIBRATION_DAYS;
        for (hour, table) in earlier {
            let day = hour.div_euclid(HOURS_A_DAY);
            if day >= oldest {
                self.recent.absorb(&table);
                self.days.entry(day).or_default().absorb(&table);
            }
        }
        self.findings.insert(now, Arc::new(self.find(&self.recent)));
    }

    /// Forgets the days that are over for `today`.
    fn begin_day(&mut self, today: i64) {
        self.today = self.today.max(today);
        let kept = self.days.split_off(&(self.today - CALIBRATION_DAYS));
        let over = std::mem::replace(&mut self.days, kept);
        if !over.is_empty() {
            self.recent = joined(self.days.values());
        }
    }

    /// Finds what follows for every day from the days around it.
    fn survey_days(&mut self) {
        for (day, table) in std::mem::take(&mut self.waiting) {
            self.days.entry(day).or_default().absorb(&table);
        }
        let (Some((first, _)), Some((last, _))) = (self.days.first_key_value(), self.days.last_key_value()) else {
            return;
        };
        if last - first <= CALIBRATION_DAYS {
            let findings = Arc::new(self.find(&joined(self.days.values())));
            self.findings = self.days.keys().map(|day| (*day, Arc::clone(&findings))).collect();
            return;
        }
        let around = |day: &i64| {
            let near = self.days.range(day - CALIBRATION_DAYS..=day + CALIBRATION_DAYS);
            (*day, Arc::new(self.find(&joined(near.map(|(_, table)| table)))))
        };
        self.findings = self.days.keys().map(around).collect();
    }

    fn find(&self, table: &Table) -> Findings {
        let contradictions = contradiction::find(table, &self.met);
        let mut dropped = BTreeMap::new();
        let mut tallies: BTreeMap<Standpoint, Tally> = BTreeMap::new();
        for (address, entry) in table.iter() {
            let Some(side) = entry.facts.side() else { continue };
            if contradictions.misplaced.contains_key(&address) {
                continue;
            }
            if let Some(why) = self.too_soon(address, entry, side, &contradictions) {
                dropped.insert(address, why);
                continue;
            }
            for (standpoint, rtt) in entry.seen() {
                let own = self.met.get(*standpoint).and_then(|met| met.vantage.asn);
                count(tallies.entry(*standpoint).or_default(), (address, *rtt), &entry.facts, own);
            }
        }
        let yardstick = |(standpoint, tally): (Standpoint, Tally)| {
            let met = self.met.get(standpoint).filter(|met| met.bare.is_some())?;
            Some((standpoint, tally.yardstick(met.vantage.asn, met.way.as_ref())))
        };
        let mut doubts = doubt::find(table, &self.met);
        doubts.retain(|standpoint, _| !contradictions.quarantined.contains_key(standpoint));
        Findings { yardsticks: tallies.into_iter().filter_map(yardstick).collect(), contradictions, doubts, dropped }
    }

    /// Who shows that an address is not abroad, which no landmark can be suspected of; of several the one with the least
    /// time.
    fn too_soon(&self, address: IpAddr, entry: &Entry, side: Side, found: &Contradictions) -> Option<Dropped> {
        if side == Side::Home || entry.facts.landmark().is_some() {
            return None;
        }
        let trusted = entry.seen().iter().filter(|(standpoint, _)| !found.quarantined.contains_key(standpoint));
        let near = trusted.filter_map(|(standpoint, rtt)| {
            let met = self.met.get(*standpoint)?;
            met.near.is_some_and(|near| *rtt < near).then_some((*rtt, &met.vantage.id))
        });
        near.min().map(|(rtt, vantage)| Dropped { address, rtt, vantage: vantage.clone() })
    }
}

/// Counts an address for a vantage in the network `own`.
fn count(tally: &mut Tally, (address, rtt): (IpAddr, Rtt), facts: &Facts, own: Option<Asn>) {
    match facts.side() {
        Some(Side::Abroad) => {
            tally.count_abroad(address, rtt, facts.neighbourhood(address));
            if let Some((landmark, Side::Abroad)) = facts.landmark() {
                tally.count_landmark(address, rtt, &landmark.name);
            }
        }
        Some(Side::Home) => {
            let elsewhere = own.zip(facts.asn()).is_some_and(|(own, asn)| own != asn);
            if elsewhere {
                tally.count_elsewhere_at_home(address, rtt);
            }
        }
        None => {}
    }
}

fn joined<'a>(tables: impl Iterator<Item = &'a Table>) -> Table {
    let mut joined = Table::default();
    tables.for_each(|table| joined.absorb(table));
    joined
}

/// The hour or the day of a moment, since 1970.
fn slot(window: Window, moment: Timestamp) -> i64 {
    let hour = moment.as_second().div_euclid(HOUR_SECONDS);
    if window == Window::Before { hour } else { hour.div_euclid(HOURS_A_DAY) }
}
