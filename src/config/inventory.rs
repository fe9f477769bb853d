//! `[[provider]]`, `[[workload]]` and `[[noc]]`: what is watched, who runs it, and what is exempt.
//!
//! The same in the configuration and in the files of an inventory. What refers to something else is held against it
//! once all files are read, in [`super::draft`].

use jiff::civil::Date;
use toml::de::DeValue;

use crate::network::Asn;
use crate::provider::Accreditation;
use crate::verdict::RuleId;
use crate::workload::Endpoint;

use super::section::{At, Reading, Section};
use super::value;

/// A workload as written.
#[derive(Clone, Debug)]
pub(super) struct WorkloadEntry {
    pub(super) id: At<String>,
    pub(super) entity: Option<String>,
    pub(super) jurisdiction: Option<String>,
    pub(super) class: Option<At<String>>,
    pub(super) provider: Option<At<String>>,
    pub(super) endpoints: Vec<At<Endpoint>>,
}

/// A provider as written.
#[derive(Clone, Debug)]
pub(super) struct ProviderEntry {
    pub(super) id: At<String>,
    pub(super) name: Option<String>,
    pub(super) status: Option<Accreditation>,
    pub(super) valid_until: Option<Date>,
    pub(super) asns: Vec<At<Asn>>,
}

/// A certificate as written.
#[derive(Clone, Debug)]
pub(super) struct NocEntry {
    pub(super) workload: At<String>,
    pub(super) rules: Vec<RuleId>,
    pub(super) reference: Option<At<String>>,
    pub(super) until: Option<Date>,
}

/// What one file declares.
#[derive(Clone, Debug, Default)]
pub(super) struct Entries {
    pub(super) providers: Vec<ProviderEntry>,
    pub(super) workloads: Vec<WorkloadEntry>,
    pub(super) nocs: Vec<NocEntry>,
    /// Whether the name of something declared could not be read, so that a reference to it proves nothing.
    pub(super) torn: bool,
}

impl Entries {
    /// Reads the three lists of a document.
    pub(super) fn read(root: &Section<'_>) -> Self {
        let providers: Vec<_> = root.sections("provider").iter().filter_map(provider).collect();
        let workloads: Vec<_> = root.sections("workload").iter().filter_map(workload).collect();
        let are_lost = |key, read| read < root.length(key) || root.may_be_lost(key);
        Self {
            torn: are_lost("provider", providers.len()) || are_lost("workload", workloads.len()),
            providers,
            workloads,
            nocs: root.sections("noc").iter().filter_map(noc).collect(),
        }
    }

    /// Adds what another file declares.
    pub(super) fn append(&mut self, mut other: Self) {
        self.providers.append(&mut other.providers);
        self.workloads.append(&mut other.workloads);
        self.nocs.append(&mut other.nocs);
    }
}

fn provider(section: &Section<'_>) -> Option<ProviderEntry> {
    let id = section.require("id", "the word that workloads use, such as id = \"ntc\"", value::name);
    let name = section.require("name", "its name for people", value::text);
    let statuses = Accreditation::ALL.map(|status| (status.as_str(), status));
    let status = section.require("status", "where its accreditation stands, such as status = \"registered\"", |v| {
        value::word(v, &statuses)
    });
    let valid_until = section.read("valid_until", value::date);
    let asns = section.list("asns", value::asn).unwrap_or_default();
    Some(ProviderEntry {
        id: id?,
        name: name.map(|at| at.value),
        status: status.map(|at| at.value),
        valid_until: valid_until.map(|at| at.value),
        asns,
    })
}

fn workload(section: &Section<'_>) -> Option<WorkloadEntry> {
    let id = section.require("id", "a name of its own, such as id = \"land-records\"", value::name);
    let entity = section.require("entity", "the body that answers for it", value::text);
    let jurisdiction = section.require("jurisdiction", "who is told, such as jurisdiction = \"federal\"", value::name);
    let class = section.read("class", value::text);
    let provider = section.read("provider", value::name);
    let endpoints = section.list("endpoints", endpoint);
    if endpoints.as_ref().is_none_or(Vec::is_empty) && !section.is_faulty("endpoints") {
        let cure = "is empty: add what to watch, such as endpoints = [\"https://portal.example.gov.pk\"]";
        section.faults().error(&section.spot_of("endpoints"), cure);
    }
    Some(WorkloadEntry {
        id: id?,
        entity: entity.map(|at| at.value),
        jurisdiction: jurisdiction.map(|at| at.value),
        class,
        provider,
        endpoints: endpoints.unwrap_or_default(),
    })
}

fn noc(section: &Section<'_>) -> Option<NocEntry> {
    let workload = section.require("workload", "the id of the workload that it covers", value::name);
    let known = RuleId::ALL.map(|rule| (rule.as_str(), rule));
    let rules = section.list("rules", |v| value::word(v, &known)).unwrap_or_default();
    if rules.is_empty() && !section.is_faulty("rules") {
        let cure = "is empty: add the rules that it covers, such as rules = [\"edge-opaque\"]";
        section.faults().error(&section.spot_of("rules"), cure);
    }
    let reference = section.require("reference", "the certificate's own reference", value::text);
    let until = section.require("until", "the last day on which it holds, such as until = 2026-12-31", value::date);
    let rules = rules.into_iter().map(|at| at.value).collect();
    Some(NocEntry { workload: workload?, rules, reference, until: until.map(|at| at.value) })
}

fn endpoint(value: &DeValue<'_>) -> Reading<Endpoint> {
    value::text(value)?;
    value::parsed(value)
}
