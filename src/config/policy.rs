//! The policy file: which rule binds which class of data at which standing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::Offset;
use toml::de::DeValue;

use crate::digest::Digest;
use crate::place::Home;
use crate::provider::Accreditation;
use crate::verdict::policy::{Binding, Bound, ClassPolicy, Policy, Residency, Standings, class_named, gaps};
use crate::verdict::{RuleId, Standing};
use crate::workload::DataClass;

use super::document::Written;
use super::fault::{ConfigErrors, Faults, Spot, did_you_mean, quoted};
use super::section::{At, Reading, Section, read_document};
use super::value;

/// The policy in force where the configuration names no other: the file `deploy/cloud-first-policy.toml`.
pub const BUILT_IN_POLICY: &str = include_str!("../../deploy/cloud-first-policy.toml");

/// The built-in policy with `home` as home, an empty register of providers and no certificates.
pub fn built_in_policy(home: Home) -> Result<Policy, ConfigErrors> {
    let faults = Faults::default();
    let table = read(&built_in(), &faults);
    faults.verdict()?;
    let missing = || ConfigErrors(Vec::new());
    table.map(|table| table.into_policy(home)).ok_or_else(missing)
}

/// The text of the built-in policy.
pub(super) fn built_in() -> Written {
    Written { name: "cloud-first-policy.toml (built in)".into(), bytes: BUILT_IN_POLICY.as_bytes().to_vec() }
}

/// What a policy file says.
#[derive(Debug)]
pub(super) struct PolicyTable {
    title: String,
    sha256: Digest,
    classes: Classes,
    bindings: Vec<Binding>,
    days: Offset,
    noc_notice_days: u32,
}

impl PolicyTable {
    /// The class of that name or alias, or what to write instead; `None` where a class of that name may be one that could
    /// not be read.
    pub(super) fn class_named(&self, name: &str) -> Option<Reading<DataClass>> {
        let Classes { known, aliases, all_are_named, .. } = &self.classes;
        let found = class_named(name, known, aliases);
        (found.is_some() || *all_are_named).then(|| {
            found.ok_or_else(|| {
                let known: Vec<_> = known.keys().map(|class| class.0.as_str()).collect();
                let hint = did_you_mean(name, known.iter().copied());
                let known = known.join(", ");
                let policy = if self.title.is_empty() { "the policy".into() } else { format!("\"{}\"", self.title) };
                format!("{} is not a class of {policy}{hint}: write one of {known}", quoted(name))
            })
        })
    }

    /// The policy, as yet without providers and certificates.
    pub(super) fn into_policy(self, home: Home) -> Policy {
        Policy {
            title: self.title,
            sha256: self.sha256,
            home,
            classes: self.classes.known,
            aliases: self.classes.aliases,
            bindings: self.bindings,
            days: self.days,
            noc_notice_days: self.noc_notice_days,
            providers: BTreeMap::new(),
            nocs: Vec::new(),
        }
    }
}

/// Reads a policy file; `None` when it is no TOML. Its errors are among the faults.
pub(super) fn read(written: &Written, faults: &Faults) -> Option<PolicyTable> {
    read_document(written, faults, |root| read_root(root, Digest::of_bytes(&written.bytes)))
}

fn read_root(root: &Section<'_>, sha256: Digest) -> PolicyTable {
    let faults = root.faults();
    let title = root.require("title", "the policy's name, such as title = \"Cloud First Policy\"", value::text);
    let days = root.or("utc_offset", Offset::UTC, value::utc_offset);
    let noc_notice_days = root.or("noc_notice_days", 30, value::whole(0, 3660));
    let classes = Classes::read(root);
    let (bindings, all_were_read) = bindings(root, &classes);
    for rule in RuleId::ALL {
        if !bindings.iter().any(|binding| binding.rule == rule) {
            faults.warn(&root.document(), format!("no [[rule]] binds {rule}: what it finds will count for nothing"));
        }
    }
    for gap in gaps(&classes.known, &bindings).into_iter().filter(|_| all_were_read && classes.all_are_sound) {
        faults.error(&root.spot("rule"), gap);
    }
    let title = title.map_or_else(String::new, |at| at.value);
    PolicyTable { title, sha256, classes, bindings, days, noc_notice_days }
}

/// The classes of a policy file.
#[derive(Debug, Default)]
struct Classes {
    known: BTreeMap<DataClass, ClassPolicy>,
    aliases: BTreeMap<String, DataClass>,
    /// Whether all their names could be read, so that a word that is none of them is wrong.
    all_are_named: bool,
    /// Whether all of them could be read whole.
    all_are_sound: bool,
}

impl Classes {
    fn read(root: &Section<'_>) -> Self {
        let all = !root.may_be_lost("class");
        let mut classes = Self { all_are_named: all, all_are_sound: all, ..Self::default() };
        let mut named = BTreeMap::new();
        for section in root.sections("class") {
            classes.add(&section, &mut named);
        }
        if classes.known.is_empty() && classes.all_are_named {
            root.faults()
                .error(&root.spot("class"), "no class of data is declared: add a [[class]] with name and residency");
            classes.all_are_named = false;
        }
        classes
    }

