//! The files that are shipped say what the code does: the reference configuration, the policy, the sample inventory.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test reads shipped files and may fail on them"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use pehra::config::{BUILT_IN_POLICY, Config, Draft, Written, built_in_policy};
use pehra::edge::inventory::load;
use pehra::place::{CountryCode, Home};
use pehra::verdict::policy::{Residency, Standings};
use pehra::verdict::{RuleId, Standing};
use pehra::workload::DataClass;

const REFERENCE: &str = "deploy/pehra.toml";

fn draft(text: &str) -> Draft {
    Draft::open(&Written { name: REFERENCE.into(), bytes: text.as_bytes().to_vec() }, Path::new("deploy"))
}

fn config(text: &str) -> Config {
    draft(text).finish().unwrap_or_else(|errors| panic!("{errors}")).0
}

/// The reference with its examples switched on: a `#` without a space before something is an example.
fn with_examples(text: &str) -> String {
    let is_example = |line: &str| line.strip_prefix('#').is_some_and(|rest| !rest.is_empty() && !rest.starts_with(' '));
    let lines = text.lines().map(|line| if is_example(line) { &line[1..] } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

/// Every key of a document with the sections around it; lists of tables count as their tables.
fn keys_of(value: &toml::Value, path: &str, keys: &mut BTreeSet<String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                keys.insert(path.clone());
                keys_of(value, &path, keys);
            }
        }
        toml::Value::Array(array) => array.iter().for_each(|value| keys_of(value, path, keys)),
        toml::Value::String(_)
        | toml::Value::Integer(_)
        | toml::Value::Float(_)
        | toml::Value::Boolean(_)
        | toml::Value::Datetime(_) => {}
    }
}

#[test]
fn what_the_reference_writes_is_the_default() {
    let reference = fs::read_to_string(REFERENCE).unwrap();
    assert_eq!(config(&reference), config("[vantage]\nid = \"example\"\n"));
}

#[test]
fn the_reference_writes_every_default_out() {
    let reference = fs::read_to_string(REFERENCE).unwrap();
    let mut written = BTreeSet::new();
    keys_of(&toml::Value::Table(reference.parse().unwrap()), "", &mut written);
    // What has no default: a file or place that is not there, and the lists of things that are declared.
    let without = [
        "asset",
        "evidence",
        "geodb.anycast",
        "geodb.database",
        "geodb.databases",
        "geodb.geofeed",
        "geodb.outlines",
        "geodb.rdns",
        "geodb.regions",
        "geodb.registry",
        "landmark",
        "noc",
        "policy",
        "resolution.trust_anchor",
        "provider",
        "resolution.hints",
        "resolver",
        "workload",
        "alerting.runbook_base_url",
        "vantage.asn",
        "vantage.latitude",
        "vantage.longitude",
        "vantage.uncertainty_km",
    ];
    let known: BTreeSet<_> = draft(&reference).known_keys().into_iter().filter(|key| is_of_main_file(key)).collect();
    let left_out: Vec<_> = known.difference(&written).filter(|key| !without.contains(&key.as_str())).collect();
    assert!(left_out.is_empty(), "the parser knows {left_out:?}, which {REFERENCE} does not write");
}

#[test]
fn the_reference_shows_every_key_and_no_other() {
    let reference = with_examples(&fs::read_to_string(REFERENCE).unwrap());
    let mut shown = BTreeSet::new();
    keys_of(&toml::Value::Table(reference.parse().unwrap()), "", &mut shown);
    let known = draft(&reference).known_keys();
    let missing: Vec<_> = known.difference(&shown).filter(|key| is_of_main_file(key)).collect();
    assert!(missing.is_empty(), "the parser knows {missing:?}, which {REFERENCE} does not show");
    // Unknown keys are errors, so that nothing else needs to be looked for.
    let (config, _) = load_examples(&reference);
    assert_eq!((config.workloads.len(), config.resolvers.len(), config.assets.len()), (1, 3, 1));
    assert_eq!((config.landmarks.len(), config.evidence.len()), (1, 1));
}

/// The reading of the policy file asks for keys as well; they are none of the configuration's.
fn is_of_main_file(key: &str) -> bool {
    !["title", "utc_offset", "noc_notice_days", "class", "rule"]
        .iter()
        .any(|of| key == *of || key.starts_with(&format!("{of}.")))
}

