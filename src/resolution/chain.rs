//! The records of an answer → the aliases that lead from the asked name to its addresses.
//!
//! Records come in any order and are written by strangers. Only what hangs together with the asked name counts:
//! addresses of other names, however they got into the answer, are not addresses of ours.

use std::net::IpAddr;

use super::{AddressFamily, Addressed, Alias, Answer, NameFailure, Outcome};
use crate::workload::HostName;

/// The most aliases that are followed from one name. BIND 9 follows 16, unbound 11; longer chains work for nobody.
pub const MAX_ALIASES: usize = 16;

/// The most addresses of one name that are kept; of the rest of a larger answer only the number is.
pub const MAX_ADDRESSES: usize = 256;

/// The largest TTL there is, in seconds; anything above is to be taken as zero (RFC 2181 section 8).
const MAX_TTL: u32 = 0x7fff_ffff;

/// One record of an answer section, of class IN, with names as text and as they were sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose record it is.
    pub name: String,
    /// Time to live in seconds.
    pub ttl: u32,
    /// What it says.
    pub data: Data,
}

/// What a record says, as far as addresses and their names are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// CNAME: the name is an alias of this one.
    Alias(String),
    /// A or AAAA.
    Address(IpAddr),
    /// PTR: the address that is asked for in this way has this name.
    Pointer(String),
    /// Any other type.
    Other,
}

/// The aliases followed so far from one name, never more than [`MAX_ALIASES`]. It holds a loop only once that was told:
/// the last alias is then the one that leads back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    asked: HostName,
    aliases: Vec<Alias>,
    /// Addresses of the end beyond [`MAX_ADDRESSES`].
    left_out: usize,
}

impl Chain {
    /// The chain that begins, and so far ends, at `asked`.
    pub fn new(asked: HostName) -> Self {
        Self { asked, aliases: Vec::new(), left_out: 0 }
    }

    /// The name that it leads to so far: the one to ask for next, when the addresses are still missing.
    pub fn end(&self) -> &HostName {
        self.aliases.last().map_or(&self.asked, |alias| &alias.target)
    }

    /// Follows the aliases among `records` as far as they go. Yields the addresses of that end: none, when the answer
    /// stops at an alias or holds nothing for the name.
    pub fn handle_records(&mut self, family: AddressFamily, records: &[Record]) -> Result<Vec<Addressed>, NameFailure> {
        while let Some((target, ttl)) = alias_of(self.end(), records) {
            let target: HostName = target.parse().map_err(|_| NameFailure::Malformed)?;
            if self.aliases.len() == MAX_ALIASES {
                return Err(NameFailure::AliasChainTooLong);
            }
            let leads_back = self.has_passed(&target);
            self.aliases.push(Alias { name: self.end().clone(), target, ttl });
            if leads_back {
                return Err(NameFailure::AliasLoop);
            }
        }
        let mut addresses = addresses_of(self.end(), family, records);
        self.left_out = addresses.len().saturating_sub(MAX_ADDRESSES);
        addresses.truncate(MAX_ADDRESSES);
        Ok(addresses)
    }

    /// What it came to, once the end and its addresses are known.
    pub fn into_resolved(self, addresses: Vec<Addressed>, authenticated: bool) -> Resolved {
        if addresses.is_empty() {
            self.into_failed(NameFailure::NoData)
        } else {
            let left_out = self.left_out;
            let answer = Answer { chain: self.aliases, addresses, authenticated, left_out };
            Resolved { outcome: Outcome::Answered(answer), followed: Vec::new() }
        }
    }

    /// What it came to, when it led to nothing.
    pub fn into_failed(self, failure: NameFailure) -> Resolved {
        Resolved { outcome: Outcome::Failed(failure), followed: self.aliases }
    }

    fn has_passed(&self, name: &HostName) -> bool {
        self.asked == *name || self.aliases.iter().any(|alias| alias.target == *name)
    }
}

/// What a question came to: the last two fields of a [`Resolution`](super::Resolution).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// What came of it.
    pub outcome: Outcome,
    /// The aliases that were followed before it failed.
    pub followed: Vec<Alias>,
}

impl From<NameFailure> for Resolved {
    fn from(failure: NameFailure) -> Self {
        Self { outcome: Outcome::Failed(failure), followed: Vec::new() }
    }
}

/// What one whole answer to one question says of `asked`.
pub fn fold(asked: &HostName, family: AddressFamily, records: &[Record], authenticated: bool) -> Resolved {
    let mut chain = Chain::new(asked.clone());
    match chain.handle_records(family, records) {
        Ok(addresses) => chain.into_resolved(addresses, authenticated),
        Err(failure) => chain.into_failed(failure),
    }
}

