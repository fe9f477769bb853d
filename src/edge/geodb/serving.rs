//! Labels of points of presence → where those serve, by the tables of labels, of airports and of networks.

use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::embedded::{self, LABELS};
use super::{Origin, Source};
use crate::contact::pop::{PopLabel, PopReading, PopTable, Spot};
use crate::digest::Digest;
use crate::location::{Claim, Says};
use crate::network::Asn;
use crate::observation::DatabaseDigest;
use crate::place::CountryCode;

/// What `label` says of the place of `address`, which `announcers` announce: read as that one of the operators writes it
/// whose network that is, where several write such labels.
pub(super) fn claim(address: IpAddr, label: &PopLabel, announcers: &BTreeSet<Asn>) -> Option<Claim> {
    let readings = PopTable::shipped().readings(label);
    let placed = readings.filter_map(|reading| {
        let (place, country) = place(reading.spot)?;
        Some((networks_of(reading), place, country))
    });
    // The first of those that fit best.
    let is_theirs = |networks: &[Asn]| networks.iter().any(|asn| announcers.contains(asn));
    let (operator, place, country) = placed.min_by_key(|(networks, ..)| !is_theirs(networks))?;
    let says = Says::Serving { label: label.label.clone(), place, country, operator };
    Some(Claim { about: address, source: label.source.clone(), dated: None, says })
}

/// The city, where one is named, and the country.
fn place(spot: Spot<'_>) -> Option<(String, CountryCode)> {
    match spot {
        Spot::Code(code) => {
            let airport = embedded::airports().of(code)?;
            Some((airport.city.clone(), airport.country))
        }
        Spot::Country(country) => country.is_assigned().then(|| (String::new(), country)),
    }
}

/// The networks of the operator, as the table of networks has them.
fn networks_of(reading: PopReading<'_>) -> Vec<Asn> {
    let networks = embedded::networks().iter().filter(|(_, network)| network.operator == reading.operator);
    networks.map(|(asn, _)| *asn).collect()
}

fn built() -> Timestamp {
    let day = embedded::LABELS_DATED.to_zoned(TimeZone::UTC).map(|begin| begin.timestamp());
    day.unwrap_or_default()
}

pub(super) fn digests() -> impl Iterator<Item = DatabaseDigest> {
    LABELS.iter().map(|table| DatabaseDigest {
        name: table.name.to_owned(),
        sha256: Digest::of_bytes(table.bytes),
        built: built(),
    })
}

pub(super) fn sources() -> impl Iterator<Item = Source> {
    let entries = [PopTable::shipped().len(), embedded::airports().len(), embedded::operators().len()];
    let holds = ["labels of points of presence", "codes of places", "operators of names"];
    LABELS.iter().zip(entries).zip(holds).map(|((table, entries), holds)| Source {
        name: table.name.to_owned(),
        holds,
        entries,
        built: Some(built()),
        sha256: Some(Digest::of_bytes(table.bytes)),
        origin: Origin::Embedded { licence: table.licence, attribution: table.attribution },
        notes: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::Geodb;
    use super::*;
    use crate::location::claims::speak_for;
    use crate::network::NetworkKind;

    /// Where a label at an address says that it serves, and whether that counts.
    fn told(address: &str, source: &str, label: &str) -> Option<(String, bool)> {
        let (geodb, address) = (Geodb::embedded(), address.parse().unwrap());
        let label = PopLabel { source: source.to_owned(), label: label.to_owned() };
        let claim = geodb.serving(address, &label)?;
        assert_eq!((claim.about, claim.source.as_str(), claim.dated), (address, source, None));
        let Says::Serving { place, country, operator, .. } = &claim.says else { panic!("{claim:?}") };
        Some((format!("{place}, {country}"), speak_for(operator, &geodb.claims(address))))
    }

    #[test]
    fn labels_are_placed_and_count_in_the_networks_of_those_who_write_them() {
        let told = |address, source, label| told(address, source, label).unwrap();
        assert_eq!(told("104.16.0.1", "cf-ray", "KHI"), ("Karachi, PK".to_owned(), true));
        assert_eq!(told("104.16.0.1", "colo", "SIN"), ("Singapore, SG".to_owned(), true));
        assert_eq!(told("151.101.1.1", "x-served-by", "cache-mct1-MCT"), ("Muscat, OM".to_owned(), true));
        assert_eq!(told("99.84.0.1", "x-amz-cf-pop", "FRA56-P4"), ("Frankfurt am Main, DE".to_owned(), true));
        assert_eq!(told("8.8.8.8", "nsid", "gpdns-sin"), ("Singapore, SG".to_owned(), true));
    }

    #[test]
    fn a_label_in_the_network_of_another_is_placed_and_does_not_count() {
        for address in ["203.101.184.84", "65.109.77.254", "151.101.1.1"] {
            assert_eq!(told(address, "cf-ray", "KHI"), Some(("Karachi, PK".to_owned(), false)), "{address}");
        }
        assert_eq!(told("203.101.184.84", "nsid", "KHI"), Some(("Karachi, PK".to_owned(), false)));
    }

    #[test]
    fn what_is_no_label_or_has_an_unknown_code_is_no_claim() {
        for (source, label) in
            [("cf-ray", "ZZZ"), ("cf-ray", "KHI\u{1b}"), ("x-77-pop", "nowhereXX"), ("server", "KHI")]
        {
            assert_eq!(told("104.16.0.1", source, label), None, "{source} {label:?}");
        }
    }

    #[test]
    fn every_operator_that_names_places_has_networks_that_share() {
        for row in include_str!("../../../geodb/pops.csv").lines().skip(1).filter(|row| !row.contains(",none,")) {
            let operator = row.split(',').nth(1).unwrap();
            let mut networks = embedded::networks().values().filter(|network| network.operator == operator).peekable();
            assert!(networks.peek().is_some(), "{operator}");
            assert!(networks.all(|network| network.kind != NetworkKind::Ordinary), "{operator}");
        }
    }
}
