//! A geofeed (RFC 8805): where a network says that its own prefixes are. CSV of prefix, country, region, city, postal
//! code; of these the country matters here.
//!
//! Real feeds hold stray blanks, quotes, carriage returns, byte order marks, regions in the column of the country
//! (`PK-PB`), prefixes with host bits, one prefix several times. The most specific prefix speaks, the later of equals. An
//! empty country says that no location is wanted, and so is no claim, of broader prefixes of the feed either.
//!
//! Anybody can publish anything: an entry counts only for an address that the feed's publisher announces, which
//! [`super::super::fuse`] sees to.

use std::net::IpAddr;

use ipnet::IpNet;

use super::prefixes::{self, PrefixTable};
use super::{Dirt, Flaw, SourceFault, field, gather};
use crate::place::CountryCode;

/// What the form is called.
const FORM: &str = "a geofeed (RFC 8805: prefix,country,region,city,postal)";

/// What a feed says.
#[derive(Clone, Debug, Default)]
pub struct Geofeed {
    entries: PrefixTable<Option<CountryCode>>,
    /// What was wrong with it.
    pub dirt: Dirt,
}

impl Geofeed {
    /// Reads a feed.
    pub fn parse(bytes: &[u8]) -> Result<Self, SourceFault> {
        let (entries, dirt) = gather(bytes, FORM, |entries, dirt, at, line| {
            let mut columns = line.split([',', ';', '\t']).map(field);
            let written = prefixes::parse(columns.next().unwrap_or_default())?;
            let country = country(columns.next().unwrap_or_default(), columns.next().unwrap_or_default())?;
            if written.masked {
                dirt.note(Flaw::HostBits, || at.to_string());
            }
            if entries.insert(written.prefix, country).is_some() {
                dirt.note(Flaw::Replaced, || written.prefix.to_string());
            }
            Ok(())
        })?;
        Ok(Self { entries, dirt })
    }

    /// Where the feed says that `address` is, and by which prefix.
    pub fn find(&self, address: IpAddr) -> Option<(IpNet, CountryCode)> {
        let (prefix, country) = self.entries.find(address)?;
        Some((prefix, (*country)?))
    }

    /// How many prefixes it is about.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it is about none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// The country of a line; `None` where none is wanted. A region has its country in front: `PK-PB`.
fn country(country: &str, region: &str) -> Result<Option<CountryCode>, Flaw> {
    let in_front = |text: &str| text.split_once('-').map(|(front, _)| front.trim().to_owned());
    let written = in_front(country).unwrap_or_else(|| country.to_owned());
    if written.is_empty() || ["ZZ", "EU", "AP", "XX"].iter().any(|nowhere| written.eq_ignore_ascii_case(nowhere)) {
        return Ok(None);
    }
    let country: CountryCode = usual(&written).parse().map_err(|_| Flaw::NoCountry)?;
    let of_region = in_front(region).and_then(|front| usual(&front).parse::<CountryCode>().ok());
    if of_region.is_some_and(|of_region| of_region != country) { Err(Flaw::Contradiction) } else { Ok(Some(country)) }
}

/// Codes that are in use although ISO 3166-1 has others for these countries.
fn usual(code: &str) -> &str {
    match code.to_ascii_uppercase().as_str() {
        "UK" => "GB",
        "EL" => "GR",
        _ => code,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn feed(text: &str) -> Geofeed {
        Geofeed::parse(text.as_bytes()).unwrap()
    }

    fn said(feed: &Geofeed, address: &str) -> Option<String> {
        feed.find(address.parse().unwrap()).map(|(prefix, country)| format!("{country} {prefix}"))
    }

    #[test]
    fn the_dirt_of_real_feeds_is_taken_as_it_is_meant() {
        let text = "\u{feff}# prefix,country,region,city,postal\r\n\r\n\
                    203.101.160.0/20,PK,PK-PB,Lahore,\r\n\
                    \x20 203.101.176.0/20 , pk , PK-SD , Karachi \r\n\
                    \"203.101.192.0/20\",\"PK\",\"\",\"Multan, Cantt\",\r\n\
                    203.101.208.0/20,PK-IS,,,  # a region in the column of the country\r\n\
                    203.101.224.9/24,PK,,,\r\n\
                    ::ffff:203.101.240.0/120,AE,AE-DU,Dubai,\r\n\
                    2400:adc0::/32,Pk,,,\r\n\
                    192.168.5.5,UK\r\n";
        let feed = feed(text);
        for (address, expected) in [
            ("203.101.161.1", Some("PK 203.101.160.0/20")),
            ("203.101.177.1", Some("PK 203.101.176.0/20")),
            ("203.101.193.1", Some("PK 203.101.192.0/20")),
            ("203.101.209.1", Some("PK 203.101.208.0/20")),
            ("203.101.224.200", Some("PK 203.101.224.0/24")),
            ("203.101.240.1", Some("AE 203.101.240.0/24")),
            ("2400:adc0::1", Some("PK 2400:adc0::/32")),
            ("192.168.5.5", Some("GB 192.168.5.5/32")),
            ("8.8.8.8", None),
        ] {
            assert_eq!(said(&feed, address).as_deref(), expected, "{address}");
        }
        assert_eq!(feed.len(), 8);
        assert_eq!(feed.dirt.lines(), ["1 masked: host bits were set (the first is line 7)"]);
    }

    #[test]
    fn the_most_specific_prefix_speaks_and_the_later_of_equals() {
        let feed = feed("203.101.0.0/16,PK\n203.101.5.0/24,AE\n203.101.5.0/24,OM\n203.101.6.0/24,,,,\n");
        assert_eq!(said(&feed, "203.101.1.1").as_deref(), Some("PK 203.101.0.0/16"));
        assert_eq!(said(&feed, "203.101.5.1").as_deref(), Some("OM 203.101.5.0/24"));
        assert_eq!(said(&feed, "203.101.6.1"), None, "no location is wanted, that of the broader prefix neither");
        assert_eq!(feed.dirt.count(Flaw::Replaced), 1);
    }

    #[test]
    fn lines_that_cannot_be_used_are_counted_with_the_first_of_them() {
        let feed = feed(
            "ip_prefix,alpha2code\n203.101.0.0/16,PK\n0.0.0.0/0,PK\n203.102.0.0/16,Pakistan\n203.103.0.0/16,PK,IN-DL\n\
             203.104.0.0/99,PK\n",
        );
        assert_eq!(feed.len(), 1);
        assert_eq!(
            feed.dirt.lines(),
            [
                "2 left out: no prefix (the first is line 1)",
                "1 left out: too broad a prefix (the first is line 3)",
                "1 left out: no country (the first is line 4)",
                "1 left out: at odds with itself (the first is line 5)",
            ]
        );
    }

    #[test]
    fn a_text_of_which_nothing_can_be_used_is_refused() {
        for text in ["", "# nothing\n", "<!DOCTYPE html>\n<html>\n"] {
            let fault = Geofeed::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(fault.starts_with("nothing in it can be used as a geofeed (RFC 8805"), "{fault}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = Geofeed::parse(&bytes);
        }

        #[test]
        fn arbitrary_columns_never_panic(text in "([0-9./:,;#\"'A-Za-z -]{0,60}\r?\n){0,8}") {
            let _ = Geofeed::parse(text.as_bytes());
        }
    }
}
