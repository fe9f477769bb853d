//! Dated no-objection certificates: what they cover is exempt while they hold; that they ended, or will, is said.

use jiff::{Span, civil::Date};

use super::Brief;
use crate::verdict::RuleId;
use crate::verdict::judgement::Ruling;
use crate::workload::Noc;

/// A certificate ended, and nothing in force has taken its place.
pub(super) fn expired<'a>(brief: &Brief<'a>) -> Vec<Ruling<'a>> {
    let replaced = |noc: &Noc| {
        let in_force = brief.nocs().filter(|other| other.until >= brief.today);
        in_force.into_iter().any(|other| noc.rules.iter().all(|rule| other.rules.contains(rule)))
    };
    let ended = brief.nocs().filter(|noc| noc.until < brief.today && !replaced(noc));
    let says = |noc: &Noc| vec![format!("no-objection certificate {} ended on {}", noc.reference, noc.until)];
    ended.filter_map(|noc| brief.about_endpoint(RuleId::NocExpired, move || says(noc))).collect()
}

/// A certificate in force ends soon.
pub(super) fn expiring<'a>(brief: &Brief<'a>) -> Vec<Ruling<'a>> {
    let horizon =
        brief.today.checked_add(Span::new().days(i64::from(brief.policy.noc_notice_days))).unwrap_or(Date::MAX);
    let ending = brief.nocs().filter(|noc| noc.until >= brief.today && noc.until <= horizon);
    let says = |noc: &Noc| vec![format!("no-objection certificate {} ends on {}", noc.reference, noc.until)];
    ending.filter_map(|noc| brief.about_endpoint(RuleId::NocExpiring, move || says(noc))).collect()
}
