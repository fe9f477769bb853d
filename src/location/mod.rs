//! Addresses, claims and round-trip times → countries, graded.
//!
//! A location is a claim about a *set* of countries, seen from a vantage at a time, with every piece of evidence kept:
//! what counted for it, what counted against it, and what light refuted. [`fuse()`](fuse::fuse) is the only way to one.
//!
//! What may prove, attest or only hint is product.md's table of grades; the constants and their sources are beside the
//! code that uses them, in [`light`] and [`weigh`].

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::network::{Asn, NetworkKind};
use crate::place::{Coordinates, CountryCode, CountrySet};

use evidence::Evidence;
use source::regions::Cloud;
use tally::Sums;

pub mod claims;
pub mod derivation;
pub mod disc;
pub mod evidence;
pub mod fuse;
pub mod light;
pub mod outlines;
pub mod path;
pub mod setting;
pub mod source;
pub mod tally;
pub mod weigh;
pub mod yardstick;

/// What a source says of one address. A source without an entry says so: that is an answer as well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// The address it is about.
    pub about: IpAddr,
    /// Who says it: `dbip-country`, a file name of the operator, `asset-register`.
    pub source: String,
    /// The day of the data.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dated: Option<Date>,
    /// What it says.
    pub says: Says,
}

/// What a claim says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Says {
    /// A geolocation database names a country.
    Country(CountryCode),
    /// A geolocation database has no entry for it.
    NoEntry,
    /// A routing table: who announces it.
    Announced {
        /// The network.
        asn: Asn,
        /// What the network is called.
        name: String,
        /// How its addresses relate to places.
        kind: NetworkKind,
        /// The country in which nearly all of the network's announced addresses lie, where there is one.
        country: Option<CountryCode>,
        /// Where there is no such country: those in each of which at least one in a hundred of these addresses lie.
        #[serde(skip_serializing_if = "CountrySet::is_empty", default)]
        countries: CountrySet,
    },
    /// The operator's own dated register says where it is.
    Registered {
        /// The entry's prefix.
        prefix: IpNet,
        /// Where it says that the prefix is.
        country: CountryCode,
    },
    /// The point of presence that answered names its own place.
    Serving {
        /// How it called itself.
        label: String,
        /// The city that the label stands for, by our table, where it stands for one.
        #[serde(skip_serializing_if = "String::is_empty", default)]
        place: String,
        /// Where that is.
        country: CountryCode,
        /// The networks of the operator that writes such labels: it counts where they alone announce the address.
        #[serde(default)]
        operator: Vec<Asn>,
    },
    /// A geofeed: where a network says that a prefix of its own is.
    Geofeed {
        /// The entry's prefix.
        prefix: IpNet,
        /// Where it says that the prefix is.
        country: CountryCode,
        /// The networks of its publisher, by the configuration: it counts where they alone announce the address.
        publisher: Vec<Asn>,
    },
    /// A cloud publishes in which of its regions the address is.
    Region {
        /// The cloud.
        provider: Cloud,
        /// The region, or the local zone, as the cloud calls it.
        region: String,
        /// Where that is, by our table.
        country: CountryCode,
    },
    /// A cloud publishes that it serves the address at its edges.
    Edge {
        /// The cloud.
        provider: Cloud,
        /// By which service.
        service: String,
    },
    /// A list of anycast prefixes holds the address.
    Anycast {
        /// The prefix of the list.
        prefix: IpNet,
    },
    /// The name of the address (PTR) has a code of its network's operator in it.
    Named {
        /// The name.
        name: String,
        /// The code in it.
        code: String,
        /// The city that the code stands for, by our table.
        place: String,
        /// Where that is.
        country: CountryCode,
        /// The networks of the operator: it counts where they alone announce the address.
        operator: Vec<Asn>,
    },
    /// A registry: in which country the holder of the address is registered, which is no place.
    Delegated {
        /// The registry: `apnic`.
        registry: String,
        /// The country.
        country: CountryCode,
    },
    /// The operator declares an address whose place is known, by which vantages are calibrated.
    Landmark {
        /// What it is called.
        name: String,
        /// Where it is.
        country: CountryCode,
        /// Where exactly, to the city at least, if that is known.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        coordinates: Option<Coordinates>,
    },
}

impl Says {
    /// The network that announces the address, if that is what is said.
    pub fn announcer(&self) -> Option<Asn> {
        if let Self::Announced { asn, .. } = self { Some(*asn) } else { None }
    }
}