    fn add(&mut self, section: &Section<'_>, named: &mut BTreeMap<String, Spot>) {
        let name = section.require("name", "the word that workloads use, such as name = \"restricted\"", value::name);
        let title = section.read("title", value::text);
        let residencies = [("home", Residency::Home), ("anywhere", Residency::Anywhere)];
        let residency = section
            .require("residency", "where the data may be: \"home\" or \"anywhere\"", |v| value::word(v, &residencies));
        let statuses = [Accreditation::Applied, Accreditation::Registered, Accreditation::Accredited];
        let statuses = statuses.map(|status| (status.as_str(), status));
        let provider = section.require("provider", "the least status of a provider, such as \"accredited\"", |v| {
            value::word(v, &statuses)
        });
        let also = section.list("aliases", value::name).unwrap_or_default();
        self.all_are_named &= also.len() == section.length("aliases") && !section.may_be_lost("aliases");
        self.all_are_named &= name.is_some();
        self.all_are_sound &= name.is_some() && residency.is_some() && provider.is_some();
        let Some(name) = name else { return };
        let class = DataClass(name.value.clone());
        for word in std::iter::once(&name).chain(&also) {
            if let Some(first) = named.get(&word.value) {
                let message = format!("{} is declared already ({first}): leave one of them", quoted(&word.value));
                section.faults().error(&word.spot, message);
            }
            named.entry(word.value.clone()).or_insert_with(|| word.spot.clone());
        }
        self.aliases.extend(also.into_iter().map(|alias| (alias.value, class.clone())));
        // One that is not sound is known all the same, so that what names it is not held to be wrong.
        let residency = residency.map_or(Residency::Home, |at| at.value);
        let provider = provider.map_or(Accreditation::Accredited, |at| at.value);
        let title = title.map_or(name.value, |at| at.value);
        self.known.insert(class, ClassPolicy { title, residency, provider });
    }
}

/// The lines of the table that could be read, and whether that is all of them.
fn bindings(root: &Section<'_>, classes: &Classes) -> (Vec<Binding>, bool) {
    let mut bindings: Vec<(Binding, Spot)> = Vec::new();
    let sections = root.sections("rule");
    let written = sections.len();
    for section in sections {
        let rule = section.require("rule", "the name of a rule, such as rule = \"destination-outside\"", rule);
        let bound = bound(&section, classes);
        let standing = standings(&section);
        let (Some(rule), Some(bound), Some(standing)) = (rule, bound, standing) else { continue };
        let twice = bindings.iter().find(|(b, _)| b.rule == rule.value && overlap(&b.classes, &bound));
        if let Some((_, first)) = twice {
            let message =
                format!("binds a class that another line binds to the same rule ({first}): leave one of them");
            root.faults().error(&rule.spot, message);
            continue;
        }
        bindings.push((Binding { rule: rule.value, classes: bound, standing }, rule.spot));
    }
    let all_were_read = bindings.len() == written && !root.may_be_lost("rule");
    (bindings.into_iter().map(|(binding, _)| binding).collect(), all_were_read)
}

fn overlap(one: &Bound, other: &Bound) -> bool {
    match (one, other) {
        (Bound::Classes(one), Bound::Classes(other)) => !one.is_disjoint(other),
        (Bound::Every, _) | (_, Bound::Every) => true,
    }
}

fn bound(section: &Section<'_>, classes: &Classes) -> Option<Bound> {
    if section.is_text("classes") {
        let every = |v: &DeValue<'_>| match v.as_str() {
            Some("every") => Ok(Bound::Every),
            _ => Err("is one word: write a list of classes in [ ], or \"every\" for all workloads".into()),
        };
        return section.read("classes", every).map(|at| at.value);
    }
    if !section.has("classes") {
        section.faults().error(&section.spot("classes"), "is missing: add a list of classes, or classes = \"every\"");
    }
    let listed: Vec<At<String>> = section.list("classes", value::name)?;
    let mut bound = BTreeSet::new();
    for class in listed {
        let known = DataClass(class.value);
        if classes.known.contains_key(&known) {
            bound.insert(known);
        } else if classes.all_are_named {
            let names: Vec<_> = classes.known.keys().map(|c| c.0.as_str()).collect();
            let hint = did_you_mean(&known.0, names.iter().copied());
            let message =
                format!("{} is not declared by this policy{hint}: write one of {}", quoted(&known.0), names.join(", "));
            section.faults().error(&class.spot, message);
        }
    }
    Some(Bound::Classes(bound))
}

/// What a finding may count as.
const WORDS: [(&str, Standing); 4] = [
    ("notice", Standing::Notice),
    ("unproven", Standing::Unproven),
    ("suspect", Standing::Suspect),
    ("breach", Standing::Breach),
];

fn standings(section: &Section<'_>) -> Option<Standings> {
    let standing = |v: &DeValue<'_>| value::word(v, &WORDS);
    if section.is_table("standing") {
        let section = section.section("standing");
        let by_grade =
            |key| section.require(key, "what a finding of that grade counts as, such as \"suspect\"", standing);
        let (proven, attested, probable) = (by_grade("proven"), by_grade("attested"), by_grade("probable"));
        let (proven, attested, probable) = (proven?.value, attested?.value, probable?.value);
        return Some(Standings::ByGrade { proven, attested, probable });
    }
    let add = "what a finding counts as: \"breach\", \"suspect\", \"unproven\", \"notice\", or one for each grade";
    section.require("standing", add, standing).map(|at| Standings::Always(at.value))
}

fn rule(value: &DeValue<'_>) -> Reading<RuleId> {
    value::word(value, &RuleId::ALL.map(|rule| (rule.as_str(), rule)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_policy_binds_every_rule_and_is_without_fault() {
        let policy = built_in_policy(Home::of("PK".parse().unwrap())).unwrap();
        assert_eq!(policy.classes.len(), 5);
        for rule in RuleId::ALL {
            assert!(policy.bindings.iter().any(|binding| binding.rule == rule), "{rule}");
        }
        assert_eq!(policy.sha256, Digest::of_bytes(BUILT_IN_POLICY.as_bytes()));
    }
}
