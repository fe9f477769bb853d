#![expect(clippy::disallowed_methods, reason = "writes the files that are read")]

use std::fs;

use super::fixture::{Value, map, mmdb, text};
use super::*;
use crate::config::geodb::DatabaseFile;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn country(code: &str) -> Value {
    map([("country_code", text(code))])
}

/// A configuration of these files, written to a directory that lives as long as it does.
fn files(contents: &[(&str, Vec<u8>)]) -> (tempfile::TempDir, GeodbConfig) {
    let directory = tempfile::tempdir().unwrap();
    let databases = contents.iter().map(|(name, bytes)| {
        let path = directory.path().join(format!("{name}.mmdb"));
        fs::write(&path, bytes).unwrap();
        DatabaseFile { name: (*name).to_owned(), path }
    });
    let config = GeodbConfig { embedded: true, databases: databases.collect(), outlines: None };
    (directory, config)
}

fn announced(claims: &[Claim]) -> Vec<(&str, u32, NetworkKind)> {
    let of_networks = claims.iter().filter_map(|claim| {
        let Says::Announced { asn, kind, .. } = &claim.says else { return None };
        Some((claim.source.as_str(), asn.0, *kind))
    });
    of_networks.collect()
}

#[test]
fn the_embedded_databases_know_a_pakistani_network_and_the_country_of_its_addresses() {
    let claims = Geodb::embedded().claims(address("203.101.184.84"));
    assert_eq!(claims[0].source, "dbip-country");
    assert_eq!(claims[0].says, Says::Country("PK".parse().unwrap()));
    assert_eq!(claims[0].dated, Some("2026-06-01".parse().unwrap()));
    let Says::Announced { asn, country, kind, .. } = &claims[1].says else { panic!("{claims:?}") };
    assert_eq!((*asn, *country, *kind), (Asn(9541), "PK".parse().ok(), NetworkKind::Ordinary));
    assert_eq!(claims[1].dated, Some("2026-06-17".parse().unwrap()));
    assert_eq!(claims.len(), 2);
}

#[test]
fn shared_networks_and_clouds_are_known_as_such_in_both_families() {
    let geodb = Geodb::embedded();
    for (asked, asn, kind) in [
        ("104.16.0.1", 13335, NetworkKind::Edge),
        ("2606:4700::1", 13335, NetworkKind::Edge),
        ("2.19.193.169", 20940, NetworkKind::Edge),
        ("45.60.73.176", 19551, NetworkKind::Edge),
        ("192.124.249.134", 30148, NetworkKind::Edge),
        ("13.248.169.48", 16509, NetworkKind::Cloud),
        ("52.156.198.57", 8075, NetworkKind::Cloud),
        ("2400:adc0::1", 9541, NetworkKind::Ordinary),
    ] {
        assert_eq!(announced(&geodb.claims(address(asked))), [("routed-asn", asn, kind)], "{asked}");
    }
}

#[test]
fn of_an_address_that_is_not_globally_reachable_only_the_register_speaks() {
    let assets = [Asset {
        prefix: "10.0.0.0/8".parse().unwrap(),
        country: "PK".parse().unwrap(),
        source: "list".to_owned(),
        dated: "2026-03-01".parse().unwrap(),
    }];
    let (_directory, config) = files(&[]);
    let geodb = Geodb::open(&config, &assets).unwrap();
    for asked in ["100.64.0.1", "127.0.0.1", "192.0.2.1", "::1", "fe80::1", "::ffff:192.168.0.1", "::"] {
        assert!(geodb.claims(address(asked)).is_empty(), "{asked}");
    }
    for asked in ["10.10.34.36", "::ffff:10.0.0.1"] {
        let claims = geodb.claims(address(asked));
        assert_eq!((claims.len(), claims[0].source.as_str()), (1, "asset-register (list)"), "{asked}");
    }
}

#[test]
fn every_database_of_countries_says_something_and_the_operators_come_first() {
    let one = mmdb(&[("203.101.0.0/16", country("AE"))], 1_780_000_000);
    let other = mmdb(&[("8.0.0.0/8", country("US"))], 1_790_000_000);
    let (_directory, config) = files(&[("one", one), ("other", other)]);
    let assets = [Asset {
        prefix: "203.101.184.0/24".parse().unwrap(),
        country: "PK".parse().unwrap(),
        source: "list".to_owned(),
        dated: "2026-03-01".parse().unwrap(),
    }];
    let claims = Geodb::open(&config, &assets).unwrap().claims(address("203.101.184.84"));
    let sources: Vec<&str> = claims.iter().map(|claim| claim.source.as_str()).collect();
    assert_eq!(sources, ["one", "other", "dbip-country", "routed-asn", "asset-register (list)"]);
    assert_eq!(claims[0].says, Says::Country("AE".parse().unwrap()));
    assert_eq!(claims[0].dated, Some("2026-05-28".parse().unwrap()));
    assert_eq!(claims[1].says, Says::NoEntry);
}

