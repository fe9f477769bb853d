//! Dated no-objection certificates: what they cover is exempt while they hold; that they ended, or will, is said.

use jiff::{Span, civil::Date};

use super::Brief;
use crate::verdict::{Finding, RuleId};
use crate::workload::Noc;

/// A certificate ended, and nothing in force has taken its place.
pub(super) fn expired(brief: &Brief<'_>) -> Vec<Finding> {
    let replaced = |noc: &Noc| {
        let in_force = brief.nocs().filter(|other| other.until >= brief.today);
        in_force.into_iter().any(|other| noc.rules.iter().all(|rule| other.rules.contains(rule)))
    };
    let ended = brief.nocs().filter(|noc| noc.until < brief.today && !replaced(noc));
    let says = |noc: &Noc| format!("no-objection certificate {} ended on {}", noc.reference, noc.until);
    ended.filter_map(|noc| brief.about_endpoint(RuleId::NocExpired, vec![says(noc)])).collect()
}

/// A certificate in force ends soon.
pub(super) fn expiring(brief: &Brief<'_>) -> Vec<Finding> {
    let horizon =
        brief.today.checked_add(Span::new().days(i64::from(brief.policy.noc_notice_days))).unwrap_or(Date::MAX);
    let ending = brief.nocs().filter(|noc| noc.until >= brief.today && noc.until <= horizon);
    let says = |noc: &Noc| format!("no-objection certificate {} ends on {}", noc.reference, noc.until);
    ending.filter_map(|noc| brief.about_endpoint(RuleId::NocExpiring, vec![says(noc)])).collect()
}
