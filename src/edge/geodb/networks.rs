//! Networks that are not in one place, from `geodb/networks.csv`: made by hand, held against the table of announcements
//! by a test.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::network::{Asn, NetworkKind};

/// The table as text.
const TABLE: &str = include_str!("../../../geodb/networks.csv");

/// A network whose addresses say nothing, or little, of where they are served.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Network {
    asn: u32,
    /// Who runs it.
    pub(super) operator: String,
    /// How its addresses relate to places.
    pub(super) kind: NetworkKind,
}

/// The rows by number.
pub(super) fn read() -> Result<BTreeMap<Asn, Network>, csv::Error> {
    let rows = csv::Reader::from_reader(TABLE.as_bytes()).into_deserialize();
    rows.map(|row| row.map(|network: Network| (Asn(network.asn), network))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::embedded;
    use super::*;

    /// What the table of announcements called a network when its row was written.
    #[derive(Deserialize)]
    struct Listed {
        asn: u32,
        name: String,
    }

    /// A network that has changed its name may have changed hands.
    #[test]
    fn every_network_bears_the_name_it_had_when_it_was_listed() {
        for row in csv::Reader::from_reader(TABLE.as_bytes()).into_deserialize() {
            let Listed { asn, name } = row.unwrap();
            let announcer = embedded::announcements().network(Asn(asn));
            assert_eq!(announcer.map(|a| a.name), Some(name.as_str()), "AS{asn}");
        }
    }

    #[test]
    fn no_network_is_listed_twice_or_as_ordinary() {
        let networks = read().unwrap();
        assert!(networks.len() > 100);
        assert_eq!(networks.len(), TABLE.lines().count() - 1);
        assert!(networks.values().all(|network| network.kind != NetworkKind::Ordinary));
    }
}
