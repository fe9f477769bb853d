//! The databases that are part of the binary, each inflated once, when it is first asked for.
//!
//! They cannot fail: a test holds the bytes against `geodb/MANIFEST.sha256` and reads every one of them.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Arc, LazyLock};

use flate2::read::GzDecoder;
use jiff::civil::{Date, date};

use super::announcements::Announcements;
use super::mmdb::Mmdb;
use super::networks::{self, Network};
use crate::config::geodb::{ANNOUNCEMENTS as ANNOUNCED, EMBEDDED};
use crate::digest::Digest;
use crate::location::outlines::Outlines;
use crate::location::source::airports::AirportTable;
use crate::location::source::names::NameTable;
use crate::location::source::operators::OperatorTable;
use crate::location::source::regions::RegionCountries;
use crate::network::Asn;

/// A data file of `geodb/`, and the terms under which it may be passed on.
pub(super) struct Shipped {
    /// Its name in claims and metrics.
    pub(super) name: &'static str,
    pub(super) bytes: &'static [u8],
    pub(super) licence: &'static str,
    pub(super) attribution: &'static str,
}

pub(super) const COUNTRY: Shipped = Shipped {
    name: EMBEDDED,
    bytes: include_bytes!("../../../geodb/dbip-country.mmdb.gz"),
    licence: "CC BY 4.0",
    attribution: "IP Geolocation by DB-IP (https://db-ip.com)",
};

pub(super) const ANNOUNCEMENTS: Shipped = Shipped {
    name: ANNOUNCED,
    bytes: include_bytes!("../../../geodb/routed-asn.gz"),
    licence: "CC BY 4.0",
    attribution: "RouteViews (https://www.routeviews.org), DB-IP (https://db-ip.com), NRO (https://www.nro.net), merged by \
                  ip-location-db, whose author says that this data contains bugs",
};

pub(super) const OUTLINES: Shipped = Shipped {
    name: "natural-earth-4.1.0-10m",
    bytes: include_bytes!("../../../geodb/borders.gz"),
    licence: "public domain (packaging: ISC)",
    attribution: "Made with Natural Earth (https://www.naturalearthdata.com), packaged as world-atlas",
};

/// The countries of addresses.
#[expect(clippy::expect_used, reason = "the bytes are part of the binary, and a test reads them")]
pub(super) fn country() -> &'static Mmdb {
    static DATABASE: LazyLock<Mmdb> = LazyLock::new(|| {
        let mut bytes = Vec::new();
        GzDecoder::new(COUNTRY.bytes).read_to_end(&mut bytes).expect("embedded bytes inflate");
        Mmdb::trusted(COUNTRY.name, bytes, Digest::of_bytes(COUNTRY.bytes)).expect("embedded bytes are a database")
    });
    &DATABASE
}

/// Who announces what.
#[expect(clippy::expect_used, reason = "the bytes are part of the binary, and a test reads them")]
pub(super) fn announcements() -> &'static Announcements {
    static TABLE: LazyLock<Announcements> =
        LazyLock::new(|| Announcements::decode(ANNOUNCEMENTS.bytes).expect("embedded bytes are a table"));
    &TABLE
}

/// The networks that are not in one place.
#[expect(clippy::expect_used, reason = "the text is part of the binary, and a test reads it")]
pub(super) fn networks() -> &'static BTreeMap<Asn, Network> {
    static NETWORKS: LazyLock<BTreeMap<Asn, Network>> =
        LazyLock::new(|| networks::read().expect("embedded text is a table"));
    &NETWORKS
}

/// In which countries the regions of clouds are.
#[expect(clippy::expect_used, reason = "the text is part of the binary, and a test reads it")]
pub(super) fn regions() -> &'static RegionCountries {
    static REGIONS: LazyLock<RegionCountries> = LazyLock::new(|| {
        RegionCountries::parse(include_str!("../../../geodb/regions.csv")).expect("embedded text is a table")
    });
    &REGIONS
}

/// How operators write places into names.
pub(super) const NAMES: Shipped = Shipped {
    name: "rdns",
    bytes: include_bytes!("../../../geodb/rdns.csv"),
    licence: "as pehra",
    attribution: "made for pehra, each row with its source",
};

/// The day of that table.
pub(super) const NAMES_DATED: Date = date(2026, 11, 22);

