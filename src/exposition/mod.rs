//! Ledger → metric families, one short function each.
//!
//! Series are made from the ledger at each scrape, so what is no longer watched is gone with the next one, and what is
//! not known has no series. Labels come from bounded sets: never an address, never a hop. What the daemon counts about
//! itself is in [`crate::vitals`] and goes through the same writer.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan};

use crate::ledger::{Ledger, Record, Seen};
use crate::location::path::Way;
use crate::observation::Declared;
use crate::provider::Accreditation;
use crate::verdict::Standing;
use crate::workload::Endpoint;

pub mod text;

use text::{Family, Kind};

/// The families that the ledger fills.
pub fn families(ledger: &Ledger) -> Vec<Family> {
    vec![
        standing(ledger),
        findings(ledger),
        addresses(ledger),
        countries(ledger),
        rtt_min(ledger),
        path_hops(ledger),
        path_outside(ledger),
        last_observation(ledger),
        round_duration(ledger),
        workload_info(ledger),
        workloads(ledger),
        provider_status(ledger),
        provider_valid_until(ledger),
        noc_until(ledger),
        geodb_build(ledger),
        vantage_quarantined(ledger),
    ]
}

fn standing(ledger: &Ledger) -> Family {
    let help = "Whether the endpoint stands so with the policy, for every standing; one never observed is unproven.";
    let mut family = Family::new("pehra_endpoint_standing", help, Kind::Gauge);
    for (endpoint, record) in records(ledger) {
        let declared = &record.declared;
        for standing in Standing::OF_ENDPOINTS {
            let labels = [
                ("endpoint", endpoint.as_str()),
                ("workload", declared.workload.0.as_str()),
                ("class", class(declared)),
                ("jurisdiction", &declared.jurisdiction.0),
                ("standing", standing.as_str()),
            ];
            family.push(labels, truth(standing == record.standing()));
        }
    }
    family
}

fn findings(ledger: &Ledger) -> Family {
    let help = "What the rules found at the last judging of the endpoint; always 1.";
    let mut family = Family::new("pehra_endpoint_finding", help, Kind::Gauge);
    for (endpoint, record) in records(ledger) {
        let found = record.verdict.iter().flat_map(|verdict| &verdict.findings);
        let distinct: BTreeSet<_> = found.map(|finding| (finding.rule, finding.standing)).collect();
        for (rule, standing) in distinct {
            let labels = [
                ("endpoint", endpoint.as_str()),
                ("workload", record.declared.workload.0.as_str()),
                ("rule", rule.as_str()),
                ("standing", standing.as_str()),
            ];
            family.push(labels, 1.0);
        }
    }
    family
}

fn addresses(ledger: &Ledger) -> Family {
    let help = "How many addresses of the endpoint are at that place, by how well that is known.";
    let mut family = Family::new("pehra_endpoint_addresses", help, Kind::Gauge);
    for (endpoint, seen) in seen(ledger) {
        for ((place, grade), count) in seen.grades() {
            let labels = [("endpoint", endpoint.as_str()), ("place", place.as_str()), ("grade", grade.as_str())];
            family.push(labels, number(count));
        }
    }
    family
}

fn countries(ledger: &Ledger) -> Family {
    let help = "How many addresses of the endpoint may be in that country, by the evidence that survived.";
    let mut family = Family::new("pehra_endpoint_countries", help, Kind::Gauge);
    for (endpoint, seen) in seen(ledger) {
        for (country, count) in &seen.countries {
            family.push([("endpoint", endpoint.as_str()), ("country", country.as_str())], number(*count));
        }
    }
    family
}

fn rtt_min(ledger: &Ledger) -> Family {
    let help = "The shortest round trip to any address of the endpoint in its last round, by how it was measured.";
    let mut family = Family::new("pehra_endpoint_rtt_min_seconds", help, Kind::Gauge);
    for (endpoint, seen) in seen(ledger) {
        for (protocol, rtt) in &seen.rtt_min {
            family.push([("endpoint", endpoint.as_str()), ("protocol", protocol.as_str())], rtt.seconds());
        }
    }
    family
}

fn path_hops(ledger: &Ledger) -> Family {
    let help = "How many hops the longest path to the endpoint has, as far as it is visible.";
    of_seen(ledger, "pehra_endpoint_path_hops", help, |seen| seen.path_hops.map(f64::from))
}

fn path_outside(ledger: &Ledger) -> Family {
    let help = "Whether packets to the endpoint leave home on their way; absent when the path does not tell.";
    of_seen(ledger, "pehra_endpoint_path_outside", help, |seen| match seen.way? {
        Way::Outside => Some(1.0),
        Way::Inside => Some(0.0),
        Way::Unknown => None,
    })
}

fn last_observation(ledger: &Ledger) -> Family {
    let help = "When the last round of the endpoint began.";
    of_seen(ledger, "pehra_endpoint_last_observation_timestamp_seconds", help, |seen| Some(seconds(seen.observed)))
}

fn round_duration(ledger: &Ledger) -> Family {
    let help = "How long the last round of the endpoint took.";
    of_seen(ledger, "pehra_endpoint_round_duration_seconds", help, |seen| Some(seen.took.seconds()))
}

