//! A list of anycast prefixes, as censuses publish them: one prefix a line, or in the first column of a CSV. An address
//! that one of them holds is answered for by several sites, and so is in no one place.

use std::net::IpAddr;

use ipnet::IpNet;

use super::prefixes::{self, PrefixTable};
use super::{Dirt, Flaw, SourceFault, field, gather};

/// What the form is called.
const FORM: &str = "a list of prefixes, one a line";

/// The prefixes of a list.
#[derive(Clone, Debug, Default)]
pub struct AnycastList {
    entries: PrefixTable<()>,
    /// What was wrong with it.
    pub dirt: Dirt,
}

impl AnycastList {
    /// Reads a list.
    pub fn parse(bytes: &[u8]) -> Result<Self, SourceFault> {
        let mut is_first = true;
        let (entries, dirt) = gather(bytes, FORM, |entries, dirt, at, line| {
            let first = line.split([',', ';', '\t', ' ']).next().map(field).unwrap_or_default();
            let may_be_names_of_columns =
                std::mem::take(&mut is_first) && line.starts_with(|c: char| c.is_ascii_alphabetic());
            let written = match prefixes::parse(first) {
                Err(Flaw::NoPrefix) if may_be_names_of_columns => return Ok(()),
                parsed => parsed?,
            };
            if written.masked {
                dirt.note(Flaw::HostBits, || at.to_string());
            }
            entries.insert(written.prefix, ());
            Ok(())
        })?;
        Ok(Self { entries, dirt })
    }

    /// The prefix that holds `address`.
    pub fn find(&self, address: IpAddr) -> Option<IpNet> {
        self.entries.find(address).map(|(prefix, ())| prefix)
    }

    /// How many prefixes it holds.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_lists_and_tables_are_read() {
        let text = "prefix,sites,backing\n1.1.1.0/24,120,1.1.0.0/16\n# a comment\n\n8.8.8.0/24\n2606:4700::/32 # CDN\n9.9.9.9\n";
        let list = AnycastList::parse(text.as_bytes()).unwrap();
        assert_eq!((list.len(), list.dirt.lines()), (4, Vec::new()));
        let held = |address: &str| list.find(address.parse().unwrap()).map(|prefix| prefix.to_string());
        assert_eq!(held("1.1.1.1").as_deref(), Some("1.1.1.0/24"));
        assert_eq!(held("2606:4700::1").as_deref(), Some("2606:4700::/32"));
        assert_eq!(held("9.9.9.9").as_deref(), Some("9.9.9.9/32"));
        assert_eq!(held("9.9.9.8"), None);
    }

    #[test]
    fn a_list_of_the_whole_world_makes_nothing_an_edge() {
        let fault = AnycastList::parse(b"0.0.0.0/0\n::/0\n").unwrap_err().to_string();
        assert!(fault.contains("2 left out: too broad a prefix (the first is line 1)"), "{fault}");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = AnycastList::parse(&bytes);
        }
    }
}
