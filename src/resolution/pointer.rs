//! Address → names: what the holder of an address calls it (PTR, RFC 1035 section 3.3.12).
//!
//! A name is a text that the holder writes, and nothing but that: any address may be called anything. It is kept as it was
//! given, for [`crate::location::source::names`] to read and for people to see.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::chain::{Data, MAX_ALIASES, Record};
use super::{NameFailure, View};

/// The most names of one address that are kept; of the rest of a larger answer only the number is.
pub const MAX_NAMES: usize = 8;

/// The question what one address is called, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// The address asked for.
    pub address: IpAddr,
    /// The view asked.
    pub view: View,
    /// The server that gave the answer, where one did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub server: Option<SocketAddr>,
    /// When it was asked; before the round began, where the answer still held.
    pub asked: Timestamp,
    /// What came of it.
    pub outcome: Pointed,
}

/// What came of the question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pointed {
    /// At least one name.
    Named(Names),
    /// No name, and why.
    Failed(NameFailure),
}

/// The names of an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// In order, each once; never empty, never more than [`MAX_NAMES`]. Octets that are not printable ASCII,
    /// dots within a label and backslashes are escaped as in a zone file.
    pub names: Vec<String>,
    /// Time to live in seconds, the smallest on the way.
    pub ttl: u32,
    /// How many names there were beyond those.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub left_out: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Pointer {
    /// The names; none when it failed.
    pub fn names(&self) -> &[String] {
        match &self.outcome {
            Pointed::Named(named) => &named.names,
            Pointed::Failed(_) => &[],
        }
    }
}

impl Pointed {
    /// The word used in metrics: `answered`, or the failure.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Named(_) => "answered",
            Self::Failed(failure) => failure.as_str(),
        }
    }
}

/// What the records of an answer say of `asked`, the name under which an address is asked for. Aliases are followed, for
/// the holders of less than 256 addresses are reached by them (RFC 2317).
pub fn fold(asked: &str, records: &[Record]) -> Pointed {
    let (mut at, mut ttl) = (asked, u32::MAX);
    for _ in 0..MAX_ALIASES {
        let alias = of(at, records).find_map(|record| match &record.data {
            Data::Alias(target) => Some((target.as_str(), record.ttl)),
            Data::Address(_) | Data::Pointer(_) | Data::Other => None,
        });
        let Some((target, lasts)) = alias else { break };
        (at, ttl) = (target, ttl.min(lasts));
    }
    let mut names = BTreeSet::new();
    for record in of(at, records) {
        if let Data::Pointer(name) = &record.data {
            ttl = ttl.min(record.ttl);
            names.extend(Some(bare(name)).filter(|name| !name.is_empty()));
        }
    }
    if names.is_empty() {
        return Pointed::Failed(NameFailure::NoData);
    }
    let left_out = names.len().saturating_sub(MAX_NAMES);
    Pointed::Named(Names { names: names.into_iter().take(MAX_NAMES).map(str::to_owned).collect(), ttl, left_out })
}

fn of<'r>(name: &str, records: &'r [Record]) -> impl Iterator<Item = &'r Record> {
    records.iter().filter(move |record| bare(&record.name).eq_ignore_ascii_case(bare(name)))
}

/// A name without the dot of the root.
fn bare(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ASKED: &str = "171.128.125.202.in-addr.arpa.";

    fn record(name: &str, data: Data) -> Record {
        Record { name: name.to_owned(), ttl: 3600, data }
    }

    fn pointer(name: &str, target: &str) -> Record {
        record(name, Data::Pointer(target.to_owned()))
    }

    fn names(records: &[Record]) -> Vec<String> {
        match fold(ASKED, records) {
            Pointed::Named(named) => named.names,
            Pointed::Failed(failure) => vec![failure.as_str().to_owned()],
        }
    }

    #[test]
    fn names_are_kept_in_order_and_once_without_the_dot_of_the_root() {
        let records = [
            pointer("171.128.125.202.IN-ADDR.arpa", "static.khi77.pie.net.pk."),
            pointer(ASKED, "a.example."),
            pointer(ASKED, "a.example."),
            pointer("9.9.9.9.in-addr.arpa.", "another.example."),
            pointer(ASKED, "."),
        ];
        assert_eq!(names(&records), ["a.example", "static.khi77.pie.net.pk"]);
        assert_eq!(names(&[]), ["no-data"]);
        assert_eq!(names(&[pointer(ASKED, ".")]), ["no-data"]);
    }

    #[test]
    fn the_aliases_of_a_small_holder_are_followed_and_a_loop_ends() {
        let classless = "171.128-25.128.125.202.in-addr.arpa.";
        let mut alias = record(ASKED, Data::Alias(classless.to_owned()));
        alias.ttl = 60;
        let Pointed::Named(named) = fold(ASKED, &[pointer(classless, "www.example.gov.pk."), alias.clone()]) else {
            panic!("it has a name");
        };
        assert_eq!((named.names, named.ttl), (vec!["www.example.gov.pk".to_owned()], 60));
        assert_eq!(names(&[alias, record(classless, Data::Alias(ASKED.to_owned()))]), ["no-data"]);
    }

    #[test]
    fn of_five_thousand_names_eight_are_kept_and_the_number_of_the_others() {
        let records: Vec<_> = (0..5000).map(|n| pointer(ASKED, &format!("vhost{n:04}.example."))).collect();
        let Pointed::Named(named) = fold(ASKED, &records) else { panic!("it has names") };
        assert_eq!((named.names.len(), named.left_out), (MAX_NAMES, 5000 - MAX_NAMES));
        assert_eq!(named.names[7], "vhost0007.example");
    }

    proptest! {
        #[test]
        fn arbitrary_records_never_panic(records in prop::collection::vec(("[a-c.]{0,4}", any::<String>(), 0..3_u8), 0..12)) {
            let data = |kind, text| match kind {
                0 => Data::Alias(text),
                1 => Data::Pointer(text),
                _ => Data::Other,
            };
            let records: Vec<_> = records.into_iter().map(|(name, text, kind)| record(&name, data(kind, text))).collect();
            let _ = fold("a", &records);
        }
    }
}
