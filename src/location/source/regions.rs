//! What clouds publish of themselves: in which of their regions a prefix is, or that it is served at their edges.
//!
//! The four forms: Amazon's `ip-ranges.json`, Google's `cloud.json`, Microsoft's `ServiceTags_Public_*.json`, Oracle's
//! `public_ip_ranges.json`. A region has a country by a table of ours (`geodb/regions.csv`); one that the table does not
//! know is no claim. Amazon's local zones are named by their network border group: `me-south-1-mct-1` belongs to a region
//! in Bahrain and is in Oman, so that a group which is not known never has the country of its region.
//!
//! Where prefixes overlap the most specific one speaks. But what a service of the edge serves (`CloudFront`, Global
//! Accelerator, Front Door) is an edge, however a region inside of it is drawn.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::prefixes::{self, PrefixTable};
use super::{Dirt, Flaw, MOST_ENTRIES, SourceFault};
use crate::place::CountryCode;

mod forms;

/// A cloud that publishes the regions of its prefixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cloud {
    /// Amazon Web Services: `ip-ranges.json`.
    Aws,
    /// Google Cloud: `cloud.json`.
    Gcp,
    /// Microsoft Azure: `ServiceTags_Public_*.json`.
    Azure,
    /// Oracle Cloud: `public_ip_ranges.json`.
    Oci,
}

impl Cloud {
    /// Every cloud.
    pub const ALL: [Self; 4] = [Self::Aws, Self::Gcp, Self::Azure, Self::Oci];

    /// The word used in the configuration and in evidence.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Gcp => "gcp",
            Self::Azure => "azure",
            Self::Oci => "oci",
        }
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// In which country the regions of the clouds are.
#[derive(Clone, Debug, Default)]
pub struct RegionCountries(BTreeMap<(Cloud, String), CountryCode>);

impl RegionCountries {
    /// Reads the table: CSV of provider, region, country, source.
    pub fn parse(table: &str) -> Result<Self, csv::Error> {
        #[derive(Deserialize)]
        struct Row {
            provider: Cloud,
            region: String,
            country: CountryCode,
        }
        let rows = csv::Reader::from_reader(table.as_bytes()).into_deserialize();
        rows.map(|row| row.map(|Row { provider, region, country }| ((provider, region), country)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The country of a region, if it is known.
    pub fn country(&self, cloud: Cloud, region: &str) -> Option<CountryCode> {
        self.0.get(&(cloud, region.to_ascii_lowercase())).copied()
    }

    /// How many regions are known.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a cloud publishes of its prefixes.
#[derive(Clone, Debug)]
pub struct Regions {
    cloud: Cloud,
    /// The regions of the file, each with its country where that is known.
    names: Vec<(String, Option<CountryCode>)>,
    /// The prefixes, each with the place of its region in that list; `None` where the file contradicts itself.
    places: PrefixTable<Option<usize>>,
    edges: PrefixTable<Edge>,
    /// The day of the data, where the form has one.
    pub dated: Option<Date>,
    /// What was wrong with it.
    pub dirt: Dirt,
}

/// A prefix that is in no one region.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Edge {
    service: String,
    /// Whether a service of the edge serves it; otherwise it is merely of no region, which a region inside of it outdoes.
    by_service: bool,
}

/// What a cloud says of one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published<'a> {
    /// It is in a region.
    Region {
        /// The region, as the cloud calls it.
        region: &'a str,
        /// Where that is.
        country: CountryCode,
    },
    /// It is served at the edges of the cloud.
    Edge {
        /// By which service.
        service: &'a str,
    },
}

/// One prefix of a form.
#[derive(Debug, PartialEq, Eq)]
enum Entry {
    Region(String),
    Edge(Edge),
}

/// The prefixes of a form, as they are written, and the day of the data.
struct Form {
    dated: Option<Date>,
    entries: Vec<(String, Entry)>,
}

impl Regions {
    /// Reads what `cloud` publishes; `countries` says where its regions are.
    pub fn parse(cloud: Cloud, bytes: &[u8], countries: &RegionCountries) -> Result<Self, SourceFault> {
        let form = forms::name(cloud);
        let read = forms::read(cloud, bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
        let Form { dated, entries } = read.map_err(|error| SourceFault::Foreign { form, why: error.to_string() })?;
        let (places, edges, dirt) = (PrefixTable::default(), PrefixTable::default(), Dirt::default());
        let mut regions = Self { cloud, names: Vec::new(), places, edges, dated, dirt };
        let mut index = BTreeMap::new();
        for (text, entry) in entries {
            if let Err(flaw) = regions.take(&text, entry, countries, &mut index) {
                regions.dirt.note(flaw, || format!("{text:.60?}"));
            }
        }
        let known = regions.names.iter().any(|(_, country)| country.is_some());
        if !known && regions.edges.is_empty() {
            return Err(SourceFault::Nothing { form, dirt: regions.dirt });
        }
        Ok(regions)
    }

    fn take(
        &mut self,
        text: &str,
        entry: Entry,
        countries: &RegionCountries,
        index: &mut BTreeMap<String, usize>,
    ) -> Result<(), Flaw> {
        let prefix = prefixes::parse(text.trim())?.prefix;
        if self.len() >= MOST_ENTRIES {
            return Err(Flaw::TooMany);
        }
        match entry {
            Entry::Edge(edge) => {
                let by_service = self.edges.get(prefix).is_some_and(|before| before.by_service);
                if edge.by_service || !by_service {
                    self.edges.insert(prefix, edge);
                }
                Ok(())
            }
            Entry::Region(region) => self.take_region(prefix, region, countries, index),
        }
    }

    fn take_region(
        &mut self,
        prefix: IpNet,
        region: String,
        countries: &RegionCountries,
        index: &mut BTreeMap<String, usize>,
    ) -> Result<(), Flaw> {
        let country = countries.country(self.cloud, &region);
        let place = *index.entry(region).or_insert_with_key(|region| {
            self.names.push((region.clone(), country));
            self.names.len() - 1
        });
        if country.is_none() {
            let name = self.names.get(place).map_or("", |(name, _)| name.as_str());
            self.dirt.note(Flaw::UnknownRegion, || format!("{name:.60?}"));
        }
        let before = self.places.get(prefix).map(|before| before.and_then(|place| self.names.get(place)?.1));
        if before.is_some_and(|before| before != country) {
            self.places.insert(prefix, None);
            return Err(Flaw::Contradiction);
        }
        self.places.insert(prefix, Some(place));
        Ok(())
    }

    /// What the cloud says of `address`.
    pub fn find(&self, address: IpAddr) -> Option<Published<'_>> {
        let place = self.places.find(address);
        if let Some((prefix, edge)) = self.edges.find(address) {
            let inside = place.is_some_and(|(of_region, _)| of_region.prefix_len() > prefix.prefix_len());
            if edge.by_service || !inside {
                return Some(Published::Edge { service: &edge.service });
            }
        }
        let (name, country) = self.names.get((*place?.1)?)?;
        Some(Published::Region { region: name, country: (*country)? })
    }

    /// Who publishes it.
    pub fn cloud(&self) -> Cloud {
        self.cloud
    }

    /// How many prefixes it is about.
    pub fn len(&self) -> usize {
        self.places.len() + self.edges.len()
    }

    /// Whether it is about none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty() && self.edges.is_empty()
    }
}

#[cfg(test)]
mod tests;
