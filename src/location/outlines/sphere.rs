//! Points and great circles as unit vectors: no special cases at the antimeridian or at the poles.

/// A point on the unit sphere, or a direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Vector {
    x: f64,
    y: f64,
    z: f64,
}

impl Vector {
    pub(super) const ZERO: Self = Self { x: 0.0, y: 0.0, z: 0.0 };

    /// The point at these degrees north and east.
    pub(super) fn at(latitude: f64, longitude: f64) -> Self {
        let (sin_lat, cos_lat) = latitude.to_radians().sin_cos();
        let (sin_lon, cos_lon) = longitude.to_radians().sin_cos();
        Self { x: cos_lat * cos_lon, y: cos_lat * sin_lon, z: sin_lat }
    }

    pub(super) fn dot(self, other: Self) -> f64 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    pub(super) fn cross(self, other: Self) -> Self {
        Self {
            x: self.y * other.z - self.z * other.y,
            y: self.z * other.x - self.x * other.z,
            z: self.x * other.y - self.y * other.x,
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { x: self.x + other.x, y: self.y + other.y, z: self.z + other.z }
    }

    /// The same direction with length one; `None` when it has no direction.
    pub(super) fn unit(self) -> Option<Self> {
        let length = self.dot(self).sqrt();
        (length > 1e-12).then(|| Self { x: self.x / length, y: self.y / length, z: self.z / length })
    }

    /// The angle between two points of the sphere in radians, exact for small angles as well as for large ones.
    pub(super) fn angle_to(self, other: Self) -> f64 {
        let (dx, dy, dz) = (self.x - other.x, self.y - other.y, self.z - other.z);
        let chord = (dx * dx + dy * dy + dz * dz).sqrt();
        2.0 * (chord / 2.0).min(1.0).asin()
    }

    /// The angle in radians from this point to the nearest point of the shorter great-circle arc from `a` to `b`.
    pub(super) fn angle_to_arc(self, a: Self, b: Self) -> f64 {
        let ends = self.angle_to(a).min(self.angle_to(b));
        let Some(pole) = a.cross(b).unit() else { return ends };
        let beside = pole.cross(a).dot(self) >= 0.0 && b.cross(pole).dot(self) >= 0.0;
        if beside { ends.min(self.dot(pole).abs().min(1.0).asin()) } else { ends }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The least angle to many points on the arc: an upper bound that comes close to the truth.
    fn sampled(point: Vector, a: Vector, b: Vector) -> f64 {
        let angle = a.angle_to(b);
        (0..=2000)
            .map(|step| {
                let t = f64::from(step) / 2000.0;
                let (wa, wb) = (((1.0 - t) * angle).sin() / angle.sin(), (t * angle).sin() / angle.sin());
                let on = Vector { x: wa * a.x + wb * b.x, y: wa * a.y + wb * b.y, z: wa * a.z + wb * b.z };
                point.angle_to(on)
            })
            .fold(f64::INFINITY, f64::min)
    }

    proptest! {
        #[test]
        fn the_distance_to_an_arc_is_that_to_its_nearest_point(
            (plat, plon) in (-90.0..90.0, -180.0..180.0), (alat, alon) in (-90.0..90.0, -180.0..180.0),
            (dlat, dlon) in (-20.0..20.0, -20.0..20.0),
        ) {
            let (point, a) = (Vector::at(plat, plon), Vector::at(alat, alon));
            let b = Vector::at(f64::clamp(alat + dlat, -90.0, 90.0), alon + dlon);
            prop_assume!(a.angle_to(b) > 1e-6);
            let (exact, sampled) = (point.angle_to_arc(a, b), sampled(point, a, b));
            prop_assert!(exact <= sampled + 1e-9, "{exact} {sampled}");
            prop_assert!(sampled - exact < 2e-4, "{exact} {sampled}");
        }
    }

    #[test]
    fn an_arc_of_no_length_is_a_point() {
        let (a, point) = (Vector::at(10.0, 20.0), Vector::at(10.0, 21.0));
        assert!((point.angle_to_arc(a, a) - point.angle_to(a)).abs() < 1e-12);
    }

    #[test]
    fn the_antimeridian_and_the_pole_are_places_like_any_other() {
        let across = Vector::at(0.0, 179.0).angle_to_arc(Vector::at(1.0, -179.5), Vector::at(-1.0, -179.5));
        assert!((across.to_degrees() - 1.5).abs() < 1e-9, "{}", across.to_degrees());
        let over_the_pole = Vector::at(90.0, 0.0).angle_to_arc(Vector::at(89.0, 0.0), Vector::at(89.0, 180.0));
        assert!(over_the_pole < 1e-9);
    }
}
