//! The metrics text is held to a golden file, to the contract's list of names and labels, and to promtool.
//!
//! After a wanted change, `UPDATE_GOLDEN=1 cargo test --test exposition` writes the file anew.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test reads its golden file and its environment, and says what went wrong by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::net::IpAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use pehra::digest::Digest;
use pehra::exposition::{families, text::encode};
use pehra::ledger::{Ledger, Record, Seen};
use pehra::location::path::Way;
use pehra::location::{Grade, Place};
use pehra::moment::Rtt;
use pehra::observation::{DatabaseDigest, Declared};
use pehra::provider::{Accreditation, Provider, ProviderId};
use pehra::trace::Protocol;
use pehra::vantage::VantageId;
use pehra::verdict::{Finding, RuleId, Standing, Verdict};
use pehra::workload::{DataClass, Endpoint, Jurisdiction, Noc, WorkloadId};

const GOLDEN: &str = "tests/exposition/ledger.prom";

/// The families that the ledger fills, with their labels, as the contract lists them.
const CONTRACT: [(&str, &[&str]); 16] = [
    ("pehra_endpoint_addresses", &["endpoint", "place", "grade"]),
    ("pehra_endpoint_countries", &["endpoint", "country"]),
    ("pehra_endpoint_finding", &["endpoint", "workload", "rule", "standing"]),
    ("pehra_endpoint_last_observation_timestamp_seconds", &["endpoint"]),
    ("pehra_endpoint_path_hops", &["endpoint"]),
    ("pehra_endpoint_path_outside", &["endpoint"]),
    ("pehra_endpoint_round_duration_seconds", &["endpoint"]),
    ("pehra_endpoint_rtt_min_seconds", &["endpoint", "protocol"]),
    ("pehra_endpoint_standing", &["endpoint", "workload", "class", "jurisdiction", "standing"]),
    ("pehra_geodb_build_timestamp_seconds", &["database"]),
    ("pehra_noc_until_timestamp_seconds", &["workload", "reference"]),
    ("pehra_provider_status", &["provider", "status"]),
    ("pehra_provider_valid_until_timestamp_seconds", &["provider"]),
    ("pehra_vantage_quarantined", &["vantage"]),
    ("pehra_workload_info", &["workload", "entity", "jurisdiction", "class", "provider"]),
    ("pehra_workloads", &["jurisdiction", "class", "standing"]),
];

#[test]
fn the_text_is_the_golden_text() {
    let text = encode(&families(&ledger()));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLDEN);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let differing: Vec<_> = text.lines().zip(golden.lines()).filter(|(is, was)| is != was).collect();
    assert!(text == golden, "{GOLDEN} differs, first in {:#?}", differing.first());
}

#[test]
fn names_and_labels_are_those_of_the_contract() {
    let found: BTreeMap<String, Vec<String>> = families(&ledger())
        .into_iter()
        .map(|family| {
            let labels: BTreeSet<Vec<String>> = family
                .samples
                .iter()
                .map(|sample| sample.labels.iter().map(|(name, _)| name.to_string()).collect())
                .collect();
            assert_eq!(labels.len(), 1, "{} has series of different labels", family.name);
            (family.name.to_string(), labels.into_iter().next().unwrap())
        })
        .collect();
    let contract = CONTRACT.map(|(name, labels)| (name.to_owned(), labels.iter().map(ToString::to_string).collect()));
    assert_eq!(found, BTreeMap::from(contract));
}

#[test]
fn no_address_is_a_label() {
    for family in families(&ledger()) {
        for (name, value) in family.samples.iter().flat_map(|sample| &sample.labels) {
            assert!(value.parse::<IpAddr>().is_err(), "{}{{{name}={value:?}}}", family.name);
        }
    }
}

#[test]
fn promtool_finds_nothing_to_say() {
    let text = encode(&families(&ledger()));
    let spawned = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut promtool = match spawned {
        Ok(promtool) => promtool,
        Err(error) if error.kind() == ErrorKind::NotFound && env::var("CI").as_deref() != Ok("true") => {
            eprintln!("skipped: promtool is not installed");
            return;
        }
        Err(error) => panic!("failed to run promtool: {error}: install prometheus"),
    };
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() && said.is_empty(), "promtool says {}: {said}", output.status);
}

