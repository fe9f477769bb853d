//! Address → block page: where resolvers lead names that they are told to withhold.
//!
//! The table (`geodb/sinkholes.csv`) has the addresses of which somebody has published what answers there. A name that
//! leads to one of them was answered by somebody who withholds it, not by its zone.

use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;
use serde::Deserialize;

/// The table that ships.
const SHIPPED: &str = include_str!("../../geodb/sinkholes.csv");

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Sinkhole {
    /// Its addresses.
    pub prefix: IpNet,
    /// What answers there, in words: `the block page of Iran`.
    pub what: String,
    /// Where that is published.
    pub source: String,
}

/// The block page behind `address`, if it is known as one.
pub fn sinkhole(address: IpAddr) -> Option<&'static Sinkhole> {
    static TABLE: LazyLock<Vec<Sinkhole>> = LazyLock::new(|| parse(SHIPPED).unwrap_or_default());
    TABLE.iter().find(|known| known.prefix.contains(&address.to_canonical()))
}

fn parse(table: &str) -> Result<Vec<Sinkhole>, csv::Error> {
    csv::Reader::from_reader(table.as_bytes()).into_deserialize().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_pages_are_known_by_their_addresses_and_nothing_else_is() {
        let told = |address: &str| sinkhole(address.parse().unwrap()).map(|known| known.what.as_str());
        for address in ["10.10.34.34", "10.10.34.35", "10.10.34.36", "::ffff:10.10.34.36"] {
            assert_eq!(told(address), Some("the block page of Iran"), "{address}");
        }
        assert_eq!(told("146.112.61.106"), Some("the block pages of OpenDNS and Umbrella"));
        assert_eq!(told("2001:cdba::3257:9652"), Some("the block page of FortiGuard"));
        for address in ["10.10.34.33", "10.10.34.37", "203.101.184.84", "::"] {
            assert_eq!(told(address), None, "{address}");
        }
    }

    #[test]
    fn every_row_is_read_and_says_where_it_is_known_from() {
        let rows = parse(SHIPPED).unwrap();
        assert_eq!(rows.len(), SHIPPED.lines().count() - 1);
        assert!(rows.iter().all(|row| row.source.contains("http") && row.what.starts_with("the block page")));
    }
}