fn workload_info(ledger: &Ledger) -> Family {
    let help = "What the inventory says of the workload; always 1.";
    let mut family = Family::new("pehra_workload_info", help, Kind::Gauge);
    let declared: BTreeMap<_, _> =
        records(ledger).map(|(_, record)| (&record.declared.workload, &record.declared)).collect();
    for (workload, declared) in declared {
        let labels = [
            ("workload", workload.0.as_str()),
            ("entity", &declared.entity),
            ("jurisdiction", &declared.jurisdiction.0),
            ("class", class(declared)),
            ("provider", declared.provider.as_ref().map_or("", |provider| &provider.0)),
        ];
        family.push(labels, 1.0);
    }
    family
}

fn workloads(ledger: &Ledger) -> Family {
    let help = "How many workloads stand so; a workload stands as the worst of its endpoints.";
    let mut family = Family::new("pehra_workloads", help, Kind::Gauge);
    let mut worst = BTreeMap::new();
    for (_, record) in records(ledger) {
        let declared = &record.declared;
        let key = (declared.jurisdiction.0.as_str(), class(declared), &declared.workload);
        let known = worst.entry(key).or_insert(Standing::Compliant);
        *known = record.standing().max(*known);
    }
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for ((jurisdiction, class, _), worst) in worst {
        for standing in Standing::OF_ENDPOINTS {
            *counts.entry((jurisdiction, class, standing)).or_default() += usize::from(standing == worst);
        }
    }
    for ((jurisdiction, class, standing), count) in counts {
        let labels = [("jurisdiction", jurisdiction), ("class", class), ("standing", standing.as_str())];
        family.push(labels, number(count));
    }
    family
}

fn provider_status(ledger: &Ledger) -> Family {
    let help = "Whether the provider has that status in the register, for every status.";
    let mut family = Family::new("pehra_provider_status", help, Kind::Gauge);
    for provider in ledger.providers.iter() {
        for status in Accreditation::ALL {
            let labels = [("provider", provider.id.0.as_str()), ("status", status.as_str())];
            family.push(labels, truth(status == provider.status));
        }
    }
    family
}

fn provider_valid_until(ledger: &Ledger) -> Family {
    let help = "When the provider's status ends, by the register.";
    let mut family = Family::new("pehra_provider_valid_until_timestamp_seconds", help, Kind::Gauge);
    for provider in ledger.providers.iter() {
        if let Some(end) = provider.valid_until.and_then(|day| end_of(day, ledger.days)) {
            family.push([("provider", &provider.id.0)], seconds(end));
        }
    }
    family
}

fn noc_until(ledger: &Ledger) -> Family {
    let help = "When the no-objection certificate ends.";
    let mut family = Family::new("pehra_noc_until_timestamp_seconds", help, Kind::Gauge);
    let certificates: BTreeMap<_, _> =
        ledger.nocs.iter().map(|noc| ((&noc.workload, &noc.reference), noc.until)).collect();
    for ((workload, reference), until) in certificates {
        if let Some(end) = end_of(until, ledger.days) {
            family.push([("workload", &workload.0), ("reference", reference)], seconds(end));
        }
    }
    family
}

fn geodb_build(ledger: &Ledger) -> Family {
    let help = "When the database was built.";
    let mut family = Family::new("pehra_geodb_build_timestamp_seconds", help, Kind::Gauge);
    let built: BTreeMap<_, _> = ledger.databases.iter().map(|database| (&database.name, database.built)).collect();
    for (name, built) in built {
        family.push([("database", name)], seconds(built));
    }
    family
}

fn vantage_quarantined(ledger: &Ledger) -> Family {
    let help = "Whether the place that the vantage is said to stand at contradicts what it measured, so that it proves nothing.";
    let mut family = Family::new("pehra_vantage_quarantined", help, Kind::Gauge);
    for (vantage, quarantined) in ledger.vantages.iter() {
        family.push([("vantage", &vantage.0)], truth(*quarantined));
    }
    family
}

fn of_seen(ledger: &Ledger, name: &'static str, help: &'static str, value: fn(&Seen) -> Option<f64>) -> Family {
    let mut family = Family::new(name, help, Kind::Gauge);
    for (endpoint, seen) in seen(ledger) {
        if let Some(value) = value(seen) {
            family.push([("endpoint", endpoint.as_str())], value);
        }
    }
    family
}

fn records(ledger: &Ledger) -> impl Iterator<Item = (&Endpoint, &Record)> {
    ledger.endpoints.iter().map(|(endpoint, record)| (endpoint.as_ref(), record.as_ref()))
}

fn seen(ledger: &Ledger) -> impl Iterator<Item = (&Endpoint, &Seen)> {
    records(ledger).filter_map(|(endpoint, record)| Some((endpoint, record.seen.as_ref()?)))
}

/// A workload without a class has an empty label.
fn class(declared: &Declared) -> &str {
    declared.class.as_ref().map_or("", |class| &class.0)
}

fn truth(value: bool) -> f64 {
    f64::from(u8::from(value))
}

#[expect(clippy::cast_precision_loss, reason = "counts of addresses and workloads stay far below 2^53")]
fn number(count: usize) -> f64 {
    count as f64
}

fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

/// The end of that day: midnight by the policy's clock, as the rules judge.
fn end_of(day: Date, days: Offset) -> Option<Timestamp> {
    let next = day.checked_add(1.day()).ok()?;
    days.to_timestamp(next.at(0, 0, 0, 0)).ok()
}
