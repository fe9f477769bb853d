//! The codes of places that operators of edges use, with the cities and countries that a published table gives them.

use std::collections::BTreeMap;
use std::error::Error;

use serde::{Deserialize, Serialize};

/// The source of a row that comes from the package; others were written by hand and are left as they are.
const PACKAGE: &str = "airportsdata";

#[derive(Deserialize, Serialize)]
struct Row {
    code: String,
    country: String,
    city: String,
    source: String,
}

#[derive(Deserialize)]
struct Airport {
    iata: String,
    city: String,
    country: String,
}

#[derive(Deserialize)]
struct Metropolis {
    #[serde(rename = "Country")]
    country: String,
    #[serde(rename = "City Code")]
    code: String,
    #[serde(rename = "City Name")]
    city: String,
}

/// The same codes as in `chosen`, each with what the package says of it: of an airport, or else of a city with several.
/// A city that the package leaves empty stays as it is.
pub(super) fn draft(airports: &[u8], metropolises: &[u8], chosen: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut known: BTreeMap<String, (String, String)> = BTreeMap::new();
    for row in csv::Reader::from_reader(metropolises).into_deserialize() {
        let Metropolis { country, code, city } = row?;
        known.insert(code, (country, city));
    }
    for row in csv::Reader::from_reader(airports).into_deserialize() {
        let Airport { iata, city, country } = row?;
        known.insert(iata, (country, city));
    }
    let mut written = csv::Writer::from_writer(Vec::new());
    for row in csv::Reader::from_reader(chosen).into_deserialize() {
        let mut row: Row = row?;
        if row.source == PACKAGE {
            let (country, city) =
                known.get(&row.code).ok_or_else(|| format!("{} is in the package no more", row.code))?;
            row.country.clone_from(country);
            if !city.is_empty() {
                row.city.clone_from(city);
            }
        }
        written.serialize(row)?;
    }
    Ok(written.into_inner()?)
}
