//! A piece of a border: its points, and what is needed to skip it quickly.

use super::sphere::Vector;
use crate::place::Coordinates;

/// A point of a border. Single precision places it to within two metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Corner {
    /// Degrees north, -90 to 90.
    pub(super) latitude: f32,
    /// Degrees east, -180 to 180.
    pub(super) longitude: f32,
}

/// The most segments in one piece: enough to keep the list of pieces short, few enough for skipping to pay.
pub(super) const SEGMENTS: usize = 64;

/// Some consecutive segments of a border, owned by the countries on its sides. Segments are the short way round.
#[derive(Clone, Debug)]
pub(super) struct Line {
    points: Box<[Corner]>,
    owners: Box<[u16]>,
    centre: Vector,
    radius: f64,
    northernmost: f64,
    /// West and east ends in degrees from the first point; a line may go round the globe.
    span: (f64, f64),
}

impl Line {
    /// A line through `points`, all of which are on the globe.
    pub(super) fn through(points: &[Corner], owners: &[u16]) -> Self {
        let degrees = |corner: &Corner| (f64::from(corner.latitude), f64::from(corner.longitude));
        let vectors = || points.iter().map(degrees).map(|(latitude, longitude)| Vector::at(latitude, longitude));
        let centre = vectors().fold(Vector::ZERO, Vector::plus).unit();
        // Without a centre the points are all round the globe, and so is the cap.
        let radius = |centre: Vector| vectors().map(|v| centre.angle_to(v)).fold(0.0, f64::max) + 1e-9;
        Self {
            points: points.into(),
            owners: owners.into(),
            centre: centre.unwrap_or(Vector::ZERO),
            radius: centre.map_or(std::f64::consts::PI, radius),
            northernmost: points.iter().map(degrees).fold(-90.0, |most, (latitude, _)| latitude.max(most)),
            span: span(points.iter().map(degrees).map(|(_, longitude)| longitude)),
        }
    }

    /// The places of its owners in the list of countries; one named twice has the line inside its land.
    pub(super) fn owners(&self) -> impl Iterator<Item = usize> + '_ {
        self.owners.iter().map(|owner| usize::from(*owner))
    }

    /// A centre, and the angle in radians from there within which all its points are; more than half the globe is no bound
    /// of its segments.
    pub(super) fn cap(&self) -> (Vector, f64) {
        (self.centre, self.radius)
    }

    /// Its first point in degrees north and east.
    pub(super) fn first(&self) -> Option<(f64, f64)> {
        self.degrees().next()
    }

    /// An angle in radians below which no point of the line is from `point`: quick to find.
    pub(super) fn least_angle(&self, point: Vector) -> f64 {
        // Segments leave the cap of their ends only when the cap is more than half the globe.
        if self.radius < std::f64::consts::FRAC_PI_2 {
            (point.angle_to(self.centre) - self.radius).max(0.0)
        } else {
            0.0
        }
    }

    /// The angle in radians from `point` to the nearest point of the line.
    pub(super) fn angle_to(&self, point: Vector) -> f64 {
        let mut vectors = self.vectors();
        let Some(mut from) = vectors.next() else { return std::f64::consts::PI };
        let mut least = point.angle_to(from);
        for to in vectors {
            least = least.min(point.angle_to_arc(from, to));
            from = to;
        }
        least
    }

    /// How often the line crosses the meridian of `point` north of it.
    pub(super) fn crossings_north_of(&self, point: Coordinates) -> usize {
        if self.northernmost < point.latitude() || !self.spans(point.longitude()) {
            return 0;
        }
        let is_north = |((from_lat, from_lon), (to_lat, to_lon)): ((f64, f64), (f64, f64))| {
            let from = short_way(from_lon - point.longitude());
            let to = short_way(to_lon - point.longitude());
            // A segment that changes sides the long way round crosses the opposite meridian.
            if (from < 0.0) == (to < 0.0) || (from - to).abs() >= 180.0 {
                return false;
            }
            from_lat + (to_lat - from_lat) * from / (from - to) > point.latitude()
        };
        self.degrees().zip(self.degrees().skip(1)).filter(|segment| is_north(*segment)).count()
    }

    /// Whether the meridian at `longitude` may meet the line.
    fn spans(&self, longitude: f64) -> bool {
        let Some((_, first)) = self.first() else { return false };
        let (west, east) = self.span;
        let from_first = short_way(longitude - first);
        [from_first - 360.0, from_first, from_first + 360.0].iter().any(|d| (west - 1e-9..=east + 1e-9).contains(d))
    }

    fn degrees(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.points.iter().map(|corner| (f64::from(corner.latitude), f64::from(corner.longitude)))
    }

    fn vectors(&self) -> impl Iterator<Item = Vector> + '_ {
        self.degrees().map(|(latitude, longitude)| Vector::at(latitude, longitude))
    }
}

/// How far west and east of the first of `longitudes` the others lie, going the short way from one to the next.
fn span(mut longitudes: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut east, mut span) = (0.0, (0.0f64, 0.0f64));
    let Some(mut from) = longitudes.next() else { return span };
    for to in longitudes {
        east += short_way(to - from);
        span = (span.0.min(east), span.1.max(east));
        from = to;
    }
    span
}

/// A difference of longitudes as the short way round: -180 up to, but not including, 180 degrees.
fn short_way(degrees: f64) -> f64 {
    (degrees + 180.0).rem_euclid(360.0) - 180.0
}
