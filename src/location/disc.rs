//! Vantage + round-trip time → the disc the responder must be in, and the countries whose land it touches.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::light::{Speed, radius};
use super::outlines::{Outlines, Reach};
use crate::moment::Rtt;
use crate::network::Protocol;
use crate::place::{Coordinates, CountryCode, CountrySet, Distance, Home};
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

/// An answer that some vantage got from an address, and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Disc<'a> {
    /// Who measured.
    pub vantage: &'a VantageId,
    /// The smallest round-trip time.
    pub rtt: Rtt,
    /// Of how many.
    pub samples: usize,
    /// Measured how.
    pub protocol: Protocol,
    /// Where the vantage stands.
    pub position: Position,
    /// How far every country is from there.
    pub reach: &'a Reach,
}

impl Disc<'_> {
    /// How far the responder can be from the vantage.
    pub fn radius(&self, speed: Speed) -> Distance {
        radius(self.rtt, speed, self.position.uncertainty)
    }

    /// The countries whose land the disc touches.
    pub fn countries(&self, speed: Speed) -> CountrySet {
        self.reach.within(self.radius(speed))
    }

    /// Whether no land of `country` is in the disc. A country without any land in the borders is not excluded: nothing
    /// is known of where it is.
    pub fn excludes(&self, country: CountryCode, speed: Speed) -> bool {
        self.reach.distance_to(country).is_some_and(|distance| distance > self.radius(speed))
    }

    /// Whether the borders know where every home country is.
    pub fn knows(&self, home: &Home) -> bool {
        self.reach.nearest_home(home).is_some()
    }

    /// Whether no point can be in both discs: one responder cannot have given both answers.
    pub fn is_disjoint_from(&self, other: &Disc<'_>, speed: Speed) -> bool {
        let apart = self.position.coordinates.least_distance_to(other.position.coordinates);
        apart > self.radius(speed) + other.radius(speed)
    }

    /// The measurement in words: `2.867 ms (best of 3, icmp) from atlas-7613`.
    pub fn measured(&self) -> String {
        let of = if self.samples == 1 { "1 sample".to_owned() } else { format!("best of {}", self.samples) };
        format!("{} ({of}, {}) from {}", self.rtt, self.protocol, self.vantage)
    }
}
