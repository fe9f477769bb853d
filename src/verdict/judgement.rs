//! What the rules say, before anybody has asked why.
//!
//! Most verdicts are counted and few are read: the words of a finding cost more than finding it, so they are written when
//! somebody wants them.

use std::fmt;
use std::net::IpAddr;

use super::policy::Policy;
use super::{Finding, RuleId, Standing, Verdict};
use crate::dossier::Dossier;
use crate::location::Grade;
use crate::workload::Noc;

/// A verdict whose reasons have not been written out.
#[derive(Debug)]
pub struct Judgement<'a> {
    pub(super) dossier: &'a Dossier<'a>,
    pub(super) policy: &'a Policy,
    /// Worst first, then in the order of [`RuleId::ALL`] and of addresses.
    pub(super) rulings: Vec<Ruling<'a>>,
}

impl Judgement<'_> {
    /// The worst of the findings, a notice counting as nothing.
    pub fn standing(&self) -> Standing {
        match self.rulings.first().map(|ruling| ruling.standing) {
            None | Some(Standing::Notice) => Standing::Compliant,
            Some(worst) => worst,
        }
    }

    /// The verdict, with every reason in words.
    pub fn in_words(&self) -> Verdict {
        let subject = self.dossier.subject;
        Verdict {
            endpoint: subject.endpoint.clone(),
            vantage: subject.vantage_id().clone(),
            observed: subject.observed,
            standing: self.standing(),
            findings: self.rulings.iter().map(Ruling::in_words).collect(),
            policy: self.policy.sha256,
        }
    }
}

/// One thing that a rule has to say: a [`Finding`] whose facts are not in words yet.
pub(super) struct Ruling<'a> {
    pub(super) rule: RuleId,
    pub(super) standing: Standing,
    pub(super) address: Option<IpAddr>,
    pub(super) grade: Option<Grade>,
    pub(super) because: Because<'a>,
    /// The certificate that covers it, if one does.
    pub(super) covered: Option<&'a Noc>,
}

/// Writes the facts.
pub(super) type Because<'a> = Box<dyn Fn() -> Vec<String> + 'a>;

impl Ruling<'_> {
    fn in_words(&self) -> Finding {
        let covered = |noc: &Noc| format!("no-objection certificate {} covers this until {}", noc.reference, noc.until);
        let because = (self.because)().into_iter().chain(self.covered.map(covered)).collect();
        Finding { rule: self.rule, standing: self.standing, address: self.address, grade: self.grade, because }
    }
}

impl fmt::Debug for Ruling<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.in_words().fmt(f)
    }
}
