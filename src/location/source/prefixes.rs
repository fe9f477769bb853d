//! A table of prefixes: the most specific one that holds an address speaks for it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::Flaw;

/// Prefixes, each with what is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixTable<T> {
    entries: BTreeMap<IpNet, T>,
    /// The lengths that occur, of IPv4 and of IPv6: no others need to be looked for.
    v4_lengths: BTreeSet<u8>,
    v6_lengths: BTreeSet<u8>,
}

impl<T> Default for PrefixTable<T> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), v4_lengths: BTreeSet::new(), v6_lengths: BTreeSet::new() }
    }
}

impl<T> PrefixTable<T> {
    /// Sets what is said of `prefix`, host bits and the mapping of IPv4 into IPv6 aside; gives what was said before.
    pub fn insert(&mut self, prefix: IpNet, value: T) -> Option<T> {
        let prefix = canonical(prefix);
        match prefix {
            IpNet::V4(v4) => self.v4_lengths.insert(v4.prefix_len()),
            IpNet::V6(v6) => self.v6_lengths.insert(v6.prefix_len()),
        };
        self.entries.insert(prefix, value)
    }

    /// What is said of exactly this prefix.
    pub fn get(&self, prefix: IpNet) -> Option<&T> {
        self.entries.get(&canonical(prefix))
    }

    /// The most specific prefix that holds `address`, and what is said of it.
    pub fn find(&self, address: IpAddr) -> Option<(IpNet, &T)> {
        let address = address.to_canonical();
        let lengths = if address.is_ipv4() { &self.v4_lengths } else { &self.v6_lengths };
        lengths.iter().rev().find_map(|length| {
            let prefix = IpNet::new(address, *length).ok()?.trunc();
            self.entries.get(&prefix).map(|value| (prefix, value))
        })
    }

    /// What is said, in the order of the prefixes.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.entries.values()
    }

    /// How many prefixes there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// A prefix as people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// The prefix, without host bits.
    pub prefix: IpNet,
    /// Whether host bits were set.
    pub masked: bool,
}

/// The broadest prefix of IPv4 that is believed of anybody: nothing broader is in one place, or served as one.
pub const BROADEST_V4: u8 = 8;
/// The same of IPv6.
pub const BROADEST_V6: u8 = 16;

/// A prefix, or an address that stands for itself alone.
pub fn parse(text: &str) -> Result<Written, Flaw> {
    let alone = || text.parse::<IpAddr>().ok().map(IpNet::from);
    let net = text.parse::<IpNet>().ok().or_else(alone).ok_or(Flaw::NoPrefix)?;
    let prefix = canonical(net);
    if is_too_broad(prefix) {
        return Err(Flaw::TooBroad);
    }
    Ok(Written { prefix, masked: net.trunc() != net })
}

/// Whether a prefix is broader than is believed of anybody.
pub fn is_too_broad(prefix: IpNet) -> bool {
    let prefix = canonical(prefix);
    prefix.prefix_len() < if prefix.addr().is_ipv4() { BROADEST_V4 } else { BROADEST_V6 }
}

/// The prefix without host bits, and as IPv4 where it is mapped into IPv6.
fn canonical(prefix: IpNet) -> IpNet {
    let prefix = prefix.trunc();
    let IpNet::V6(v6) = prefix else { return prefix };
    let mapped = v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(96));
    mapped.and_then(|(v4, length)| Ipv4Net::new(v4, length).ok()).map_or(prefix, IpNet::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(prefixes: &[&'static str]) -> PrefixTable<&'static str> {
        let mut table = PrefixTable::default();
        for prefix in prefixes {
            table.insert(prefix.parse().unwrap(), *prefix);
        }
        table
    }

    fn found(table: &PrefixTable<&'static str>, address: &str) -> Option<&'static str> {
        table.find(address.parse().unwrap()).map(|(_, value)| *value)
    }

    #[test]
    fn the_most_specific_prefix_speaks() {
        let table = table(&["203.101.0.0/16", "203.101.184.0/24", "203.101.184.7/32", "2400:adc0::/32", "::/0"]);
        assert_eq!(found(&table, "203.101.1.1"), Some("203.101.0.0/16"));
        assert_eq!(found(&table, "203.101.184.1"), Some("203.101.184.0/24"));
        assert_eq!(found(&table, "203.101.184.7"), Some("203.101.184.7/32"));
        assert_eq!(found(&table, "::ffff:203.101.184.7"), Some("203.101.184.7/32"));
        assert_eq!(found(&table, "2400:adc0::1"), Some("2400:adc0::/32"));
        assert_eq!(found(&table, "2a00::1"), Some("::/0"));
        assert_eq!(found(&table, "8.8.8.8"), None);
    }

    #[test]
    fn a_mapped_prefix_is_one_of_ipv4_and_host_bits_are_masked() {
        let mapped = parse("::ffff:203.101.184.0/120").unwrap();
        assert_eq!((mapped.prefix.to_string().as_str(), mapped.masked), ("203.101.184.0/24", false));
        let masked = parse("203.101.184.9/24").unwrap();
        assert_eq!((masked.prefix.to_string().as_str(), masked.masked), ("203.101.184.0/24", true));
        assert_eq!(parse("203.101.184.9").unwrap().prefix.to_string(), "203.101.184.9/32");
        assert_eq!(parse("2400:adc0::/32").unwrap().prefix.to_string(), "2400:adc0::/32");
    }

    #[test]
    fn what_is_no_prefix_or_half_the_world_is_refused() {
        for text in ["", "prefix", "203.101.184", "203.101.184.0/33", "203.101.184.0/-1", "1.2.3.4/24/24"] {
            assert_eq!(parse(text), Err(Flaw::NoPrefix), "{text}");
        }
        for text in ["0.0.0.0/0", "::/0", "128.0.0.0/1", "2000::/3", "::ffff:0:0/96", "::ffff:0.0.0.0/100"] {
            assert_eq!(parse(text), Err(Flaw::TooBroad), "{text}");
        }
    }

    #[test]
    fn the_later_of_equals_is_kept() {
        let mut table = table(&["203.101.184.0/24"]);
        assert_eq!(table.insert("203.101.184.7/24".parse().unwrap(), "later"), Some("203.101.184.0/24"));
        assert_eq!((found(&table, "203.101.184.1"), table.len()), (Some("later"), 1));
    }
}
