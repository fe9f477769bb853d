use proptest::prelude::*;

use super::super::fixture::{Value, map, mmdb, text};
use super::*;

const EPOCH: u32 = 1_780_000_000;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn open(records: &[(&str, Value)]) -> Result<Mmdb, MmdbFault> {
    Mmdb::examined("test", mmdb(records, EPOCH))
}

#[test]
fn the_country_is_found_in_the_schema_of_every_maker() {
    let maxmind =
        map([("country", map([("iso_code", text("PK"))])), ("registered_country", map([("iso_code", text("US"))]))]);
    let old_ipinfo = map([("country", text("PK")), ("country_name", text("Pakistan"))]);
    let new_ipinfo = map([("country", text("Pakistan")), ("country_code", text("PK")), ("asn", text("AS9541"))]);
    let dbip = map([("city", text("Lahore")), ("country_code", text("PK"))]);
    for record in [maxmind, old_ipinfo, new_ipinfo, dbip] {
        let database = open(&[("203.101.0.0/16", record)]).unwrap();
        assert_eq!(database.country(address("203.101.184.84")), Some("PK".parse().unwrap()));
        assert_eq!(database.country(address("203.102.0.1")), None);
        assert!(database.holds().countries);
    }
}

#[test]
fn the_network_is_found_in_the_schema_of_every_maker() {
    let maxmind =
        map([("autonomous_system_number", Value::Number(9541)), ("autonomous_system_organization", text("Cybernet"))]);
    let ipinfo = map([("as_name", text("Cybernet")), ("asn", text("AS9541"))]);
    for record in [maxmind, ipinfo] {
        let database = open(&[("2400:adc0::/32", record)]).unwrap();
        assert_eq!(database.network(address("2400:adc0::1")), Some((Asn(9541), "Cybernet")));
        assert_eq!(database.holds(), Holds { countries: false, networks: true, entries: 1 });
    }
}

#[test]
fn a_registered_country_and_a_code_of_no_country_are_not_places() {
    let registered = map([("registered_country", map([("iso_code", text("PK"))]))]);
    let nowhere = map([("country_code", text("ZZ"))]);
    let somewhere = map([("country_code", text("PK"))]);
    let database = open(&[("1.0.0.0/8", registered), ("2.0.0.0/8", nowhere), ("3.0.0.0/8", somewhere)]).unwrap();
    assert_eq!(database.country(address("1.1.1.1")), None);
    assert_eq!(database.country(address("2.1.1.1")), None);
    assert_eq!(database.country(address("3.1.1.1")), Some("PK".parse().unwrap()));
    assert_eq!(database.holds().entries, 3);
}

#[test]
fn a_database_of_something_else_is_refused() {
    assert_eq!(open(&[("1.0.0.0/8", map([("is_anycast", Value::Number(1))]))]).unwrap_err(), MmdbFault::Foreign);
    assert_eq!(open(&[]).unwrap_err(), MmdbFault::Foreign);
    let odd = open(&[("1.0.0.0/8", map([("country", Value::Number(1))]))]).unwrap_err();
    assert!(matches!(odd, MmdbFault::Damaged(_)), "{odd}");
}

#[test]
fn a_truncated_database_is_named_as_such() {
    let whole = mmdb(&[("1.0.0.0/8", map([("country_code", text("PK"))]))], EPOCH);
    for length in 0..whole.len() {
        let fault = Mmdb::examined("test", whole[..length].to_vec()).unwrap_err();
        assert!(fault.to_string().contains("fetch it again"), "{length}: {fault}");
    }
    assert!(Mmdb::examined("test", whole).is_ok());
}

#[test]
fn a_tree_that_goes_round_in_circles_is_refused() {
    let mut bytes = mmdb(&[("1.0.0.0/8", map([("country_code", text("PK"))]))], EPOCH);
    bytes[..8].fill(0);
    assert!(matches!(Mmdb::examined("test", bytes), Err(MmdbFault::Damaged(_))));
}

proptest! {
    #[test]
    fn any_bytes_are_a_database_or_a_fault(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Mmdb::examined("test", bytes.clone()).is_err());
        let marked = [&bytes[..], b"\xab\xcd\xefMaxMind.com", &bytes[..]].concat();
        prop_assert!(Mmdb::examined("test", marked).is_err());
    }

    #[test]
    fn a_damaged_database_is_a_database_or_a_fault(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), asked in any::<[u8; 16]>(),
    ) {
        let record = map([("country", map([("iso_code", text("PK"))])), ("asn", text("AS9541"))]);
        let mut bytes = mmdb(&[("203.101.0.0/16", record.clone()), ("2400:adc0::/32", record)], EPOCH);
        for (index, byte) in damage {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        if let Ok(database) = Mmdb::examined("test", bytes) {
            let address = IpAddr::from(asked);
            let _ = (database.country(address), database.network(address));
            let _ = (database.country(self::address("203.101.1.1")), database.network(self::address("2400:adc0::1")));
        }
    }
}
