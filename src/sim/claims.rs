//! What the simulated databases say, which may well be wrong.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::Config;
use crate::config::landmark::Landmark;
use crate::config::register::Asset;
use crate::location::source::names::{NameTable, Reading};
use crate::location::{Claim, Says};
use crate::network::Asn;
use crate::place::{CountryCode, CountrySet};

use super::written::{NetworkWritten, SaysWritten};

/// The name of the simulated routing table.
const ROUTES: &str = "routes";

/// The table of the codes in names that is shipped.
const NAMES: &str = include_str!("../../geodb/rdns.csv");

/// Databases, the routing table and the codes in names.
#[derive(Clone, Debug)]
pub(super) struct Claims {
    names: NameTable,
    sources: Vec<String>,
    countries: Vec<(String, IpNet, CountryCode)>,
    announced: Vec<(IpNet, Says)>,
    register: Vec<Asset>,
    landmarks: Vec<Landmark>,
}

impl Default for Claims {
    fn default() -> Self {
        // A table that cannot be read says nothing; a test of the embedded one reads it.
        let names = NameTable::parse(NAMES.as_bytes()).unwrap_or_default();
        Self {
            names,
            sources: Vec::new(),
            countries: Vec::new(),
            announced: Vec::new(),
            register: Vec::new(),
            landmarks: Vec::new(),
        }
    }
}

impl Claims {
    /// Adds what is written; of two entries for the same prefix the later counts.
    pub(super) fn add(&mut self, says: &[SaysWritten], networks: &[NetworkWritten]) {
        for line in says {
            if !self.sources.contains(&line.source) {
                self.sources.push(line.source.clone());
            }
            self.countries.push((line.source.clone(), line.prefix, line.country));
        }
        for network in networks {
            let (asn, name) = (Asn(network.asn), network.name.clone());
            let (kind, country, countries) = (network.kind, network.country, CountrySet::default());
            let announced = Says::Announced { asn, name, kind, country, countries };
            self.announced.extend(network.prefixes.iter().map(|prefix| (*prefix, announced.clone())));
        }
    }

    /// What the name of an address says of its place.
    pub(super) fn named(&self, address: IpAddr, name: String) -> Option<Claim> {
        let Reading { code, place, country, operator } = self.names.read(&name)?;
        let (code, place, operator) = (code.to_owned(), place.to_owned(), operator.to_vec());
        let says = Says::Named { name, code, place, country, operator };
        Some(Claim { about: address, source: "rdns".to_owned(), dated: None, says })
    }

    /// The operator's own register and landmarks, in place of those before.
    pub(super) fn set_register(&mut self, config: &Config) {
        self.register.clone_from(&config.assets);
        self.landmarks.clone_from(&config.landmarks);
    }

    /// What every source says of `address`, an empty entry included; the longest prefix of each counts.
    pub(super) fn about(&self, address: IpAddr) -> Vec<Claim> {
        let claim = |source: &str, says| Claim { about: address, source: source.to_owned(), dated: None, says };
        let countries = self.sources.iter().map(|source| {
            let entries = self.countries.iter().filter(|(s, prefix, _)| s == source && prefix.contains(&address));
            let best = entries.max_by_key(|(_, prefix, _)| prefix.prefix_len());
            claim(source, best.map_or(Says::NoEntry, |(_, _, country)| Says::Country(*country)))
        });
        let announced = self.announced.iter().filter(|(prefix, _)| prefix.contains(&address));
        let announced = announced.max_by_key(|(prefix, _)| prefix.prefix_len());
        let registered = self.register.iter().filter(|asset| asset.prefix.contains(&address));
        let registered = registered.max_by_key(|asset| asset.prefix.prefix_len()).map(|asset| {
            let says = Says::Registered { prefix: asset.prefix, country: asset.country };
            Claim { dated: Some(asset.dated), ..claim(&asset.source, says) }
        });
        let landmark = self.landmarks.iter().find(|landmark| landmark.address == address);
        let landmark = landmark.map(Landmark::claim);
        let announced = announced.map(|(_, says)| claim(ROUTES, says.clone()));
        countries.chain(announced).chain(registered).chain(landmark).collect()
    }
}