#[test]
fn a_database_of_networks_is_asked_before_the_embedded_table_which_still_tells_the_kind() {
    let (edge, home) = (("ipinfo", 13335, NetworkKind::Edge), ("routed-asn", 9541, NetworkKind::Ordinary));
    let record = map([("asn", text("AS13335")), ("as_name", text("Another name"))]);
    let (_directory, mut config) = files(&[("ipinfo", mmdb(&[("203.101.0.0/16", record)], 1_780_000_000))]);
    config.embedded = false;
    let geodb = Geodb::open(&config, &[]).unwrap();
    let claims = geodb.claims(address("203.101.184.84"));
    assert_eq!(claims.len(), 2, "a database of networks names no country: {claims:?}");
    assert_eq!(announced(&claims), [edge, home]);
    assert_eq!(announced(&geodb.claims(address("104.16.0.1"))), [("routed-asn", 13335, NetworkKind::Edge)]);
}

#[test]
fn a_stale_database_of_networks_does_not_hide_a_shared_network() {
    let record = |asn, name| map([("asn", text(asn)), ("as_name", text(name))]);
    let stale = mmdb(&[("104.16.0.0/12", record("AS9541", "A lease that ended"))], 1_700_000_000);
    let agrees = mmdb(&[("104.16.0.0/12", record("AS13335", "Cloudflare"))], 1_780_000_000);
    let (_directory, config) = files(&[("stale", stale), ("agrees", agrees)]);
    let claims = Geodb::open(&config, &[]).unwrap().claims(address("104.16.0.1"));
    let expected = [("stale", 9541, NetworkKind::Ordinary), ("agrees", 13335, NetworkKind::Edge)];
    assert_eq!(announced(&claims), expected, "and what is named twice is one hint");
}

#[test]
fn digests_name_every_database_that_was_asked() {
    let bytes = mmdb(&[("203.101.0.0/16", country("PK"))], 1_780_000_000);
    let sha256 = crate::digest::Digest::of_bytes(&bytes);
    let (_directory, config) = files(&[("mine", bytes)]);
    let digests = Geodb::open(&config, &[]).unwrap().digests();
    let names: Vec<&str> = digests.iter().map(|digest| digest.name.as_str()).collect();
    assert_eq!(names, ["mine", "dbip-country", "routed-asn"]);
    assert_eq!(digests[0].sha256, sha256);
    assert_eq!(digests[0].built.to_string(), "2026-05-28T20:26:40Z");
    let manifest = include_str!("../../../geodb/MANIFEST.sha256");
    assert!(digests[1..].iter().all(|digest| manifest.contains(&digest.sha256.to_string())));
}

#[test]
fn an_error_names_the_file_what_is_wrong_and_the_cure() {
    let whole = mmdb(&[("203.101.0.0/16", country("PK"))], 1_780_000_000);
    let (_directory, config) = files(&[("good", whole.clone()), ("cut", whole[..whole.len() / 2].to_vec())]);
    let message = Geodb::open(&config, &[]).unwrap_err().to_string();
    assert!(message.starts_with("read the database cut from "), "{message}");
    assert!(message.contains("cut.mmdb: it is not a whole MMDB file"), "{message}");
    assert!(message.ends_with("fetch it again, or take it out of the configuration"), "{message}");

    let (directory, mut config) = files(&[("gone", whole)]);
    fs::remove_file(directory.path().join("gone.mmdb")).unwrap();
    let message = Geodb::open(&config, &[]).unwrap_err().to_string();
    assert!(message.contains("gone.mmdb: No such file"), "{message}");
    config.databases[0].path = directory.path().to_owned();
    assert!(matches!(Geodb::open(&config, &[]), Err(GeodbError::Unsuitable { .. })));
}

#[test]
fn borders_may_be_the_operators() {
    let (directory, mut config) = files(&[]);
    let path = directory.path().join("borders.gz");
    fs::write(&path, include_bytes!("../../../geodb/borders.gz")).unwrap();
    config.outlines = Some(path.clone());
    let geodb = Geodb::open(&config, &[]).unwrap();
    assert_eq!(geodb.outlines().id(), Geodb::embedded().outlines().id());
    assert_eq!(geodb.sources().last().unwrap().origin, Origin::File(path.clone()));
    fs::write(&path, b"nonsense").unwrap();
    assert!(matches!(Geodb::open(&config, &[]), Err(GeodbError::Borders { .. })));
}

#[test]
fn a_network_of_one_country_is_told_from_one_of_many() {
    let table = embedded::announcements();
    let of = |asn| table.network(Asn(asn)).and_then(|network| network.country);
    for pakistani in [9541, 17557, 23674, 45773, 23888, 59257, 38264] {
        assert_eq!(of(pakistani), "PK".parse().ok(), "AS{pakistani}");
    }
    assert_eq!(of(16509), None);
}
