//! The file that says where imported vantages stood: `[[vantage]]` tables with `id` and, if known, `latitude`,
//! `longitude` and `uncertainty_km` (all three or none), `asn` and `name`. One without coordinates proves nothing.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::ImportError;
use super::written::{at, tables};
use crate::network::Asn;
use crate::place::{Coordinates, Distance};
use crate::vantage::{Position, Vantage, VantageId};

/// The most a vantage's position may be uncertain, in km: half way round the Earth says nothing.
const MOST_UNCERTAIN_KM: f64 = 20_000.0;

/// What is said of a place that is half described.
const INCOMPLETE: &str = "half a position: write latitude, longitude and uncertainty_km, or none of them";

/// Where vantages stood, by their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vantages(BTreeMap<VantageId, Vantage>);

impl Vantages {
    /// Reads the file's text.
    pub fn parse(text: &str) -> Result<Self, ImportError> {
        let file: File = tables(text)?;
        let mut vantages = BTreeMap::new();
        for written in file.vantage {
            let start = written.span().start;
            let vantage = written.into_inner().vantage().map_err(|fault| at(text, start, fault))?;
            if let Some(earlier) = vantages.insert(vantage.id.clone(), vantage) {
                return Err(at(text, start, format!("vantage {} is described twice: leave one out", earlier.id)));
            }
        }
        Ok(Self(vantages))
    }

    /// The vantage called `id`; one that the file does not describe has no coordinates and can prove nothing.
    pub fn find(&self, id: &str) -> Vantage {
        let id = VantageId(id.to_owned());
        self.0.get(&id).cloned().unwrap_or(Vantage { id, position: None, asn: None })
    }

    /// How many it describes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it describes none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    vantage: Vec<toml::Spanned<Written>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    #[serde(rename = "name")]
    _name: Option<String>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    uncertainty_km: Option<f64>,
    asn: Option<u32>,
}

impl Written {
    fn vantage(self) -> Result<Vantage, String> {
        let position = match (self.latitude, self.longitude, self.uncertainty_km) {
            (Some(latitude), Some(longitude), Some(km)) => Some(stands(latitude, longitude, km)?),
            (None, None, None) => None,
            _ => return Err(INCOMPLETE.to_owned()),
        };
        Ok(Vantage { id: VantageId(self.id), position, asn: self.asn.map(Asn) })
    }
}

fn stands(latitude: f64, longitude: f64, uncertainty_km: f64) -> Result<Position, String> {
    let coordinates = Coordinates::new(latitude, longitude).map_err(|error| error.to_string())?;
    if !(0.0..=MOST_UNCERTAIN_KM).contains(&uncertainty_km) {
        return Err(format!("uncertainty_km = {uncertainty_km}: write 0 to {MOST_UNCERTAIN_KM}"));
    }
    Ok(Position { coordinates, uncertainty: Distance::from_km(uncertainty_km) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vantage_stands_where_the_file_says_and_others_nowhere() {
        let text = "[[vantage]]\nid = \"atlas-1\"\nlatitude = 31.5\nlongitude = 74.3\nuncertainty_km = 25\nasn = 1\n";
        let vantages = Vantages::parse(text).unwrap();
        assert!((vantages.find("atlas-1").position.unwrap().uncertainty.km() - 25.0).abs() < 1e-9);
        assert_eq!(vantages.find("atlas-2").position, None);
    }

    #[test]
    fn a_vantage_may_stand_nobody_knows_where() {
        let vantages = Vantages::parse("[[vantage]]\nid = \"atlas-1\"\nasn = 9541\n").unwrap();
        let vantage = vantages.find("atlas-1");
        assert_eq!((vantage.position, vantage.asn), (None, Some(Asn(9541))));
    }

    #[test]
    fn a_fault_names_its_line() {
        for (text, line, words) in [
            ("[[vantage]]\nid = \"a\"\nlatitude = 95\nlongitude = 0\nuncertainty_km = 5\n", 1, "95 is not a latitude"),
            ("[[vantage]]\nid = \"a\"\nlatitude = 9\nlongitude = 0\nheight = 3\n", 5, "unknown field"),
            ("[[vantage]]\nid = \"a\"\nlatitude = 9\nlongitude = 0\n", 1, "uncertainty_km"),
            ("[[vantage]]\nid = \"a\"\nlatitude = 9\nuncertainty_km = 1\n", 1, "half a position"),
            ("[[vantage]]\nid = \"a\"\nuncertainty_km = 1\n", 1, "half a position"),
            ("[[vantage]]\nid = \"a\"\n[[vantage\n", 3, ""),
            (
                "[[vantage]]\nid=\"a\"\nlatitude=1\nlongitude=0\nuncertainty_km=5\n\
                 [[vantage]]\nid=\"a\"\nlatitude=1\nlongitude=0\nuncertainty_km=5\n",
                6,
                "twice",
            ),
        ] {
            let error = Vantages::parse(text).unwrap_err();
            assert!(error.line == line && error.fault.contains(words), "{text}: {error}");
        }
    }
}
