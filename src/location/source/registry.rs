//! The statistics of a regional registry (`delegated-apnic-extended-latest` and its like): to whom in which country a
//! block was first given. That is where its holder is registered, and says nothing of where it is used; the registries'
//! own note to these files says the same.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Subnets};
use jiff::civil::Date;

use super::prefixes::PrefixTable;
use super::{Dirt, Flaw, MOST_ENTRIES, SourceFault, field, gather};
use crate::place::CountryCode;

/// What the form is called.
const FORM: &str = "the statistics of a registry (registry|country|type|start|value|date|status)";

/// The registries.
const REGISTRIES: [&str; 5] = ["afrinic", "apnic", "arin", "lacnic", "ripencc"];

/// Who is registered for what.
#[derive(Clone, Debug, Default)]
pub struct Delegations {
    entries: PrefixTable<Delegation>,
    /// The last day that the statistics cover.
    pub dated: Option<Date>,
    /// What was wrong with them.
    pub dirt: Dirt,
}

/// In which country the holder of a block is registered, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delegation {
    /// The registry.
    pub registry: &'static str,
    /// The country.
    pub country: CountryCode,
}

impl Delegations {
    /// Reads the statistics of one registry, or of all of them together.
    pub fn parse(bytes: &[u8]) -> Result<Self, SourceFault> {
        let mut dated = None;
        let (entries, dirt) = gather(bytes, FORM, |entries, _, _, line| {
            let columns: Vec<&str> = line.split('|').map(field).collect();
            Self::take(entries, &mut dated, &columns)
        })?;
        Ok(Self { entries, dated, dirt })
    }

    fn take(entries: &mut PrefixTable<Delegation>, dated: &mut Option<Date>, columns: &[&str]) -> Result<(), Flaw> {
        let (registry, code, kind, start, value) = match columns {
            // The header: version, registry, serial, records, first day, last day, offset from UTC.
            [version, _, _, _, _, last, _] if version.starts_with(|c: char| c.is_ascii_digit()) => {
                *dated = Date::strptime("%Y%m%d", last).ok();
                return Ok(());
            }
            [_, _, _, _, _, "summary"] | [_, _, "asn", ..] => return Ok(()),
            [registry, code, kind, start, value, _, ..] => (registry, *code, *kind, start, value),
            _ => return Err(Flaw::Malformed),
        };
        // What nobody holds, or somebody of no one country.
        if ["", "*", "ZZ", "EU", "AP"].contains(&code) {
            return Ok(());
        }
        let registry = REGISTRIES.into_iter().find(|known| known.eq_ignore_ascii_case(registry));
        let registry = registry.ok_or(Flaw::Malformed)?;
        let country = code.parse().map_err(|_| Flaw::NoCountry)?;
        for prefix in blocks(kind, start, value)? {
            if entries.len() >= MOST_ENTRIES {
                return Err(Flaw::TooMany);
            }
            entries.insert(prefix, Delegation { registry, country });
        }
        Ok(())
    }

    /// In which country the holder of `address` is registered.
    pub fn find(&self, address: IpAddr) -> Option<Delegation> {
        self.entries.find(address).map(|(_, delegation)| *delegation)
    }

