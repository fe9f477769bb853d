//! Where countries are: their borders as drawn, the land round a point, and how far away it is.
//!
//! Discs are proofs, so nothing here may overstate a distance: what [`Reach`] holds is a lower bound, after the
//! ellipsoid and the map's own tolerance are taken off. Where a line is drawn is the map's choice, named by its
//! [`OutlinesId`]; `geodb/README.md` says which.

use super::OutlinesId;
use crate::place::{Coordinates, CountryCode, Distance, EARTH_RADIUS_KM, ELLIPSOID};

mod apart;
mod encoded;
mod line;
mod reach;
mod sphere;

pub use encoded::{Draft, OutlinesError};
pub use reach::Reach;

use apart::Apart;
use line::Line;

/// The borders of every country of a map.
///
/// A border that two countries share is held once, with both as owners. Whether a point lies in a country follows from
/// how many of its lines lie north of the point, so rings, holes and their direction need not be known.
#[derive(Clone, Debug)]
pub struct Outlines {
    id: OutlinesId,
    tolerance: Distance,
    countries: Vec<CountryCode>,
    lines: Vec<Line>,
    apart: Apart,
}

impl Outlines {
    /// Reads a map as `geodb/rebuild.sh` writes it, gzipped.
    pub fn decode(bytes: &[u8]) -> Result<Self, OutlinesError> {
        encoded::decode(bytes)
    }

    /// What the map is called, and the digest of its bytes as they were given to [`Outlines::decode`].
    pub fn id(&self) -> &OutlinesId {
        &self.id
    }

    /// How far a line may really be from where it is drawn: the scale of the map and the grid its points are on.
    pub fn tolerance(&self) -> Distance {
        self.tolerance
    }

    /// The countries that have land on the map, in alphabetical order.
    pub fn countries(&self) -> &[CountryCode] {
        &self.countries
    }

    /// The country in which `point` lies as the borders are drawn; none at sea.
    pub fn contains(&self, point: Coordinates) -> Option<CountryCode> {
        let inside = self.insides(point);
        self.countries.iter().zip(inside).find_map(|(country, inside)| inside.then_some(*country))
    }

    /// How far the land of every country is from `point`.
    pub fn reach(&self, point: Coordinates) -> Reach {
        Reach::of(self, point)
    }

    /// A distance that no point of `one` is nearer to any point of `other`, cheaply found and hundreds of kilometres too short
    /// at times; `None` when the map has no land under one of the codes.
    pub fn least_between(&self, one: CountryCode, other: CountryCode) -> Option<Distance> {
        let place = |country| self.countries.binary_search(&country).ok();
        let angle = self.apart.least_angle(place(one)?, place(other)?)?;
        let km = if one == other { 0.0 } else { angle * EARTH_RADIUS_KM * ELLIPSOID - 2.0 * self.tolerance.km() };
        Some(Distance::from_km(km))
    }

    /// For each country, whether `point` lies in it: whether it has an odd number of lines between the point and the
    /// north pole, which lies in no country.
    fn insides(&self, point: Coordinates) -> Vec<bool> {
        let mut inside = vec![false; self.countries.len()];
        for line in &self.lines {
            if line.crossings_north_of(point) % 2 == 1 {
                for owner in line.owners() {
                    if let Some(inside) = inside.get_mut(owner) {
                        *inside = !*inside;
                    }
                }
            }
        }
        inside
    }
}

#[cfg(test)]
mod tests;
