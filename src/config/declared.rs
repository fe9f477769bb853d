//! What is declared, held against itself: every name once, and every reference to something that is there.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::network::Asn;
use crate::provider::{Provider, ProviderId};
use crate::round::deny::DenyList;
use crate::workload::{DataClass, Endpoint, Host, Jurisdiction, Noc, Workload, WorkloadId};

use super::denied::warn_of_silenced;
use super::fault::{Faults, Spot, did_you_mean, quoted};
use super::inventory::{NocEntry, ProviderEntry, WorkloadEntry};
use super::landmark::Landmark;
use super::policy::PolicyTable;
use super::section::At;

/// What was declared so far, and where. Providers come first, then workloads, then certificates.
#[derive(Debug)]
pub(super) struct Declared<'d> {
    faults: &'d Faults,
    /// The policy, where it could be read.
    policy: Option<&'d PolicyTable>,
    /// Whether a text was missing or unreadable, so that a reference to it proves nothing.
    torn: bool,
    providers: BTreeMap<String, Spot>,
    announced: BTreeMap<Asn, (String, Spot)>,
    workloads: BTreeMap<String, Spot>,
    watched: BTreeMap<String, (String, Spot)>,
    /// The endpoints that are addresses.
    addresses: BTreeMap<IpAddr, (String, Spot)>,
    certificates: BTreeMap<(String, String), Spot>,
}

impl<'d> Declared<'d> {
    /// Nothing yet.
    pub(super) fn new(faults: &'d Faults, policy: Option<&'d PolicyTable>, torn: bool) -> Self {
        Self {
            faults,
            policy,
            torn,
            providers: BTreeMap::new(),
            announced: BTreeMap::new(),
            workloads: BTreeMap::new(),
            watched: BTreeMap::new(),
            addresses: BTreeMap::new(),
            certificates: BTreeMap::new(),
        }
    }

    /// The class of that name; `None` when the policy declares none and that was reported, or cannot be asked.
    pub(super) fn class(&self, named: &At<String>) -> Option<DataClass> {
        self.policy?.class_named(&named.value)?.map_err(|message| self.faults.error(&named.spot, message)).ok()
    }

    /// One provider; `None` once a fault of it was reported.
    pub(super) fn provider(&mut self, entry: ProviderEntry) -> Option<Provider> {
        claim(&mut self.providers, &entry.id, "provider", self.faults)?;
        let mut asns = Vec::new();
        for asn in entry.asns {
            if let Some((other, spot)) = self.announced.get(&asn.value) {
                let asn_of = format!("{} belongs to provider \"{other}\" already ({spot})", asn.value);
                self.faults.error(&asn.spot, format!("{asn_of}: leave one of them"));
                continue;
            }
            self.announced.insert(asn.value, (entry.id.value.clone(), asn.spot));
            asns.push(asn.value);
        }
        let id = ProviderId(entry.id.value);
        Some(Provider { id, name: entry.name?, status: entry.status?, valid_until: entry.valid_until, asns })
    }

    /// One workload; `None` once a fault of it was reported.
    pub(super) fn workload(&mut self, entry: WorkloadEntry) -> Option<Workload> {
        claim(&mut self.workloads, &entry.id, "workload", self.faults)?;
        let class = entry.class.as_ref().and_then(|class| self.class(class));
        if entry.class.is_none() {
            let message = "no class is declared, which is a finding of its own: add class = \"…\"";
            self.faults.warn(&Spot { key: "workload.class".into(), ..entry.id.spot.clone() }, message);
        }
        let provider = entry.provider.filter(|named| self.is_known(named, &self.providers, "provider"));
        let endpoints = entry.endpoints.into_iter().filter_map(|endpoint| self.endpoint(endpoint, &entry.id.value));
        let endpoints = endpoints.collect();
        Some(Workload {
            id: WorkloadId(entry.id.value),
            entity: entry.entity?,
            jurisdiction: Jurisdiction(entry.jurisdiction?),
            class,
            provider: provider.map(|at| ProviderId(at.value)),
            endpoints,
        })
    }

