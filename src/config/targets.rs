//! The JSON of an `http_sd` URL (Prometheus HTTP service discovery) → workloads.
//!
//! `[{"targets": ["portal.example.gov.pk"], "labels": {"workload": "…", "entity": "…", "jurisdiction": "…",
//! "class": "…", "provider": "…"}}]`; groups of one workload are one workload. Labels that begin with `__` are for
//! others and skipped.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::workload::Endpoint;

use super::document::{Document, Written};
use super::fault::{Faults, Spot, did_you_mean, quoted};
use super::inventory::WorkloadEntry;
use super::section::At;
use super::value;

/// The labels that mean something here.
const LABELS: [&str; 5] = ["workload", "entity", "jurisdiction", "class", "provider"];

#[derive(Debug, Deserialize)]
struct Group {
    #[serde(default)]
    targets: Vec<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// Reads the groups; `None` when it is no such JSON. Its errors are among the faults.
pub(super) fn read(written: &Written, faults: &Faults) -> Option<Vec<WorkloadEntry>> {
    let document = Document::open(written, faults)?;
    let groups: Vec<Group> = match serde_json::from_str(document.text()) {
        Ok(groups) => groups,
        Err(error) => {
            let spot = Spot { line: error.line(), column: error.column(), ..document.whole() };
            let cure = "answer with a list of {\"targets\": […], \"labels\": {…}} as for Prometheus http_sd";
            faults.error(&spot, format!("{}: {cure}", error.to_string().replace(": ", ", ")));
            return None;
        }
    };
    let mut entries: Vec<(BTreeMap<String, String>, WorkloadEntry)> = Vec::new();
    for (index, group) in groups.into_iter().enumerate() {
        let spot = |key: &str| Spot { key: format!("[{index}].{key}"), ..document.whole() };
        let labels: BTreeMap<_, _> = group.labels.into_iter().filter(|(name, _)| !name.starts_with("__")).collect();
        for name in labels.keys().filter(|name| !LABELS.contains(&name.as_str())) {
            let message = format!("unknown label {}{}: leave it out", quoted(name), did_you_mean(name, LABELS));
            faults.error(&spot("labels"), message);
        }
        let endpoints = group.targets.iter().filter_map(|target| endpoint(target, &spot("targets"), faults));
        let endpoints: Vec<_> = endpoints.collect();
        if group.targets.is_empty() {
            faults.error(&spot("targets"), "is empty: add what to watch, such as \"https://portal.example.gov.pk\"");
        }
        if let Some((_, entry)) = entries.iter_mut().find(|(known, _)| *known == labels) {
            entry.endpoints.extend(endpoints);
        } else if let Some(entry) = entry(&labels, endpoints, spot, faults) {
            entries.push((labels, entry));
        }
    }
    Some(entries.into_iter().map(|(_, entry)| entry).collect())
}

fn entry(
    labels: &BTreeMap<String, String>,
    endpoints: Vec<At<Endpoint>>,
    spot: impl Fn(&str) -> Spot,
    faults: &Faults,
) -> Option<WorkloadEntry> {
    let label = |name: &str| labels.get(name).filter(|text| !text.is_empty());
    let named = |name: &str| {
        let spot = spot(&format!("labels.{name}"));
        match value::name_from(label(name)?) {
            Ok(value) => Some(At { value, spot }),
            Err(message) => {
                faults.error(&spot, message);
                None
            }
        }
    };
    for required in ["workload", "entity", "jurisdiction"] {
        if label(required).is_none() {
            faults.error(&spot("labels"), format!("the label \"{required}\" is missing: add it to the group"));
        }
    }
    let entity = label("entity").filter(|text| !text.chars().any(char::is_control)).cloned();
    if label("entity").is_some() && entity.is_none() {
        faults.error(&spot("labels.entity"), "holds a control character: leave it out");
    }
    let class = label("class").map(|class| At { value: class.clone(), spot: spot("labels.class") });
    let (id, jurisdiction, provider) = (named("workload"), named("jurisdiction"), named("provider"));
    Some(WorkloadEntry { id: id?, entity, jurisdiction: jurisdiction.map(|at| at.value), class, provider, endpoints })
}

fn endpoint(text: &str, spot: &Spot, faults: &Faults) -> Option<At<Endpoint>> {
    match text.parse() {
        Ok(value) => Some(At { value, spot: spot.clone() }),
        Err(error) => {
            let error: crate::workload::InvalidEndpoint = error;
            faults.error(spot, error.to_string());
            None
        }
    }
}
