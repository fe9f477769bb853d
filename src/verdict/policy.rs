//! The policy: which rule binds which class of data at which standing, who may run what, and what is exempt.
//!
//! All of it is data. The default is `deploy/cloud-first-policy.toml`; another country changes a file.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::Offset;

use crate::digest::Digest;
use crate::location::Grade;
use crate::place::Home;
use crate::provider::{Accreditation, Provider, ProviderId};
use crate::verdict::{RuleId, Standing};
use crate::workload::{DataClass, Noc};

/// What `judge` judges by.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The policy's name for people.
    pub title: String,
    /// The digest of the file it was read from.
    pub sha256: Digest,
    /// The countries that count as home.
    pub home: Home,
    /// The classes it declares, with what each requires.
    pub classes: BTreeMap<DataClass, ClassPolicy>,
    /// Other words for them.
    pub aliases: BTreeMap<String, DataClass>,
    /// What each rule means; a rule without a binding for a class does not concern it.
    pub bindings: Vec<Binding>,
    /// The clock by which days begin and end: certificates and accreditations last until midnight by it.
    pub days: Offset,
    /// How many days before its end a certificate is announced as expiring.
    pub noc_notice_days: u32,
    /// The register of providers.
    pub providers: BTreeMap<ProviderId, Provider>,
    /// The certificates in force or past.
    pub nocs: Vec<Noc>,
}

/// What the policy requires of one class of data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassPolicy {
    /// The class's name for people.
    pub title: String,
    /// Where the data may be.
    pub residency: Residency,
    /// The least status of a provider.
    pub provider: Accreditation,
}

/// Where data may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Residency {
    /// At home only.
    Home,
    /// Anywhere.
    Anywhere,
}

/// One line of the policy's table: a rule, the classes it binds, and the standing of what it finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The rule.
    pub rule: RuleId,
    /// Whom it binds.
    pub classes: Bound,
    /// What a finding of that rule counts as.
    pub standing: Standings,
}

/// Which workloads a line of the table binds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Every workload, one without a class included.
    Every,
    /// Workloads of these classes.
    Classes(BTreeSet<DataClass>),
}

/// What a finding counts as: always the same, or by how well the location is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standings {
    /// Whatever the grade.
    Always(Standing),
    /// By the grade of the location the finding rests on.
    ByGrade {
        /// When proven.
        proven: Standing,
        /// When attested.
        attested: Standing,
        /// When probable or less.
        probable: Standing,
    },
}

/// The rules that keep data at home: a class that must stay there is bound by each of them.
const KEEP_HOME: [RuleId; 5] = [
    RuleId::DestinationOutside,
    RuleId::DestinationUnproven,
    RuleId::DestinationConflict,
    RuleId::EdgeOpaque,
    RuleId::EdgeOutside,
];

/// The rules that say what we do not know of an endpoint: they bind every workload.
const SAY_UNKNOWN: [RuleId; 4] = [RuleId::Unresolvable, RuleId::Unreachable, RuleId::Stale, RuleId::ClassMissing];

/// What a table leaves open, in words, each with its cure: a class that must stay home and is not watched for it, or
/// ignorance that would pass for compliance.
pub fn gaps(classes: &BTreeMap<DataClass, ClassPolicy>, bindings: &[Binding]) -> Vec<String> {
    let standing_of = |rule: RuleId, class: &DataClass| {
        let binds = |binding: &&Binding| binding.rule == rule && binding.classes.binds(Some(class));
        bindings.iter().find(binds).map(|binding| binding.standing)
    };
    let mut gaps = Vec::new();
    for (class, _) in classes.iter().filter(|(_, class)| class.residency == Residency::Home) {
        let is_open =
            |rule: &RuleId| standing_of(*rule, class).is_none_or(|standing| standing.least() < Standing::Unproven);
        let open: Vec<_> = KEEP_HOME.iter().filter(|rule| is_open(rule)).map(|rule| rule.as_str()).collect();
        if !open.is_empty() {
            let rules = open.join(", ");
            gaps.push(format!("class {class} must stay home: bind {rules} to it, at unproven, suspect or breach"));
        }
    }
    for rule in SAY_UNKNOWN {
        let every = |binding: &&Binding| binding.rule == rule && binding.classes == Bound::Every;
        let least = bindings.iter().find(every).map(|binding| binding.standing.least());
        if least.is_none_or(|least| least < Standing::Unproven) {
            gaps.push(format!("unknown is never compliant: bind {rule} to classes = \"every\", at least at unproven"));
        }
    }
    gaps
}

impl Bound {
    fn binds(&self, class: Option<&DataClass>) -> bool {
        match self {
            Self::Every => true,
            Self::Classes(classes) => class.is_some_and(|class| classes.contains(class)),
        }
    }
}

impl Standings {
    /// The mildest that a finding may count as.
    fn least(self) -> Standing {
        match self {
            Self::Always(standing) => standing,
            Self::ByGrade { proven, attested, probable } => proven.min(attested).min(probable),
        }
    }

    /// What a finding that rests on a location of `grade` counts as; one that rests on none counts as the least.
    pub fn of(self, grade: Option<Grade>) -> Standing {
        match self {
            Self::Always(standing) => standing,
            Self::ByGrade { proven, attested, probable } => match grade {
                Some(Grade::Proven) => proven,
                Some(Grade::Attested) => attested,
                Some(Grade::Probable | Grade::Indeterminate | Grade::Conflict) | None => probable,
            },
        }
    }
}

impl Policy {
    /// The class of that name or alias.
    pub fn class_named(&self, name: &str) -> Option<DataClass> {
        class_named(name, &self.classes, &self.aliases)
    }

    /// What a finding of `rule` counts as for data of `class`; `None` when the rule does not bind it.
    pub fn standings(&self, rule: RuleId, class: Option<&DataClass>) -> Option<Standings> {
        let binds = |binding: &&Binding| binding.rule == rule && binding.classes.binds(class);
        self.bindings.iter().find(binds).map(|binding| binding.standing)
    }

    /// The provider that announces `asn`, where the register names one.
    pub fn provider_announcing(&self, asn: crate::network::Asn) -> Option<&Provider> {
        self.providers.values().find(|provider| provider.asns.contains(&asn))
    }
}

/// Of the classes of a policy, the one of that name or alias.
pub fn class_named(
    name: &str,
    classes: &BTreeMap<DataClass, ClassPolicy>,
    aliases: &BTreeMap<String, DataClass>,
) -> Option<DataClass> {
    let class = DataClass(name.to_owned());
    if classes.contains_key(&class) { Some(class) } else { aliases.get(name).cloned() }
}