fn alias_of<'a>(name: &HostName, records: &'a [Record]) -> Option<(&'a str, u32)> {
    records.iter().filter(|record| is_named(record, name)).find_map(|record| match &record.data {
        Data::Alias(target) => Some((target.as_str(), tidy_ttl(record.ttl))),
        Data::Address(_) | Data::Pointer(_) | Data::Other => None,
    })
}

fn addresses_of(name: &HostName, family: AddressFamily, records: &[Record]) -> Vec<Addressed> {
    let mut addresses: Vec<Addressed> = Vec::new();
    for record in records.iter().filter(|record| is_named(record, name)) {
        let Data::Address(address) = record.data else { continue };
        let ttl = tidy_ttl(record.ttl);
        if let Some(known) = addresses.iter_mut().find(|known| known.address == address) {
            known.ttl = known.ttl.min(ttl);
        } else if is_of(family, address) {
            addresses.push(Addressed { address, ttl });
        }
    }
    addresses
}

fn is_named(record: &Record, name: &HostName) -> bool {
    record.name.strip_suffix('.').unwrap_or(&record.name).eq_ignore_ascii_case(name.as_str())
}

fn is_of(family: AddressFamily, address: IpAddr) -> bool {
    match family {
        AddressFamily::A => address.is_ipv4(),
        AddressFamily::Aaaa => address.is_ipv6(),
    }
}