    /// One endpoint, unless it is watched already.
    fn endpoint(&mut self, endpoint: At<Endpoint>, workload: &str) -> Option<Endpoint> {
        let identity = identity(&endpoint.value);
        if let Some((other, spot)) = self.watched.get(&identity) {
            let watched = format!("{} is watched by workload \"{other}\" already ({spot})", endpoint.value);
            self.faults.error(&endpoint.spot, format!("{watched}: an endpoint belongs to one workload, leave one"));
            return None;
        }
        if let Host::Address(address) = endpoint.value.host() {
            self.addresses.insert(*address, (workload.to_owned(), endpoint.spot.clone()));
        }
        self.watched.insert(identity, (workload.to_owned(), endpoint.spot));
        Some(endpoint.value)
    }

    /// Warns of endpoints that are addresses which are never sent anything.
    pub(super) fn warn_of_denied(&self, deny: &DenyList) {
        for (address, (_, spot)) in &self.addresses {
            warn_of_silenced(*address, deny, "it will never be compliant", spot, self.faults);
        }
    }

    /// One landmark, unless it is watched; workloads come before. One that is never sent anything is warned of.
    pub(super) fn landmark(&self, landmark: At<Landmark>, deny: &DenyList) -> Option<Landmark> {
        let Some((workload, spot)) = self.addresses.get(&landmark.value.address) else {
            let address = landmark.value.address;
            warn_of_silenced(address, deny, "nothing is ever weighed by it", &landmark.spot, self.faults);
            return Some(landmark.value);
        };
        let watched = format!("{} is watched by workload \"{workload}\" ({spot})", landmark.value.address);
        self.faults.error(&landmark.spot, format!("{watched}: what is judged is no measure for others, leave one"));
        None
    }

    /// One certificate; `None` once a fault of it was reported.
    pub(super) fn noc(&mut self, entry: NocEntry) -> Option<Noc> {
        let known = self.is_known(&entry.workload, &self.workloads, "workload");
        let reference = entry.reference?;
        let key = (entry.workload.value.clone(), reference.value.clone());
        if let Some(first) = self.certificates.get(&key) {
            let given = format!("{} is given for this workload already ({first})", quoted(&reference.value));
            self.faults.error(&reference.spot, format!("{given}: leave one, with all its rules"));
            return None;
        }
        self.certificates.insert(key, reference.spot);
        let rules = entry.rules.iter().map(ToString::to_string).collect();
        let workload = WorkloadId(entry.workload.value);
        known.then_some(Noc { workload, rules, reference: reference.value, until: entry.until? })
    }

    fn is_known(&self, named: &At<String>, declared: &BTreeMap<String, Spot>, what: &str) -> bool {
        let known = declared.contains_key(&named.value);
        if !known && !self.torn {
            let hint = did_you_mean(&named.value, declared.keys().map(String::as_str));
            let message = format!("there is no {what} {}{hint}", quoted(&named.value));
            self.faults.error(&named.spot, format!("{message}: correct the name, or add a [[{what}]] with that id"));
        }
        known
    }
}

/// Takes `id` for one thing; `None` once it was reported that another has it.
fn claim(taken: &mut BTreeMap<String, Spot>, id: &At<String>, what: &str, faults: &Faults) -> Option<()> {
    if let Some(first) = taken.get(&id.value) {
        let message = format!("{} is the id of another {what} already ({first})", quoted(&id.value));
        faults.error(&id.spot, format!("{message}: give it another"));
        return None;
    }
    taken.insert(id.value.clone(), id.spot.clone());
    Some(())
}

/// What makes two endpoints the same, however they are written: scheme, host, port and path.
fn identity(endpoint: &Endpoint) -> String {
    let rest = endpoint.as_str().split_once("://").map_or(endpoint.as_str(), |(_, rest)| rest);
    let path = rest.find(['/', '?', '#']).map_or("", |at| rest.split_at(at).1);
    format!("{}://{}:{}{path}", endpoint.scheme().as_str(), endpoint.host(), endpoint.port())
}