/// A day in the life of an office: a breach, an endpoint that was never observed, a workload without a class and with a
/// hostile name, one that may be anywhere.
fn ledger() -> Ledger {
    let outside = finding(RuleId::DestinationOutside, Standing::Breach, Some("192.0.2.7"));
    let elsewhere = finding(RuleId::DestinationOutside, Standing::Breach, Some("192.0.2.8"));
    let path = finding(RuleId::PathOutside, Standing::Suspect, None);
    let records = [
        (
            "https://portal.example.gov.pk",
            record("land-records", Some("restricted"), Some(vec![outside, elsewhere, path]), Some(moved())),
        ),
        ("tcp://db.example.gov.pk:5432", record("land-records", Some("restricted"), None, None)),
        ("pbs.example.gov.pk", record("statistics", Some("public"), Some(vec![]), Some(at_home()))),
        (
            "https://[2400:adc0::1]:8443",
            record("q\"uo\\te\n", None, Some(vec![finding(RuleId::ClassMissing, Standing::Unproven, None)]), None),
        ),
    ];
    let day = "2027-06-30".parse().unwrap();
    Ledger {
        endpoints: records
            .map(|(endpoint, record)| (Arc::new(endpoint.parse::<Endpoint>().unwrap()), Arc::new(record)))
            .into(),
        providers: Arc::new([
            provider("ntc", Accreditation::Accredited, Some(day)),
            provider("abroad", Accreditation::Revoked, None),
        ]),
        nocs: Arc::new([Noc {
            workload: WorkloadId("land-records".to_owned()),
            rules: vec!["edge-opaque".to_owned()],
            reference: "CO/NOC/2026/014".to_owned(),
            until: "2026-12-31".parse().unwrap(),
        }]),
        days: jiff::tz::Offset::constant(5),
        databases: Arc::new([DatabaseDigest {
            name: "dbip-country".to_owned(),
            sha256: Digest::ZERO,
            built: "2026-11-01T03:15:00Z".parse().unwrap(),
        }]),
        vantages: Arc::new(
            [("ntc-isb-1", false), ("fra \"1\"\n", true)].map(|(id, is)| (VantageId(id.to_owned()), is)).into(),
        ),
    }
}

fn record(workload: &str, class: Option<&str>, findings: Option<Vec<Finding>>, seen: Option<Seen>) -> Record {
    let declared = Declared {
        workload: WorkloadId(workload.to_owned()),
        entity: format!("Authority of {workload}"),
        jurisdiction: Jurisdiction("punjab".to_owned()),
        class: class.map(|class| DataClass(class.to_owned())),
        provider: class.map(|_| ProviderId("ntc".to_owned())),
    };
    let verdict = findings.map(|findings| Verdict {
        endpoint: "example.gov.pk".parse().unwrap(),
        vantage: VantageId("ntc-isb-1".to_owned()),
        observed: "2026-11-21T10:00:00Z".parse().unwrap(),
        standing: findings.first().map_or(Standing::Compliant, |finding| finding.standing),
        findings,
        policy: Digest::ZERO,
    });
    Record { declared, verdict, seen }
}

fn finding(rule: RuleId, standing: Standing, address: Option<&str>) -> Finding {
    let address = address.map(|address| address.parse().expect("an address"));
    Finding { rule, standing, address, grade: None, because: vec!["a fact".to_owned()] }
}

fn moved() -> Seen {
    Seen {
        places: places(&[
            (Place::Outside, Grade::Proven),
            (Place::Outside, Grade::Proven),
            (Place::Unknown, Grade::Indeterminate),
        ]),
        countries: [("DE", 2), ("FR", 1)].map(|(country, count)| (country.parse().unwrap(), count)).into(),
        rtt_min: [
            (Protocol::Icmp, Rtt::from_duration(Duration::from_micros(118_250))),
            (Protocol::Tcp, Rtt::from_duration(Duration::from_millis(119))),
        ]
        .into(),
        path_hops: Some(14),
        way: Some(Way::Outside),
        observed: "2026-11-21T10:00:00.5Z".parse().unwrap(),
        took: Rtt::from_duration(Duration::from_millis(2_345)),
    }
}

fn places(known: &[(Place, Grade)]) -> BTreeMap<IpAddr, (Place, Grade)> {
    let address = |last: u8| IpAddr::from([203, 0, 113, last]);
    (1..).map(address).zip(known.iter().copied()).collect()
}

/// Silent on every protocol, by an invisible path.
fn at_home() -> Seen {
    Seen {
        places: places(&[(Place::Inside, Grade::Attested)]),
        countries: [("PK".parse().unwrap(), 1)].into(),
        rtt_min: BTreeMap::new(),
        path_hops: Some(6),
        way: Some(Way::Unknown),
        observed: "2026-11-21T10:00:03Z".parse().unwrap(),
        took: Rtt::from_duration(Duration::from_secs(12)),
    }
}

fn provider(id: &str, status: Accreditation, valid_until: Option<jiff::civil::Date>) -> Provider {
    Provider { id: ProviderId(id.to_owned()), name: id.to_uppercase(), status, valid_until, asns: Vec::new() }
}
