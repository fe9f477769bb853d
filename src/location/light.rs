//! How far an answer can have come from: the two speeds, and what a round-trip time allows.
//!
//! A round-trip time bounds the distance from above: `distance <= rtt / 2 * speed + the vantage's own uncertainty`. It
//! holds whatever the route, the queues and the return path were, because all of them only add time. Nothing is ever
//! subtracted from a round-trip time, and a long one proves nothing.

use crate::moment::Rtt;
use crate::place::Distance;

/// Light in vacuum, in km/ms (exact by definition of the metre, BIPM): no cable, microwave link or satellite is faster.
pub const VACUUM_KM_PER_MS: f64 = 299.792_458;

/// Light in silica fibre, in km/ms: vacuum over the group index 1.468 of ITU-T G.652 fibre at 1550 nm.
pub const GLASS_KM_PER_MS: f64 = 204.2;

/// A speed that nothing on the way exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Speed {
    /// True of everything: supports proofs.
    Vacuum,
    /// True of ordinary fibre, which hollow-core fibre, microwave and low orbits may beat: supports hints only.
    Glass,
}

impl Speed {
    /// In km/ms, one way.
    pub fn km_per_ms(self) -> f64 {
        match self {
            Self::Vacuum => VACUUM_KM_PER_MS,
            Self::Glass => GLASS_KM_PER_MS,
        }
    }

    /// The words used in evidence.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vacuum => "light in vacuum",
            Self::Glass => "light in glass",
        }
    }
}

/// How far from the stated position of a vantage an answer that took `rtt` can have come.
pub fn radius(rtt: Rtt, speed: Speed, uncertainty: Distance) -> Distance {
    Distance::from_km(rtt.ms() / 2.0 * speed.km_per_ms()) + uncertainty
}

/// The shortest round trip to something `distance` away, in milliseconds.
pub fn shortest_round_trip_ms(distance: Distance, speed: Speed) -> f64 {
    distance.km() * 2.0 / speed.km_per_ms()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_millisecond_is_150_km_in_vacuum_and_102_in_glass() {
        let rtt = Rtt::from_ms(1.0).unwrap();
        assert!((radius(rtt, Speed::Vacuum, Distance::ZERO).km() - 149.896).abs() < 0.001);
        assert!((radius(rtt, Speed::Glass, Distance::ZERO).km() - 102.1).abs() < 0.001);
    }

    #[test]
    fn the_uncertainty_of_the_vantage_is_added_and_nothing_subtracted() {
        let radius = radius(Rtt::from_ms(0.0).unwrap(), Speed::Vacuum, Distance::from_km(25.0));
        assert!((radius.km() - 25.0).abs() < 1e-9);
    }

    #[test]
    fn karachi_to_dubai_and_back_takes_at_least_7_9_ms() {
        assert!((shortest_round_trip_ms(Distance::from_km(1179.0), Speed::Vacuum) - 7.87).abs() < 0.01);
    }
}
