//! Vantage + round-trip time → the disc the responder must be in, and the countries whose land it touches.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::light::{Speed, radius};
use super::outlines::{Outlines, Reach};
use super::path::steadiness::OVERTAKEN_HOPS;
use crate::moment::Rtt;
use crate::network::Protocol;
use crate::place::{Coordinates, CountrySet, Distance, Home};
use crate::vantage::{Position, Vantage, VantageId};

/// The borders in use, and how far every country is from every vantage met so far.
#[derive(Clone, Debug)]
pub struct Borders {
    outlines: Arc<Outlines>,
    reaches: BTreeMap<[u64; 2], Arc<Reach>>,
}

impl Borders {
    /// Borders with no vantage met yet.
    pub fn new(outlines: Arc<Outlines>) -> Self {
        Self { outlines, reaches: BTreeMap::new() }
    }

    /// The borders themselves.
    pub fn outlines(&self) -> &Arc<Outlines> {
        &self.outlines
    }

    /// Measures how far every country is from `vantage`, once for each position; some milliseconds of work.
    pub fn meet(&mut self, vantage: &Vantage) {
        if let Some(position) = vantage.position {
            let outlines = &self.outlines;
            let measure = || Arc::new(outlines.reach(position.coordinates));
            self.reaches.entry(key(position.coordinates)).or_insert_with(measure);
        }
    }

    /// How far every country is from `vantage`; `None` without coordinates, or when it was never met.
    pub fn reach(&self, vantage: &Vantage) -> Option<(Position, &Reach)> {
        let position = vantage.position?;
        self.reaches.get(&key(position.coordinates)).map(|reach| (position, reach.as_ref()))
    }
}

fn key(coordinates: Coordinates) -> [u64; 2] {
    [coordinates.latitude().to_bits(), coordinates.longitude().to_bits()]
}

/// Who measured something, and when, where that is too far off from the judged moment to prove anything: addresses move.
/// Written out, a name, with the day if it is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Witness<'a> {
    /// The vantage.
    pub id: &'a VantageId,
    /// When it measured, unless it was about the judged moment.
    pub other_day: Option<Timestamp>,
}

impl Witness<'_> {
    /// Whether it measured about the judged moment.
    pub fn is_of_the_day(&self) -> bool {
        self.other_day.is_none()
    }
}

impl fmt::Display for Witness<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)?;
        self.other_day.map_or(Ok(()), |moment| write!(f, " on {}", moment.strftime("%F")))
    }
}

/// An answer that some vantage got from an address.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Disc<'a> {
    /// Who measured.
    pub vantage: Witness<'a>,
    /// The smallest round-trip time.
    pub rtt: Rtt,
    /// Of how many.
    pub samples: usize,
    /// Measured how.
    pub protocol: Protocol,
    /// How many hops before the address answered so much later that somebody nearer may have answered in its name.
    pub overtaken: usize,
    /// Where the vantage stands.
    pub position: Position,
    /// How far every country is from there.
    pub reach: &'a Reach,
}

impl Disc<'_> {
    /// Whether it may prove or refute anything: it was measured about the judged moment, and no hop on the way suggests that
    /// it is another's answer.
    pub fn is_sound(&self) -> bool {
        self.vantage.is_of_the_day() && !self.is_overtaken()
    }

    /// Whether somebody nearer may have answered.
    pub fn is_overtaken(&self) -> bool {
        self.overtaken >= OVERTAKEN_HOPS
    }

    /// How far the responder can be from the vantage.
    pub fn radius(&self, speed: Speed) -> Distance {
        radius(self.rtt, speed, self.position.uncertainty)
    }

    /// The countries whose land the disc touches.
    pub fn countries(&self, speed: Speed) -> CountrySet {
        self.reach.within(self.radius(speed))
    }

    /// Whether the borders know where every home country is.
    pub fn knows(&self, home: &Home) -> bool {
        self.reach.nearest_home(home).is_some()
    }

    /// Whether no point can be in both discs: one responder cannot have given both answers.
    pub fn is_disjoint_from(&self, other: &Disc<'_>, speed: Speed) -> bool {
        let reach = self.radius(speed) + other.radius(speed);
        let (here, there) = (self.position.coordinates, other.position.coordinates);
        here.most_distance_to(there) > reach && here.least_distance_to(there) > reach
    }

    /// The measurement in words: `2.867 ms (best of 3, icmp) from atlas-7613`.
    pub fn measured(&self) -> String {
        let of = if self.samples == 1 { "1 sample".to_owned() } else { format!("best of {}", self.samples) };
        format!("{} ({of}, {}) from {}", self.rtt, self.protocol, self.vantage)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::location::outlines::Draft;

    /// Borders of no country at all.
    pub(crate) fn without_land() -> Borders {
        let nowhere = Draft {
            name: "nowhere".to_owned(),
            tolerance: Distance::ZERO,
            latitude: (0.0, 1.0),
            longitude: (0.0, 1.0),
            countries: Vec::new(),
            lines: Vec::new(),
            owners: Vec::new(),
        };
        Borders::new(Arc::new(Outlines::decode(&nowhere.encode().unwrap()).unwrap()))
    }

    #[test]
    fn whoever_measured_on_another_day_is_named_with_it() {
        let id = VantageId("atlas-7613".to_owned());
        let named = |other_day: Option<&str>| {
            Witness { id: &id, other_day: other_day.map(|day| day.parse().unwrap()) }.to_string()
        };
        assert_eq!(named(None), "atlas-7613");
        assert_eq!(named(Some("2026-11-14T23:59:00Z")), "atlas-7613 on 2026-11-14");
    }
}