/// Which borders were used: where a line is drawn is policy, and must be reproducible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutlinesId {
    /// The name of the borders.
    pub name: String,
    /// The digest of the file they were read from.
    pub sha256: Digest,
}

/// Where an address is, as far as we can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// At home.
    Inside,
    /// Abroad.
    Outside,
    /// A shared or anycast address: where it is served depends on who asks.
    Edge,
    /// We cannot tell.
    Unknown,
}

impl Place {
    /// Every place, in the order of metrics.
    pub const ALL: [Self; 4] = [Self::Inside, Self::Outside, Self::Edge, Self::Unknown];

    /// The word used in JSON, metrics and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Outside => "outside",
            Self::Edge => "edge",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How well a place is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// Proofs or attestations contradict each other.
    Conflict,
    /// Too little evidence.
    Indeterminate,
    /// Hints of independent kinds agree.
    Probable,
    /// Somebody accountable says so, and light does not object.
    Attested,
    /// Light alone leaves nothing else.
    Proven,
}

impl Grade {
    /// Every grade, best first.
    pub const ALL: [Self; 5] = [Self::Proven, Self::Attested, Self::Probable, Self::Indeterminate, Self::Conflict];

    /// The word used in JSON, metrics and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Attested => "attested",
            Self::Probable => "probable",
            Self::Indeterminate => "indeterminate",
            Self::Conflict => "conflict",
        }
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where one address is, seen from one vantage, with everything that was weighed.
#[derive(Clone, Debug, PartialEq)]
pub struct Location<'a> {
    /// The address.
    pub address: IpAddr,
    /// Where it is.
    pub place: Place,
    /// How well that is known.
    pub grade: Grade,
    /// The countries that the surviving evidence allows; empty when we cannot tell.
    pub countries: CountrySet,
    /// The network that announces it, where a table says so.
    pub asn: Option<Asn>,
    /// Where its holder is registered, which is no place.
    pub registered: CountrySet,
    /// The evidence, in the order it was weighed.
    pub evidence: Vec<Evidence<'a>>,
    /// What the hints of each group come to.
    pub sums: Sums,
}

/// The kinds of evidence, as product.md names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceKind {
    /// A round-trip time drawn as a disc round a vantage.
    Disc,
    /// A geolocation database.
    Database,
    /// The announcing network.
    Asn,
    /// Where the holder is registered.
    Registry,
    /// What a network publishes of its own prefixes.
    Geofeed,
    /// What a cloud publishes of its own prefixes.
    Region,
    /// Discs that do not meet, or a list: several sites behind one address.
    Anycast,
    /// The name of the address, as its operator writes places into names.
    Rdns,
    /// The operator's dated register.
    Register,
    /// What the serving point says of itself.
    Pop,
    /// Round-trip times beside those of addresses whose place is known.
    RttGap,
    /// What the hops on the way say.
    Path,
}

impl EvidenceKind {
    /// The word used in JSON and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disc => "disc",
            Self::Database => "database",
            Self::Asn => "asn",
            Self::Registry => "registry",
            Self::Geofeed => "geofeed",
            Self::Region => "region",
            Self::Anycast => "anycast",
            Self::Rdns => "rdns",
            Self::Register => "register",
            Self::Pop => "pop",
            Self::RttGap => "rtt-gap",
            Self::Path => "path",
        }
    }
}

/// How much a piece of evidence may decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// It settles the matter.
    Proof,
    /// Somebody accountable says so.
    Attested,
    /// It counts, up to the cap of its group; at no nats it says nothing either way.
    Hint,
    /// Light contradicts it: kept, shown, not counted.
    Refuted,
}

impl Weight {
    /// The word used in JSON and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proof => "proof",
            Self::Attested => "attested",
            Self::Hint => "hint",
            Self::Refuted => "refuted",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_countries_of_a_network_are_written_only_where_there_are_some() {
        let without = r#"{"announced":{"asn":9541,"name":"Cybernet","kind":"ordinary","country":"PK"}}"#;
        let says: Says = serde_json::from_str(without).unwrap();
        assert_eq!(serde_json::to_string(&says).unwrap(), without);
        let with =
            r#"{"announced":{"asn":24940,"name":"Hetzner","kind":"ordinary","country":null,"countries":["DE","FI"]}}"#;
        let says: Says = serde_json::from_str(with).unwrap();
        assert_eq!(serde_json::to_string(&says).unwrap(), with);
    }
}