fn load_examples(reference: &str) -> (Config, Vec<pehra::config::Fault>) {
    let mut draft = draft(reference);
    let (path, _) = draft.policy_file().unwrap();
    draft.add_policy(&Written { name: path.display().to_string(), bytes: fs::read(path).unwrap() });
    draft.finish().unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn the_uncertainty_in_the_reference_is_the_default() {
    let position =
        |text: &str| config(&format!("[vantage]\nid = \"x\"\nlatitude = 33\nlongitude = 73\n{text}")).vantage;
    let reference = fs::read_to_string(REFERENCE).unwrap();
    let line = reference.lines().find_map(|line| line.strip_prefix("#uncertainty_km")).unwrap();
    assert_eq!(position(&format!("uncertainty_km{line}")), position(""));
}

#[test]
fn the_sample_inventory_and_the_demo_are_without_fault() {
    let (config, warnings) = load(Path::new("deploy/demo.toml")).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(config.workloads.len() >= 10, "{}", config.workloads.len());
    assert!(config.workloads.iter().all(|workload| workload.class.is_some()));
    assert!(config.policy.providers.is_empty(), "no accreditation is claimed of anyone");
    assert!(warnings.iter().all(|warning| warning.spot.file == "deploy/demo.toml"), "{warnings:?}");
}

#[test]
fn the_policy_in_deploy_is_the_one_that_is_built_in() {
    assert_eq!(fs::read_to_string("deploy/cloud-first-policy.toml").unwrap(), BUILT_IN_POLICY);
}

/// The table of the product's description: what a finding counts as for classes that must stay home, and for the others.
#[test]
fn the_built_in_policy_is_the_table_of_the_description() {
    use Standing::{Breach, Notice, Suspect, Unproven};
    let policy = built_in_policy(Home::of(CountryCode::PAKISTAN)).unwrap();
    let graded = Standings::ByGrade { proven: Breach, attested: Breach, probable: Suspect };
    let always = |standing| Some(Standings::Always(standing));
    for (rule, home, elsewhere, unclassified) in [
        (RuleId::DestinationOutside, Some(graded), None, None),
        (RuleId::DestinationUnproven, always(Unproven), None, None),
        (RuleId::DestinationConflict, always(Suspect), None, None),
        (RuleId::EdgeOpaque, always(Suspect), None, None),
        (RuleId::EdgeOutside, always(Breach), None, None),
        (RuleId::PathOutside, always(Suspect), None, None),
        (RuleId::NameserverOutside, always(Suspect), None, None),
        (RuleId::MailOutside, always(Suspect), None, None),
        (RuleId::AliasOutside, always(Suspect), None, None),
        (RuleId::RedirectOutside, always(Suspect), None, None),
        (RuleId::ViewDivergence, always(Suspect), None, None),
        (RuleId::ProviderUnaccredited, always(Breach), always(Suspect), None),
        (RuleId::ProviderLapsed, always(Breach), always(Suspect), None),
        (RuleId::ProviderUnknown, always(Unproven), always(Unproven), None),
        (RuleId::ClassMissing, always(Unproven), always(Unproven), always(Unproven)),
        (RuleId::NocExpired, always(Breach), None, None),
        (RuleId::NocExpiring, always(Notice), None, None),
        (RuleId::Unresolvable, always(Unproven), always(Unproven), always(Unproven)),
        (RuleId::Unreachable, always(Unproven), always(Unproven), always(Unproven)),
        (RuleId::Stale, always(Unproven), always(Unproven), always(Unproven)),
    ] {
        for (class, expected) in
            [("restricted", home), ("sensitive", home), ("secret", home), ("open", elsewhere), ("public", elsewhere)]
        {
            assert_eq!(policy.standings(rule, Some(&DataClass(class.into()))), expected, "{rule} for {class}");
        }
        assert_eq!(policy.standings(rule, None), unclassified, "{rule} without a class");
    }
    for (class, declared) in &policy.classes {
        let anywhere = matches!(class.0.as_str(), "open" | "public");
        assert_eq!(declared.residency == Residency::Anywhere, anywhere, "{class}");
    }
}