    /// How many prefixes they are about.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether they are about none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// The prefixes of a record: for IPv4 a start and how many addresses, which need not be a power of two; for IPv6 a start
/// and a length.
fn blocks(kind: &str, start: &str, value: &str) -> Result<Vec<IpNet>, Flaw> {
    let value: u32 = value.parse().map_err(|_| Flaw::Malformed)?;
    match kind {
        "ipv4" => {
            let start: Ipv4Addr = start.parse().map_err(|_| Flaw::NoPrefix)?;
            let last =
                value.checked_sub(1).and_then(|more| start.to_bits().checked_add(more)).ok_or(Flaw::Malformed)?;
            Ok(Ipv4Subnets::new(start, Ipv4Addr::from_bits(last), 0).map(IpNet::V4).collect())
        }
        "ipv6" => {
            let start: IpAddr = start.parse().map_err(|_| Flaw::NoPrefix)?;
            let length = u8::try_from(value).map_err(|_| Flaw::Malformed)?;
            let prefix = IpNet::new(start, length).map_err(|_| Flaw::NoPrefix)?;
            Ok(vec![prefix.trunc()])
        }
        _ => Err(Flaw::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STATISTICS: &str = "2|apnic|20261120|6|19830613|20261119|+1000\n\
                              apnic|*|asn|*|1|summary\n\
                              apnic|*|ipv4|*|4|summary\n\
                              apnic|PK|asn|9541|1|19980101|allocated|A9173\n\
                              apnic|PK|ipv4|203.101.160.0|8192|20010101|allocated|A9173\n\
                              apnic|PK|ipv4|203.175.64.0|768|20010101|allocated|A9173\n\
                              apnic||ipv4|203.200.0.0|256||available|\n\
                              apnic|EU|ipv4|203.201.0.0|256|20010101|assigned|B\n\
                              apnic|PK|ipv6|2400:adc0::|32|20080101|allocated|A9173\n\
                              ripencc|AE|ipv4|5.62.0.0|1024|20120601|allocated|C\n";

    #[test]
    fn a_holder_is_registered_in_a_country_whatever_the_size_of_the_block() {
        let delegations = Delegations::parse(STATISTICS.as_bytes()).unwrap();
        let of =
            |address: &str| delegations.find(address.parse().unwrap()).map(|d| format!("{} {}", d.registry, d.country));
        assert_eq!(of("203.101.184.84").as_deref(), Some("apnic PK"));
        assert_eq!(of("203.175.66.255").as_deref(), Some("apnic PK"), "768 addresses are a /23 and a /24");
        assert_eq!(of("203.175.67.0"), None);
        assert_eq!(of("203.200.0.1"), None, "nobody holds it");
        assert_eq!(of("203.201.0.1"), None, "a continent is no country");
        assert_eq!(of("2400:adc0::1").as_deref(), Some("apnic PK"));
        assert_eq!(of("5.62.3.255").as_deref(), Some("ripencc AE"));
        assert_eq!(delegations.dated, "2026-11-19".parse().ok());
        assert_eq!((delegations.len(), delegations.dirt.lines()), (5, Vec::new()));
    }

    #[test]
    fn a_record_that_cannot_be_used_is_counted() {
        let text = format!(
            "{STATISTICS}apnic|PK|ipv4|203.300.0.0|256|20010101|allocated\napnic|PK|ipv4|255.255.255.0|512|20010101|allocated\n\
             apnic|Pakistan|ipv4|203.202.0.0|256|20010101|allocated\nnobody|PK|ipv4|203.202.0.0|256|20010101|allocated\n\
             apnic|PK|ipv4|203.202.0.0|0|20010101|allocated\nnonsense\n"
        );
        let delegations = Delegations::parse(text.as_bytes()).unwrap();
        assert_eq!(delegations.len(), 5);
        assert_eq!(
            delegations.dirt.lines(),
            [
                "1 left out: no prefix (the first is line 11)",
                "1 left out: no country (the first is line 13)",
                "4 left out: not in the form (the first is line 12)",
            ]
        );
    }

    #[test]
    fn another_file_is_refused() {
        let fault = Delegations::parse(b"203.101.160.0/20,PK\n").unwrap_err().to_string();
        assert!(fault.contains("registry|country|type|start|value"), "{fault}");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = Delegations::parse(&bytes);
        }

        #[test]
        fn arbitrary_records_never_panic(text in "(apnic\\|PK\\|ipv[46]\\|[0-9a-f.:]{0,20}\\|[0-9]{0,12}\\|[0-9]{8}\\|x\n){0,6}") {
            let _ = Delegations::parse(text.as_bytes());
        }
    }
}
