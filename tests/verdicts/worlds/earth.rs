//! Distance and light as generated worlds have them: written anew, so that a mistake of the program is not made twice.

use pehra::moment::Rtt;
use pehra::place::Coordinates;

/// Light in vacuum, in km/ms.
const LIGHT: f64 = 299.792_458;

/// The radius of the sphere that is used for maps, in km.
const RADIUS: f64 = 6_371.008_8;

/// The most by which ways on the ellipsoid of the Earth are shorter than on that sphere (along the equator's meridian).
const SHORTER: f64 = 6_335.439 / RADIUS;

fn vector(at: Coordinates) -> [f64; 3] {
    let (lat, lon) = (at.latitude().to_radians(), at.longitude().to_radians());
    [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
}

/// The shortest that the way between two points can be, in km.
pub(crate) fn least_km(one: Coordinates, other: Coordinates) -> f64 {
    let (one, other) = (vector(one), vector(other));
    let length = |of: [f64; 3]| of.iter().map(|side| side * side).sum::<f64>().sqrt();
    // Half the angle has as its tangent the distance of the two over that of one from the other's antipode.
    let apart = length([0, 1, 2].map(|side| one[side] - other[side]));
    let together = length([0, 1, 2].map(|side| one[side] + other[side]));
    2.0 * apart.atan2(together) * RADIUS * SHORTER
}

/// How long light takes there and back, in ms.
pub(crate) fn there_and_back_ms(km: f64) -> f64 {
    2.0 * km / LIGHT
}

/// How far away something can be that answers so soon, in km.
pub(crate) fn reach_km(rtt: Rtt) -> f64 {
    rtt.ms() * LIGHT / 2.0
}

/// The point `km` away from `at` in the direction `bearing`, in radians from north.
pub(crate) fn moved(at: Coordinates, bearing: f64, km: f64) -> Coordinates {
    let (lat, lon, angle) = (at.latitude().to_radians(), at.longitude().to_radians(), km / RADIUS);
    let north = lat.sin() * angle.cos() + lat.cos() * angle.sin() * bearing.cos();
    let to_lat = north.clamp(-1.0, 1.0).asin();
    let east = (bearing.sin() * angle.sin() * lat.cos()).atan2(angle.cos() - lat.sin() * to_lat.sin());
    let degrees = (lon + east).to_degrees();
    Coordinates::new(to_lat.to_degrees(), (degrees + 540.0).rem_euclid(360.0) - 180.0).expect("a point on the globe")
}
