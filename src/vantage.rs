//! Who measured, and from where.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::network::Asn;
use crate::place::{Coordinates, Distance};

/// The name of a vantage: unique in a fleet, `ntc-isb-1` or `atlas-7613`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VantageId(pub String);

impl fmt::Display for VantageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a vantage stands, and how well that is known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// The stated point.
    pub coordinates: Coordinates,
    /// How far from it the vantage may really be; added to every disc.
    pub uncertainty: Distance,
}

/// A host that measures. Whether it is at home or abroad follows from where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vantage {
    /// Its name.
    pub id: VantageId,
    /// Where it stands; without this it can prove nothing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub position: Option<Position>,
    /// The network it stands in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub asn: Option<Asn>,
}
