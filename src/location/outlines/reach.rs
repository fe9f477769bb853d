//! How far every country is from a point: lower bounds, sorted.

use super::Outlines;
use super::sphere::Vector;
use crate::place::{Coordinates, CountryCode, CountrySet, Distance, EARTH_RADIUS_KM, ELLIPSOID, Home};

/// The least distance from one point to the land of every country: zero inside it, and never more than the truth.
#[derive(Clone, Debug, PartialEq)]
pub struct Reach {
    /// By distance, then by name.
    nearest: Vec<(Distance, CountryCode)>,
    /// For each of those, the countries that are no further away than it in that order.
    sets: Vec<CountrySet>,
    /// By name.
    named: Vec<(CountryCode, Distance)>,
}

impl Reach {
    pub(super) fn of(outlines: &Outlines, point: Coordinates) -> Self {
        let angles = least_angles(outlines, point);
        let inside = outlines.insides(point);
        let mut nearest: Vec<_> = std::iter::zip(&outlines.countries, std::iter::zip(angles, inside))
            .map(|(country, (angle, inside))| {
                let bound = if inside { 0.0 } else { angle * EARTH_RADIUS_KM * ELLIPSOID - outlines.tolerance.km() };
                (Distance::from_km(bound), *country)
            })
            .collect();
        nearest.sort_by(|a, b| a.0.km().total_cmp(&b.0.km()).then(a.1.cmp(&b.1)));
        let mut so_far = CountrySet::default();
        let join = |(_, country): &(Distance, CountryCode)| {
            so_far.insert(*country);
            so_far
        };
        let sets = nearest.iter().map(join).collect();
        let mut named: Vec<_> = nearest.iter().map(|(distance, country)| (*country, *distance)).collect();
        named.sort_by_key(|(country, _)| *country);
        Self { nearest, sets, named }
    }

    /// Every country that may have land no further away than `distance`.
    pub fn within(&self, distance: Distance) -> CountrySet {
        let count = self.nearest.partition_point(|(least, _)| *least <= distance);
        count.checked_sub(1).and_then(|last| self.sets.get(last)).copied().unwrap_or_default()
    }

    /// How far away the land of `country` is at the least; `None` when the map has no land under that code (it shows
    /// overseas departments and the like as part of their state), so that nothing can be said of it.
    pub fn distance_to(&self, country: CountryCode) -> Option<Distance> {
        let place = self.named.binary_search_by_key(&country, |(named, _)| *named).ok()?;
        self.named.get(place).map(|(_, least)| *least)
    }

    /// How far away the nearest land of home is at the least; `None` when the map does not know all of home.
    pub fn nearest_home(&self, home: &Home) -> Option<Distance> {
        let mut distances = home.countries().iter().map(|country| self.distance_to(country));
        let nearest = distances.try_fold(f64::INFINITY, |nearest, distance| Some(nearest.min(distance?.km())))?;
        Some(Distance::from_km(nearest))
    }

    /// The nearest land that is not home, and how far away it is at the least; `None` on a map of home alone.
    pub fn nearest_foreign(&self, home: &Home) -> Option<(Distance, CountryCode)> {
        self.nearest.iter().find(|(_, country)| !home.contains(*country)).copied()
    }
}

/// For each country, the angle in radians from `point` to its nearest border. Lines are taken in the order in which they
/// could matter, and skipped once every owner has something nearer.
fn least_angles(outlines: &Outlines, point: Coordinates) -> Vec<f64> {
    let point = Vector::at(point.latitude(), point.longitude());
    let mut lines: Vec<_> = outlines.lines.iter().map(|line| (line.least_angle(point), line)).collect();
    lines.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut least = vec![std::f64::consts::PI; outlines.countries.len()];
    for (bound, line) in lines {
        if line.owners().all(|owner| least.get(owner).is_none_or(|found| *found <= bound)) {
            continue;
        }
        let angle = line.angle_to(point);
        for owner in line.owners() {
            if let Some(found) = least.get_mut(owner) {
                *found = found.min(angle);
            }
        }
    }
    least
}
