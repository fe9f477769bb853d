//! The latest standing of every endpoint: the single source of the metrics and of the pages.
//!
//! A ledger is a snapshot: cloning one copies no record, and a reader keeps what it has while the daemon goes on.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::Offset;

use crate::dossier::Dossier;
use crate::location::path::Way;
use crate::location::{Grade, Location, Place};
use crate::moment::Rtt;
use crate::observation::{DatabaseDigest, Declared, Observation};
use crate::place::CountryCode;
use crate::provider::Provider;
use crate::trace::Protocol;
use crate::vantage::VantageId;
use crate::verdict::policy::Policy;
use crate::verdict::{Standing, Verdict};
use crate::workload::{Endpoint, Noc};

/// Everything that is known now.
#[derive(Clone, Debug, PartialEq)]
pub struct Ledger {
    /// Every endpoint that is watched.
    pub endpoints: BTreeMap<Arc<Endpoint>, Arc<Record>>,
    /// The register of providers.
    pub providers: Arc<[Provider]>,
    /// The certificates in force or past.
    pub nocs: Arc<[Noc]>,
    /// The clock by which their days end.
    pub days: Offset,
    /// The databases in use.
    pub databases: Arc<[DatabaseDigest]>,
    /// The vantages whose place is declared, and whether something contradicts it.
    pub vantages: Arc<BTreeMap<VantageId, bool>>,
}

/// What is known of one endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What the inventory says of it.
    pub declared: Declared,
    /// The latest verdict; none until there is one.
    pub verdict: Option<Verdict>,
    /// What the latest round saw; none until there was one.
    pub seen: Option<Seen>,
}

/// What one round saw, in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Where each address is, and how well that is known.
    pub places: BTreeMap<IpAddr, (Place, Grade)>,
    /// How many addresses may be in each country.
    pub countries: BTreeMap<CountryCode, usize>,
    /// The best round-trip time of any address, for each way of measuring that was answered.
    pub rtt_min: BTreeMap<Protocol, Rtt>,
    /// How many hops the longest path has, as far as it is visible; none when there was no trace.
    pub path_hops: Option<u8>,
    /// Which way packets go: outside if any path does, inside if all do; none when there is no path.
    pub way: Option<Way>,
    /// When the round began.
    pub observed: Timestamp,
    /// How long it took.
    pub took: Rtt,
}

impl Record {
    /// How the endpoint stands. One that was never observed is unproven.
    pub fn standing(&self) -> Standing {
        self.verdict.as_ref().map_or(Standing::Unproven, |verdict| verdict.standing)
    }
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            endpoints: BTreeMap::new(),
            providers: Arc::default(),
            nocs: Arc::default(),
            days: Offset::UTC,
            databases: Arc::default(),
            vantages: Arc::default(),
        }
    }
}

impl Ledger {
    /// Takes over what a policy and the databases say; endpoints stay.
    pub fn set_register(&mut self, policy: &Policy, databases: &[DatabaseDigest]) {
        self.providers = policy.providers.values().cloned().collect();
        self.nocs = policy.nocs.iter().cloned().collect();
        self.days = policy.days;
        self.databases = databases.into();
    }

    /// Replaces what is known of an endpoint.
    pub fn set(&mut self, endpoint: &Endpoint, record: Record) {
        if let Some(known) = self.endpoints.get_mut(endpoint) {
            *known = Arc::new(record);
        } else {
            self.endpoints.insert(Arc::new(endpoint.clone()), Arc::new(record));
        }
    }
}

impl Seen {
    /// The numbers of a dossier.
    pub fn of(dossier: &Dossier<'_>) -> Self {
        let mut countries = BTreeMap::new();
        for country in dossier.locations().flat_map(|location| location.countries.iter()) {
            *countries.entry(country).or_default() += 1;
        }
        let known = |location: &Location<'_>| (location.address, (location.place, location.grade));
        let traced = !dossier.subject.traces.is_empty();
        Self {
            places: dossier.locations().map(known).collect(),
            countries,
            rtt_min: rtt_min(dossier.subject),
            path_hops: dossier.found.iter().map(|found| found.path.hops).max().filter(|_| traced),
            way: way(dossier).filter(|_| traced),
            observed: dossier.subject.observed,
            took: dossier.subject.elapsed_ns,
        }
    }

    /// How many addresses are how well known to be where.
    pub fn grades(&self) -> BTreeMap<(Place, Grade), usize> {
        let mut grades = BTreeMap::new();
        for known in self.places.values() {
            *grades.entry(*known).or_default() += 1;
        }
        grades
    }
}

fn way(dossier: &Dossier<'_>) -> Option<Way> {
    let ways = || dossier.found.iter().map(|found| found.path.way());
    let first = ways().next()?;
    Some(if ways().any(|way| way == Way::Outside) {
        Way::Outside
    } else if ways().all(|way| way == first) {
        first
    } else {
        Way::Unknown
    })
}

fn rtt_min(observation: &Observation) -> BTreeMap<Protocol, Rtt> {
    let traced = observation.traces.iter().filter_map(|trace| Some((trace.protocol, trace.target_rtt()?.0)));
    let contacted = observation.own_contacts().filter_map(|contact| Some((Protocol::Tcp, contact.rtt()?.0)));
    let pinged = observation.pings.iter().filter_map(|ping| Some((ping.protocol, ping.rtt()?.0)));
    let mut best: BTreeMap<Protocol, Rtt> = BTreeMap::new();
    for (protocol, rtt) in traced.chain(contacted).chain(pinged) {
        best.entry(protocol).and_modify(|known| *known = rtt.min(*known)).or_insert(rtt);
    }
    best
}