/// The codes of places in names.
#[expect(clippy::expect_used, reason = "the text is part of the binary, and a test reads it")]
pub(super) fn names() -> Arc<NameTable> {
    static TABLE: LazyLock<Arc<NameTable>> =
        LazyLock::new(|| Arc::new(NameTable::parse(NAMES.bytes).expect("embedded text is a table")));
    Arc::clone(&TABLE)
}

/// The labels of points of presence, the codes of places in them, and the operators of names: each a table of text.
pub(super) const LABELS: [Shipped; 3] = [
    Shipped {
        name: "pops",
        bytes: include_bytes!("../../../geodb/pops.csv"),
        licence: "as pehra",
        attribution: "made for pehra, each row with its source",
    },
    Shipped {
        name: "airports",
        bytes: AIRPORTS.as_bytes(),
        licence: "MIT",
        attribution: "airportsdata, Copyright (c) 2020 Mike Borsetti; includes data of mwgg/Airports, Copyright (c) 2014 mwgg",
    },
    Shipped {
        name: "operators",
        bytes: OPERATORS.as_bytes(),
        licence: "as pehra",
        attribution: "made for pehra, each row with its source",
    },
];

const AIRPORTS: &str = include_str!("../../../geodb/airports.csv");

const OPERATORS: &str = include_str!("../../../geodb/operators.csv");

/// The day of those tables.
pub(super) const LABELS_DATED: Date = date(2026, 11, 22);

/// Where airports are.
#[expect(clippy::expect_used, reason = "the text is part of the binary, and a test reads it")]
pub(super) fn airports() -> &'static AirportTable {
    static TABLE: LazyLock<AirportTable> =
        LazyLock::new(|| AirportTable::parse(AIRPORTS).expect("embedded text is a table"));
    &TABLE
}

/// Who operates names.
#[expect(clippy::expect_used, reason = "the text is part of the binary, and a test reads it")]
pub(super) fn operators() -> &'static OperatorTable {
    static TABLE: LazyLock<OperatorTable> =
        LazyLock::new(|| OperatorTable::parse(OPERATORS).expect("embedded text is a table"));
    &TABLE
}

/// The borders of the world.
#[expect(clippy::expect_used, reason = "the bytes are part of the binary, and a test reads them")]
pub(super) fn outlines() -> Arc<Outlines> {
    static MAP: LazyLock<Arc<Outlines>> =
        LazyLock::new(|| Arc::new(Outlines::decode(OUTLINES.bytes).expect("embedded bytes are a map")));
    Arc::clone(&MAP)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = include_str!("../../../geodb/MANIFEST.sha256");

    #[test]
    fn the_manifest_lists_the_embedded_bytes_and_the_files() {
        let lines = MANIFEST.lines().filter_map(|line| line.split_once("  "));
        let mut listed: BTreeMap<&str, &str> = lines.map(|(digest, file)| (file, digest)).collect();
        for (file, bytes) in [
            ("dbip-country.mmdb.gz", COUNTRY.bytes),
            ("routed-asn.gz", ANNOUNCEMENTS.bytes),
            ("borders.gz", OUTLINES.bytes),
            ("networks.csv", include_bytes!("../../../geodb/networks.csv")),
            ("countries.csv", include_bytes!("../../../geodb/countries.csv")),
            ("hubs.csv", include_bytes!("../../../geodb/hubs.csv")),
            ("regions.csv", include_bytes!("../../../geodb/regions.csv")),
            ("rdns.csv", NAMES.bytes),
            ("pops.csv", LABELS[0].bytes),
            ("airports.csv", LABELS[1].bytes),
            ("operators.csv", LABELS[2].bytes),
            ("sinkholes.csv", include_bytes!("../../../geodb/sinkholes.csv")),
        ] {
            let digest = Digest::of_bytes(bytes).to_string();
            assert_eq!(listed.remove(file), Some(digest.as_str()), "{file}");
        }
        assert!(listed.is_empty(), "{listed:?}");
    }

    #[test]
    fn every_embedded_database_can_be_read() {
        assert!(country().survey().unwrap().countries);
        assert!(announcements().entries() > 400_000);
        assert!(networks().len() > 100);
        assert!(regions().len() > 250);
        assert!(names().len() > 100);
        assert!(airports().len() > 400);
        assert!(operators().len() > 100);
        assert!(outlines().countries().len() > 230);
    }

    #[test]
    fn the_embedded_databases_stay_small() {
        let total: usize = [COUNTRY, ANNOUNCEMENTS, OUTLINES].iter().map(|shipped| shipped.bytes.len()).sum();
        assert!(total < 12_000_000, "{total}");
    }
}
