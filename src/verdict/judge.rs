//! The judge: every rule is asked, exemptions are applied, the worst finding is the standing.

use std::cmp::Reverse;

use super::policy::Policy;
use super::rules::{self, Brief};
use super::{Finding, Standing, Verdict};
use crate::dossier::Dossier;

/// What the policy makes of the endpoint. Total and pure: the same dossier and policy always give the same verdict.
pub fn judge(dossier: &Dossier<'_>, policy: &Policy) -> Verdict {
    let brief = Brief::new(dossier, policy);
    let mut findings: Vec<Finding> = rules::RULES.iter().flat_map(|rule| rule(&brief)).collect();
    for finding in &mut findings {
        exempt(finding, &brief);
    }
    findings.sort_by_key(|finding| (Reverse(finding.standing), finding.rule, finding.address));
    let worst = findings.first().map_or(Standing::Compliant, |finding| finding.standing);
    Verdict {
        endpoint: dossier.subject.endpoint.clone(),
        vantage: dossier.subject.vantage_id().clone(),
        observed: dossier.subject.observed,
        standing: if worst == Standing::Notice { Standing::Compliant } else { worst },
        findings,
        policy: policy.sha256,
    }
}

/// A finding that a certificate in force covers is exempt, and says by which. A notice needs no exemption.
fn exempt(finding: &mut Finding, brief: &Brief<'_>) {
    if finding.standing == Standing::Notice {
        return;
    }
    let covering =
        brief.nocs().find(|noc| noc.until >= brief.today && noc.rules.iter().any(|r| r == finding.rule.as_str()));
    if let Some(noc) = covering {
        finding.standing = Standing::Exempt;
        finding.because.push(format!("no-objection certificate {} covers this until {}", noc.reference, noc.until));
    }
}
