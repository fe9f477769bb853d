//! `[[asset]]`: the operator's own dated register of where prefixes are. It attests, so each entry says who says so.

use std::collections::BTreeMap;

use ipnet::IpNet;
use jiff::civil::Date;

use crate::location::source::prefixes::{BROADEST_V4, BROADEST_V6, is_too_broad};
use crate::place::CountryCode;

use super::fault::Spot;
use super::section::Section;
use super::value;

/// One entry of the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// The addresses it is about.
    pub prefix: IpNet,
    /// The country they are in.
    pub country: CountryCode,
    /// Who says so, in words that an auditor can follow.
    pub source: String,
    /// The day on which that was true.
    pub dated: Date,
}

/// Reads the entries.
pub(super) fn read(root: &Section<'_>) -> Vec<Asset> {
    let mut seen: BTreeMap<IpNet, Spot> = BTreeMap::new();
    let mut assets = Vec::new();
    for entry in root.sections("asset") {
        let prefix = entry.require("prefix", "the addresses, such as prefix = \"203.101.184.0/24\"", value::prefix);
        let country = entry.require("country", "two letters, such as country = \"PK\"", value::country);
        let source = entry.require("source", "who says so, such as source = \"NTC asset list 2026/3\"", value::text);
        let dated = entry.require("dated", "the day of the register, such as dated = 2026-03-01", value::date);
        let Some(prefix) = prefix else { continue };
        if is_too_broad(prefix.value) {
            let message = format!(
                "{} is broader than anything that is in one place: write the prefixes of each site, of IPv4 /{BROADEST_V4} \
                 and of IPv6 /{BROADEST_V6} at the broadest",
                prefix.value
            );
            root.faults().error(&prefix.spot, message);
            continue;
        }
        if let Some(first) = seen.get(&prefix.value) {
            let message = format!("{} is in the register already ({first}): leave one of them", prefix.value);
            root.faults().error(&prefix.spot, message);
            continue;
        }
        seen.insert(prefix.value, prefix.spot);
        if let (Some(country), Some(source), Some(dated)) = (country, source, dated) {
            let (country, source, dated) = (country.value, source.value, dated.value);
            assets.push(Asset { prefix: prefix.value, country, source, dated });
        }
    }
    assets
}
