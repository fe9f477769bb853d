//! The file that says which imported addresses are landmarks: `[[landmark]]` tables with `address`, `name`, `country`,
//! `source` and, if known, `latitude` and `longitude` (both or none).

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;

use super::ImportError;
use super::written::{at, tables};
use crate::location::{Claim, Says};
use crate::network::AddressScope;
use crate::place::{Coordinates, CountryCode};
use crate::printable::Printable;

/// What is said of a landmark that is half placed.
const INCOMPLETE: &str = "half a position: write latitude and longitude, or neither";

/// What is claimed of landmarks, by their addresses.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Landmarks(BTreeMap<IpAddr, Claim>);

impl Landmarks {
    /// Reads the file's text.
    pub fn parse(text: &str) -> Result<Self, ImportError> {
        let file: File = tables(text)?;
        let mut landmarks = BTreeMap::new();
        for written in file.landmark {
            let start = written.span().start;
            let claim = written.into_inner().claim().map_err(|fault| at(text, start, fault))?;
            if let Some(earlier) = landmarks.insert(claim.about, claim) {
                return Err(at(text, start, format!("landmark {} is declared twice: leave one out", earlier.about)));
            }
        }
        if landmarks.is_empty() {
            return Err(at(text, 0, "no [[landmark]]: declare one, or leave the file out".to_owned()));
        }
        Ok(Self(landmarks))
    }

    /// What is claimed of `address`, if it is a landmark.
    pub fn claim(&self, address: IpAddr) -> Option<&Claim> {
        self.0.get(&address.to_canonical())
    }

    /// How many are declared.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    landmark: Vec<toml::Spanned<Written>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    address: String,
    name: String,
    country: String,
    latitude: Option<f64>,
    longitude: Option<f64>,
    source: String,
}

impl Written {
    fn claim(self) -> Result<Claim, String> {
        let about = address(&self.address)?;
        let country: CountryCode = self.country.parse().map_err(|fault| format!("country: {fault}"))?;
        if !country.is_assigned() {
            return Err(format!("country: {country} stands for no country: write one that does, such as AE"));
        }
        for (key, text) in [("name", &self.name), ("source", &self.source)] {
            if text.trim().is_empty() {
                return Err(format!("{key} is empty: write what an auditor can follow"));
            }
        }
        let coordinates = match (self.latitude, self.longitude) {
            (Some(latitude), Some(longitude)) => {
                Some(Coordinates::new(latitude, longitude).map_err(|fault| fault.to_string())?)
            }
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err(INCOMPLETE.to_owned()),
        };
        let says = Says::Landmark { name: self.name, country, coordinates };
        Ok(Claim { about, source: self.source, dated: None, says })
    }
}

fn address(text: &str) -> Result<IpAddr, String> {
    let address: Result<IpAddr, _> = text.parse();
    let address = address.map_err(|_| format!("address: {} is none: write one, such as 185.1.8.1", Printable(text)))?;
    let address = address.to_canonical();
    if AddressScope::of(address).is_global() {
        Ok(address)
    } else {
        Err(format!("address: {address} is no address of the Internet: name one that is reached over it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str =
        "[[landmark]]\naddress = \"185.1.8.1\"\nname = \"uae-ix\"\ncountry = \"AE\"\nsource = \"its page\"\n";

    #[test]
    fn a_landmark_is_a_claim_about_its_address() {
        let placed = format!("{ONE}latitude = 25.2\nlongitude = 55.3\n");
        for (text, coordinates) in [(ONE, None), (placed.as_str(), Some(Coordinates::new(25.2, 55.3).unwrap()))] {
            let landmarks = Landmarks::parse(text).unwrap();
            let claim = landmarks.claim("::ffff:185.1.8.1".parse().unwrap()).unwrap();
            let (name, country) = ("uae-ix".to_owned(), "AE".parse().unwrap());
            assert_eq!(claim.says, Says::Landmark { name, country, coordinates });
            assert_eq!((claim.source.as_str(), landmarks.len()), ("its page", 1));
            assert_eq!(landmarks.claim("185.1.8.2".parse().unwrap()), None);
        }
    }

    #[test]
    fn a_fault_names_its_line_and_the_cure() {
        let with = |line: &str| format!("{ONE}{line}\n");
        let without = |key: &str| ONE.lines().filter(|line| !line.starts_with(key)).collect::<Vec<_>>().join("\n");
        let in_place = |from: &str, to: &str| ONE.replace(from, to);
        for (text, line, words) in [
            (with("height = 3"), 6, "unknown field `height`"),
            (with("latitude = 25.2"), 1, "half a position: write latitude and longitude, or neither"),
            (with("latitude = 95\nlongitude = 5"), 1, "95 is not a latitude"),
            (with("latitude = \"25\"\nlongitude = 5"), 6, "invalid type"),
            (without("source"), 1, "missing field `source`"),
            (without("address"), 1, "missing field `address`"),
            (in_place("185.1.8.1", "uae-ix.net"), 1, "uae-ix.net is none: write one"),
            (in_place("185.1.8.1", "10.0.0.1"), 1, "10.0.0.1 is no address of the Internet"),
            (in_place("\"AE\"", "\"UAE\""), 1, "write two letters"),
            (in_place("\"AE\"", "\"ZZ\""), 1, "ZZ stands for no country"),
            (in_place("uae-ix", " "), 1, "name is empty"),
            (format!("{ONE}{ONE}"), 6, "declared twice"),
            (format!("{ONE}[[landmark\n"), 6, ""),
            ("landmarks = []\n".to_owned(), 1, "unknown field"),
            (String::new(), 1, "no [[landmark]]"),
        ] {
            let error = Landmarks::parse(&text).unwrap_err();
            assert!(error.line == line && error.fault.contains(words), "{text}: {error}");
        }
    }
}
