//! The file that says where imported vantages stood: `[[vantage]]` tables with `id` and, if known, `latitude`,
//! `longitude` and `uncertainty_km` (all three or none), `asn` and `name`. One without coordinates proves nothing.
//! One that moves gets a new id: an id that is described at two places within a week is put into quarantine at both.

use std::collections::BTreeMap;

use crate::import::vantages::Vantages;
use crate::place::{Coordinates, Distance};
use crate::vantage::{Position, Vantage, VantageId};

use super::document::Written;
use super::fault::{ConfigErrors, Faults, Spot};
use super::section::{self, Section};
use super::{value, vantage};

/// Reads the file.
pub fn parse(written: &Written) -> Result<Vantages, ConfigErrors> {
    let faults = Faults::default();
    let vantages = section::read_document(written, &faults, read);
    faults.verdict()?;
    Ok(vantages.unwrap_or_default().into_iter().collect())
}

fn read(root: &Section<'_>) -> Vec<Vantage> {
    let mut taken: BTreeMap<String, Spot> = BTreeMap::new();
    let mut vantages = Vec::new();
    for entry in root.sections("vantage") {
        let id = entry.require("id", "what its measurements call it, such as id = \"atlas-7613\"", value::text);
        entry.read("name", value::text);
        let position = position(&entry, vantage::coordinates(&entry));
        let asn = entry.read("asn", value::asn).map(|at| at.value);
        let Some(id) = id else { continue };
        if let Some(first) = taken.insert(id.value.clone(), id.spot.clone()) {
            let message = format!("{:?} is described already ({first}): leave one of them", id.value);
            entry.faults().error(&id.spot, message);
        }
        vantages.push(Vantage { id: VantageId(id.value), position, asn });
    }
    vantages
}

/// Where it stood: nobody else knows how well the operator knew, so that the uncertainty has no default.
fn position(entry: &Section<'_>, coordinates: Option<Coordinates>) -> Option<Position> {
    let uncertainty = entry.read("uncertainty_km", vantage::uncertainty_km);
    let (has_point, has_uncertainty) = (entry.has("latitude") || entry.has("longitude"), entry.has("uncertainty_km"));
    if has_point && !has_uncertainty {
        let message = "is missing beside latitude and longitude: add how far off they may be, or leave all three out";
        entry.faults().error(&entry.spot("uncertainty_km"), message);
    }
    if has_uncertainty && !has_point {
        let message = "is half a position: add latitude and longitude, or leave it out";
        entry.faults().error(&entry.spot_of("uncertainty_km"), message);
    }
    let (coordinates, uncertainty) = (coordinates?, uncertainty?.value);
    Some(Position { coordinates, uncertainty: Distance::from_km(uncertainty) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Asn;

    fn parsed(text: &str) -> Result<Vantages, ConfigErrors> {
        parse(&Written { name: "at.toml".to_owned(), bytes: text.into() })
    }

    const ONE: &str = "[[vantage]]\nid = \"a\"\nlatitude = 1\nlongitude = 0\nuncertainty_km = 5\n";

    #[test]
    fn a_vantage_stands_where_the_file_says_and_others_nowhere() {
        let text = "[[vantage]]\nid = \"atlas-1\"\nlatitude = 31.5\nlongitude = 74.3\nuncertainty_km = 25\nasn = 1\n";
        let vantages = parsed(text).unwrap();
        assert!((vantages.find("atlas-1").position.unwrap().uncertainty.km() - 25.0).abs() < 1e-9);
        assert_eq!(vantages.find("atlas-2").position, None);
    }

    #[test]
    fn a_vantage_may_stand_nobody_knows_where() {
        let vantages = parsed("[[vantage]]\nid = \"2001:db8::1\"\nasn = 9541\nname = \"Karachi, PTCL\"\n").unwrap();
        let vantage = vantages.find("2001:db8::1");
        assert_eq!((vantage.position, vantage.asn), (None, Some(Asn(9541))));
    }

    #[test]
    fn a_fault_names_the_line_of_its_key_and_the_cure() {
        for (text, fault) in [
            (
                ONE.replace("= 1", "= 95"),
                "at.toml:3: vantage.latitude: 95 is out of range: write degrees north, -90 to 90",
            ),
            (
                ONE.replace("= 5", "= -1"),
                "at.toml:5: vantage.uncertainty_km: -1 is out of range: write kilometres, 0 to 20000",
            ),
            (
                format!("{ONE}height = 3\n"),
                "at.toml:6: vantage.height: unknown key: leave it out; the keys here are asn, id, latitude, longitude, \
                 name, uncertainty_km",
            ),
            (
                ONE.replace("uncertainty_km = 5\n", ""),
                "at.toml:1: vantage.uncertainty_km: is missing beside latitude and longitude: add how far off they may \
                 be, or leave all three out",
            ),
            (
                ONE.replace("longitude = 0\n", ""),
                "at.toml:1: vantage.longitude: is missing beside its other half: add it, or leave both out",
            ),
            (
                "[[vantage]]\nid = \"a\"\nuncertainty_km = 1\n".to_owned(),
                "at.toml:3: vantage.uncertainty_km: is half a position: add latitude and longitude, or leave it out",
            ),
            (format!("{ONE}asn = \"five\"\n"), "at.toml:6: vantage.asn: "),
            (format!("{ONE}{ONE}"), "at.toml:7: vantage.id: \"a\" is described already (at.toml:2): leave one of them"),
            (ONE.replace("\"a\"", "a"), "at.toml:2: vantage.id: "),
        ] {
            let errors = parsed(&text).unwrap_err();
            assert!(errors.to_string().starts_with(fault) && errors.0.len() == 1, "{text}: {errors}");
        }
    }
}
