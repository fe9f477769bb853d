//! How far the lands of two countries are from each other at the least.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::line::Line;
use super::sphere::Vector;

/// Pieces of border that begin in the same square of so many degrees are measured as one: the fewer there are, the
/// quicker it goes, and the shorter the distance comes out.
const SQUARE_DEGREES: f64 = 5.0;

/// A part of the globe that holds some of the borders of one country.
#[derive(Clone, Debug)]
struct Cap {
    centre: Vector,
    /// In radians.
    radius: f64,
}

impl Cap {
    fn round(lines: &[&Line]) -> Self {
        let whole_globe = Self { centre: Vector::ZERO, radius: std::f64::consts::PI };
        let sum = lines.iter().map(|line| line.cap().0).fold(Vector::ZERO, Vector::plus);
        let Some(centre) = sum.unit() else { return whole_globe };
        let reaches = |line: &&Line| centre.angle_to(line.cap().0) + line.cap().1;
        let radius = lines.iter().map(reaches).fold(0.0, f64::max);
        // Segments leave the cap of their ends only when the cap is more than half the globe.
        if radius < std::f64::consts::FRAC_PI_2 { Self { centre, radius } } else { whole_globe }
    }

    fn least_angle_to(&self, other: &Self) -> f64 {
        (self.centre.angle_to(other.centre) - self.radius - other.radius).max(0.0)
    }
}

/// Where the borders of every country are, roughly, and the distances asked for so far.
#[derive(Clone, Debug)]
pub(super) struct Apart {
    caps: Vec<Vec<Cap>>,
    angles: Vec<OnceLock<Vec<f64>>>,
}

impl Apart {
    /// Of `countries` countries, whose borders are `lines`.
    pub(super) fn of(countries: usize, lines: &[Line]) -> Self {
        let mut squares: Vec<BTreeMap<_, Vec<&Line>>> = vec![BTreeMap::new(); countries];
        for line in lines {
            for owner in line.owners() {
                if let Some(squares) = squares.get_mut(owner) {
                    squares.entry(square(line)).or_default().push(line);
                }
            }
        }
        let caps = squares.iter().map(|squares| squares.values().map(|lines| Cap::round(lines)).collect());
        Self { caps: caps.collect(), angles: vec![OnceLock::new(); countries] }
    }

    /// An angle in radians below which the lands of no two points, one of `one` and one of `other`, are. Found for `one`
    /// and all others the first time, some milliseconds of work.
    pub(super) fn least_angle(&self, one: usize, other: usize) -> Option<f64> {
        let row = self.angles.get(one)?.get_or_init(|| self.caps.iter().map(|caps| self.between(one, caps)).collect());
        row.get(other).copied()
    }

    fn between(&self, one: usize, others: &[Cap]) -> f64 {
        let ours = self.caps.get(one).into_iter().flatten();
        let angles = ours.flat_map(|cap| others.iter().map(|other| cap.least_angle_to(other)));
        angles.reduce(f64::min).unwrap_or(0.0)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "degrees are small numbers")]
fn square(line: &Line) -> (i32, i32) {
    let (latitude, longitude) = line.first().unwrap_or_default();
    ((latitude / SQUARE_DEGREES).floor() as i32, (longitude / SQUARE_DEGREES).floor() as i32)
}
