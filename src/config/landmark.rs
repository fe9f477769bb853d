//! `[[landmark]]`: addresses of which is known where they are. They are measured as endpoints are, and say how far away
//! others are; nothing is judged of them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::location::Says;
use crate::network::AddressScope;
use crate::place::{Coordinates, CountryCode};

use super::fault::Spot;
use super::section::{At, Reading, Section};
use super::{value, vantage};

/// An address of which is known where it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Landmark {
    /// The address.
    pub address: IpAddr,
    /// Its name in evidence.
    pub name: String,
    /// The country it is in.
    pub country: CountryCode,
    /// Where it stands, if that is known.
    pub coordinates: Option<Coordinates>,
    /// Who says so, in words that an auditor can follow.
    pub source: String,
}

impl Landmark {
    /// What is claimed of its address.
    pub fn says(&self) -> Says {
        Says::Landmark { name: self.name.clone(), country: self.country, coordinates: self.coordinates }
    }
}

/// Reads the entries.
pub(super) fn read(root: &Section<'_>) -> Vec<At<Landmark>> {
    let (mut addresses, mut names) = (BTreeMap::new(), BTreeMap::new());
    let mut landmarks = Vec::new();
    for entry in root.sections("landmark") {
        let address = entry.require("address", "the address, such as address = \"185.1.8.1\"", address);
        let name = entry.require("name", "its name in evidence, such as name = \"uae-ix\"", value::name);
        let country = entry.require("country", "two letters, such as country = \"AE\"", value::country);
        let source = entry.require("source", "who says so, such as source = \"the operator's own page\"", value::text);
        let coordinates = vantage::coordinates(&entry);
        let address = address.filter(|address| is_first(&mut addresses, address, &entry));
        let name = name.filter(|name| is_first(&mut names, name, &entry));
        if let (Some(address), Some(name), Some(country), Some(source)) = (address, name, country, source) {
            let (name, country, source) = (name.value, country.value, source.value);
            landmarks.push(address.map(|address| Landmark { address, name, country, coordinates, source }));
        }
    }
    landmarks
}

/// Whether no landmark before has this address or name; otherwise that is reported.
fn is_first<T: Ord + Clone + std::fmt::Display>(
    taken: &mut BTreeMap<T, Spot>,
    it: &At<T>,
    entry: &Section<'_>,
) -> bool {
    if let Some(first) = taken.get(&it.value) {
        let message = format!("{} is that of another landmark already ({first}): leave one of them", it.value);
        entry.faults().error(&it.spot, message);
        return false;
    }
    taken.insert(it.value.clone(), it.spot.clone());
    true
}

fn address(value: &toml::de::DeValue<'_>) -> Reading<IpAddr> {
    let text = value::text(value)?;
    let address: Option<IpAddr> = text.parse().ok().map(|address: IpAddr| address.to_canonical());
    let address = address.ok_or_else(|| format!("{text:?} is not an address: write one, such as 185.1.8.1"))?;
    if AddressScope::of(address).is_global() {
        Ok(address)
    } else {
        Err(format!("{address} is no address of the Internet: name one that is reached over it"))
    }
}
