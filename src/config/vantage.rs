//! `[vantage]`: where this host stands.

use toml::de::DeValue;

use crate::place::{Coordinates, Distance};
use crate::vantage::{Position, Vantage, VantageId};

use super::section::{Reading, Section};
use super::value;

/// How far a vantage may be from the stated point where the operator does not say: the extent of a large city, in km.
const DEFAULT_UNCERTAINTY_KM: f64 = 25.0;

/// The largest uncertainty that still says something, in km: half round the Earth.
const HALF_ROUND_THE_EARTH_KM: f64 = 20_000.0;

/// Reads the section.
pub(super) fn read(root: &Section<'_>) -> Option<Vantage> {
    let section = root.section("vantage");
    let id =
        section.require("id", "a name that is unique among your vantages, such as id = \"ntc-isb-1\"", value::name);
    let coordinates = coordinates(&section);
    let uncertainty = section.or("uncertainty_km", DEFAULT_UNCERTAINTY_KM, uncertainty_km);
    let asn = section.read("asn", value::asn).map(|at| at.value);
    if !section.has("latitude") && !section.has("longitude") {
        let without = "without latitude and longitude no round-trip time can prove or refute a place: add both";
        section.faults().warn(&section.spot(""), without);
    }
    let position = coordinates.map(|coordinates| Position { coordinates, uncertainty: Distance::from_km(uncertainty) });
    Some(Vantage { id: VantageId(id?.value), position, asn })
}

/// How far a vantage may be from the stated point, in kilometres.
pub(super) fn uncertainty_km(value: &DeValue<'_>) -> Reading<f64> {
    value::number(0.0, HALF_ROUND_THE_EARTH_KM, "kilometres")(value)
}

/// The point at `latitude` and `longitude`, both or neither of which are written.
pub(super) fn coordinates(section: &Section<'_>) -> Option<Coordinates> {
    let latitude = section.read("latitude", value::number(-90.0, 90.0, "degrees north"));
    let longitude = section.read("longitude", value::number(-180.0, 180.0, "degrees east"));
    match (latitude, longitude) {
        (Some(north), Some(east)) => Coordinates::new(north.value, east.value).ok(),
        (Some(_), None) if !section.has("longitude") => half_a_position(section, "longitude"),
        (None, Some(_)) if !section.has("latitude") => half_a_position(section, "latitude"),
        _ => None,
    }
}

fn half_a_position(section: &Section<'_>, missing: &'static str) -> Option<Coordinates> {
    section.faults().error(&section.spot(missing), "is missing beside its other half: add it, or leave both out");
    None
}
