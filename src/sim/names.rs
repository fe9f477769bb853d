//! What the simulated name servers answer, view by view.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::resolution::chain::{Chain, Data, Record, Resolved, fold};
use crate::resolution::pointer::{Names as PointerNames, Pointed};
use crate::resolution::{AddressFamily, NameFailure, View};
use crate::workload::HostName;

use super::written::{NameWritten, PointerWritten};

/// The most aliases a simulated resolver follows before it gives up; more than the chapter allows.
const MOST_ALIASES: usize = 32;

/// Every name there is, and what addresses are called.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(BTreeMap<HostName, Vec<NameWritten>>, BTreeMap<IpAddr, Vec<String>>);

impl Names {
    /// Says what an address is called, in place of what was said before.
    pub(super) fn set_pointer(&mut self, written: &PointerWritten) {
        self.1.insert(written.address, written.names.clone());
    }

    /// What an address is called.
    pub(super) fn point(&self, address: IpAddr) -> Pointed {
        match self.1.get(&address) {
            Some(names) if !names.is_empty() => {
                Pointed::Named(PointerNames { names: names.clone(), ttl: 300, left_out: 0 })
            }
            Some(_) | None => Pointed::Failed(NameFailure::NoSuchName),
        }
    }

    /// Adds what a name leads to in a view, in place of what was there.
    pub(super) fn set(&mut self, written: NameWritten) {
        let entries = self.0.entry(written.name.clone()).or_default();
        entries.retain(|entry| entry.view != written.view);
        entries.push(written);
    }

    /// What `view` answers.
    pub(super) fn answer(&self, view: &View, name: &HostName, family: AddressFamily) -> Resolved {
        let mut records: Vec<Record> = Vec::new();
        let mut next = Some(name.clone());
        let failed = |why, records: &[Record]| {
            let mut chain = Chain::new(name.clone());
            let followed = chain.handle_records(family, records);
            chain.into_failed(followed.err().unwrap_or(why))
        };
        for _ in 0..MOST_ALIASES {
            let Some(name) = next.take() else { break };
            let Some(entry) = self.entry(view, &name) else { return failed(NameFailure::NoSuchName, &records) };
            if let Some(failure) = entry.fails {
                return failed(failure, &records);
            }
            records.extend(records_of(entry, family));
            next.clone_from(&entry.cname);
        }
        fold(name, family, &records, false)
    }

    fn entry(&self, view: &View, name: &HostName) -> Option<&NameWritten> {
        let entries = self.0.get(name)?;
        let own = entries.iter().find(|entry| entry.view.as_ref() == Some(&view.0));
        own.or_else(|| entries.iter().find(|entry| entry.view.is_none()))
    }
}

fn records_of(entry: &NameWritten, family: AddressFamily) -> Vec<Record> {
    let ttl = u32::try_from(entry.ttl.0.as_secs()).unwrap_or(u32::MAX);
    let record = |data| Record { name: entry.name.as_str().to_owned(), ttl, data };
    let alias = entry.cname.iter().map(|target| record(Data::Alias(target.as_str().to_owned())));
    let addresses: Vec<_> = match family {
        AddressFamily::A => entry.a.iter().map(|address| record(Data::Address((*address).into()))).collect(),
        AddressFamily::Aaaa => entry.aaaa.iter().map(|address| record(Data::Address((*address).into()))).collect(),
    };
    alias.chain(addresses).collect()
}