fn tidy_ttl(ttl: u32) -> u32 {
    if ttl > MAX_TTL { 0 } else { ttl }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> HostName {
        text.parse().unwrap()
    }

    fn alias(name: &str, target: &str) -> Record {
        Record { name: name.to_owned(), ttl: 30, data: Data::Alias(target.to_owned()) }
    }

    fn address(name: &str, address: &str) -> Record {
        Record { name: name.to_owned(), ttl: 60, data: Data::Address(address.parse().unwrap()) }
    }

    fn fold_a(asked: &str, records: &[Record]) -> Outcome {
        fold(&name(asked), AddressFamily::A, records, false).outcome
    }

    fn failed(failure: NameFailure) -> Outcome {
        Outcome::Failed(failure)
    }

    fn answer(outcome: Outcome) -> Answer {
        match outcome {
            Outcome::Answered(answer) => answer,
            Outcome::Failed(failure) => panic!("{failure:?}"),
        }
    }

    fn shown(outcome: Outcome) -> (Vec<String>, Vec<String>) {
        let answer = answer(outcome);
        let chain = answer.chain.iter().map(|a| format!("{}>{}", a.name, a.target)).collect();
        (chain, answer.addresses.iter().map(|a| a.address.to_string()).collect())
    }

    #[test]
    fn the_chain_is_followed_in_whatever_order_the_records_come() {
        let records = [
            address("edge.cdn.example.", "203.0.113.7"),
            alias("mid.example.", "EDGE.cdn.example."),
            alias("WWW.example.gov.pk.", "mid.example."),
            address("edge.cdn.example", "203.0.113.8"),
        ];
        let (chain, addresses) = shown(fold_a("www.example.gov.pk", &records));
        assert_eq!(chain, ["www.example.gov.pk>mid.example", "mid.example>edge.cdn.example"]);
        assert_eq!(addresses, ["203.0.113.7", "203.0.113.8"]);
    }

    #[test]
    fn a_loop_of_aliases_is_an_outcome() {
        let loops: [&[Record]; 3] = [
            &[alias("a.pk", "a.pk")],
            &[alias("a.pk", "b.pk"), alias("b.pk", "a.pk"), address("b.pk", "203.0.113.7")],
            &[alias("a.pk", "b.pk"), alias("b.pk", "c.pk"), alias("c.pk", "b.pk")],
        ];
        for records in loops {
            let Resolved { outcome, followed } = fold(&name("a.pk"), AddressFamily::A, records, false);
            assert_eq!(outcome, failed(NameFailure::AliasLoop));
            assert_eq!(followed.len(), records.iter().filter(|r| matches!(r.data, Data::Alias(_))).count());
        }
    }

    #[test]
    fn a_chain_of_sixteen_is_followed_and_one_of_seventeen_is_not() {
        let mut records: Vec<_> = (0..16).map(|i| alias(&format!("n{i}.pk"), &format!("n{}.pk", i + 1))).collect();
        records.push(address("n16.pk", "203.0.113.7"));
        records.push(address("n17.pk", "203.0.113.7"));
        assert_eq!(answer(fold_a("n0.pk", &records)).chain.len(), 16);
        records.push(alias("n16.pk", "n17.pk"));
        let Resolved { outcome, followed } = fold(&name("n0.pk"), AddressFamily::A, &records, false);
        assert_eq!((outcome, followed.len()), (failed(NameFailure::AliasChainTooLong), 16));
    }

    #[test]
    fn records_of_other_names_and_of_the_other_family_are_not_ours() {
        let records = [
            address("bank.example", "198.51.100.1"),
            address("a.pk", "2001:db8::1"),
            alias("other.pk", "a.pk"),
            Record { name: "a.pk".to_owned(), ttl: 1, data: Data::Other },
        ];
        assert_eq!(fold_a("a.pk", &records), failed(NameFailure::NoData));
        assert_eq!(fold_a("a.pk", &[]), failed(NameFailure::NoData));
    }

    #[test]
    fn an_alias_to_something_that_is_no_host_name_is_malformed() {
        for target in ["", ".", "a..b", "-a.pk", "a\\000b.pk", "a b.pk", "\u{1b}[31m.pk", &"x".repeat(64)] {
            assert_eq!(fold_a("a.pk", &[alias("a.pk", target)]), failed(NameFailure::Malformed), "{target:?}");
        }
    }

    #[test]
    fn an_address_said_twice_counts_once_with_its_smaller_ttl() {
        let mut records = [address("a.pk", "203.0.113.7"), address("a.pk", "203.0.113.7")];
        records[1].ttl = 5;
        let answer = answer(fold_a("a.pk", &records));
        assert_eq!(answer.addresses, [Addressed { address: "203.0.113.7".parse().unwrap(), ttl: 5 }]);
    }

    #[test]
    fn a_ttl_beyond_the_largest_is_zero() {
        let mut record = address("a.pk", "203.0.113.7");
        record.ttl = u32::MAX;
        assert_eq!(answer(fold_a("a.pk", &[record])).addresses[0].ttl, 0);
    }

    #[test]
    fn of_ten_thousand_addresses_the_first_256_are_kept_and_the_number_of_the_others() {
        let records: Vec<_> =
            (0..10_000_u32).map(|i| address("a.pk", &format!("10.0.{}.{}", i / 256, i % 256))).collect();
        let answer = answer(fold_a("a.pk", &records));
        assert_eq!((answer.addresses.len(), answer.left_out), (MAX_ADDRESSES, 10_000 - MAX_ADDRESSES));
        let written = serde_json::to_string(&answer).unwrap();
        assert_eq!(serde_json::from_str::<Answer>(&written).unwrap(), answer);
        let whole = written.replace(",\"left_out\":9744", "");
        assert_eq!(serde_json::from_str::<Answer>(&whole).unwrap().left_out, 0, "as every answer was written before");
        assert_eq!(answer.addresses[255].address.to_string(), "10.0.0.255");
    }

    #[test]
    fn a_chain_goes_on_in_a_later_answer() {
        let mut chain = Chain::new(name("a.pk"));
        assert_eq!(chain.handle_records(AddressFamily::A, &[alias("a.pk", "b.pk")]), Ok(Vec::new()));
        assert_eq!(chain.end(), &name("b.pk"));
        let addresses = chain.handle_records(AddressFamily::A, &[address("b.pk", "203.0.113.7")]).unwrap();
        let (aliases, addresses) = shown(chain.into_resolved(addresses, true).outcome);
        assert_eq!((aliases, addresses), (vec!["a.pk>b.pk".to_owned()], vec!["203.0.113.7".to_owned()]));
    }

    fn any_record() -> impl Strategy<Value = Record> {
        let some_name = || prop_oneof!["[a-e]\\.pk\\.?", any::<String>()];
        let data = prop_oneof![
            3 => some_name().prop_map(Data::Alias),
            2 => any::<IpAddr>().prop_map(Data::Address),
            1 => Just(Data::Other),
        ];
        (some_name(), any::<u32>(), data).prop_map(|(name, ttl, data)| Record { name, ttl, data })
    }

    proptest! {
        #[test]
        fn every_answer_is_a_connected_chain_without_a_loop(records in prop::collection::vec(any_record(), 0..24)) {
            if let Outcome::Answered(answer) = fold_a("a.pk", &records) {
                let mut at = name("a.pk");
                let mut passed = vec![at.clone()];
                for alias in answer.chain {
                    prop_assert_eq!(alias.name, at);
                    at = alias.target;
                    prop_assert!(!passed.contains(&at));
                    passed.push(at.clone());
                }
                prop_assert!(!answer.addresses.is_empty());
                prop_assert!(answer.addresses.iter().all(|a| a.address.is_ipv4()));
            }
        }
    }
}
